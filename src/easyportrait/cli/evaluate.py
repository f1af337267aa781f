"""`easyportrait evaluate`: score a model file on pictures with masks."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from ..core import load
from ..data.portraits import open_folder
from ..evaluate.run import evaluate as score
from ..image.io import written
from .common import Looks, progress_bar


def evaluate(
    model: Annotated[str, typer.Argument(help="A name, or a path to an .onnx file.")],
    data: Annotated[
        Path, typer.Option("--data", help="Folder of portraits with masks, or EasyPortrait.")
    ],
    split: Annotated[str | None, typer.Option(help="Only this split.")] = None,
    looks: Looks = 2,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Write the scores here as JSON.")
    ] = None,
) -> None:
    """IoU of each class over a whole set, at the pictures' own size."""
    folder = open_folder(data, split)
    with progress_bar() as progress:
        task = progress.add_task("scoring", total=len(folder))
        result = score(load(model), folder, looks=looks, progress=lambda: progress.advance(task))
    table = Table("class", "IoU", title=f"{model}, {len(folder)} pictures, looks {looks}")
    for name, value in result.iou.items():
        table.add_row(name, f"{value:.4f}")
    table.add_row("mean", f"{result.mean:.4f}")
    Console().print(table)
    if output is not None:
        with written(output) as file:
            file.write(json.dumps(asdict(result) | {"looks": looks}, indent=2).encode() + b"\n")
