"""`easyportrait demo`: the main job, on a real photograph that comes with the package."""

import json
from pathlib import Path

from rich.console import Console
from rich.table import Table

from ..assets import DEMO
from ..core import load
from ..image.blend import overlay
from ..image.io import read_image, write_image, written
from ..models.catalog import DEFAULT
from ..summary import summary
from .common import Model, Output, words


def demo(
    output: Output = Path("easyportrait-demo"),
    model: Model = DEFAULT,
) -> None:
    """Parse the portrait of an astronaut; leave files to open and print what was found."""
    image = read_image(DEMO)
    result = load(model).parse(image)
    found = summary(result, DEMO.name)
    write_image(output / "astronaut.jpg", image)
    write_image(output / "astronaut.png", result.labels, text={"easyportrait": "labels"})
    write_image(output / "astronaut.overlay.jpg", overlay(image, result.labels, result.taxonomy))
    write_image(output / "astronaut.cutout.png", result.cutout(), text={"easyportrait": "cutout"})
    with written(output / "astronaut.json") as file:
        file.write(json.dumps(found, indent=2).encode() + b"\n")

    table = Table("class", "index", "pixels", "share", title="Eileen Collins, NASA (512 x 512)")
    for name, row in found["classes"].items():
        red, green, blue = result.taxonomy[name].rgb
        swatch = f"[on rgb({red},{green},{blue})]  [/] " if name != "background" else "   "
        table.add_row(swatch + name, str(row["index"]), str(row["pixels"]), f"{row['share']:.2%}")
    Console().print(table)
    words.print("Open these:", style="green")
    for name in ("overlay.jpg", "cutout.png", "png", "json"):
        words.print(f"  {output / f'astronaut.{name}'}", markup=False)
