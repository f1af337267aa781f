"""`easyportrait evaluate`: score a model file on pictures with masks."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import cv2
import typer
from rich.console import Console

from ..core import load
from ..data.plots import load_matplotlib
from ..data.portraits import open_folder
from ..errors import SomeFailed
from ..evaluate.bootstrap import Value
from ..evaluate.page import write_page
from ..evaluate.run import evaluate as score
from ..evaluate.run import workers
from ..evaluate.scores import Scores
from ..evaluate.told import (
    ends,
    heading,
    number,
    overview,
    spoken,
    to_json,
    whose,
)
from ..image.io import written
from .common import Looks, Runtime, complain, progress_bar, words
from .data.stats import table
from .data.verify import printable

WORST = 24  # pictures shown on the page

# Narrow ones, so that a table of all fits a terminal of 80 columns
HEADS = {
    "iou": "IoU",
    "f1": "F1",
    "precision": "prec.",
    "recall": "rec.",
    "boundary_f": "edge\nF",
    "boundary_iou": "edge\nIoU",
}


def evaluate(
    model: Annotated[str, typer.Argument(help="A name, or a path to an .onnx file.")],
    data: Annotated[
        Path, typer.Option("--data", help="Folder of portraits with masks, or EasyPortrait.")
    ],
    split: Annotated[str | None, typer.Option(help="Only this split.")] = None,
    looks: Looks = 2,
    runtime: Runtime = "onnx",
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FILE", help="Write every number, as JSON."),
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write a page with plots and the worst pictures."),
    ] = None,
) -> None:
    """IoU, boundaries, calibration and more of a model over a whole set, at the pictures' size.

    Each score comes with a 95 % interval, and mean IoU also by kind of picture. Models of two
    and eight classes are scored against masks of nine. A picture that cannot be scored is named
    at the end and the others count; the status is then 1. docs/howto/evaluate.md says what each
    score is.
    """
    if html is not None:
        load_matplotlib()  # better missed now than after 4,000 pictures
    folder = open_folder(data, split)
    is_one_a_core = workers(len(folder)) > 1
    parser = load(model, threads=1 if is_one_a_core else None, runtime=runtime)
    cv2.setNumThreads(1 if is_one_a_core else -1)
    with progress_bar() as progress:
        task = progress.add_task("scoring", total=len(folder))
        found = score(
            parser,
            folder,
            looks=looks,
            worst=WORST if html else 0,
            progress=lambda: progress.advance(task),
        )
    if output is not None:
        with written(output) as file:
            file.write(to_json(found, data=str(data), split=split).encode() + b"\n")
    if html is not None:
        write_page(found, html, about=f"{data}, {split}" if split else str(data))
    show(found)
    for failure in found.failures:
        complain(printable(str(failure)))
    if found.failures:
        total = found.pictures + len(found.failures)
        raise SomeFailed(
            f"{len(found.failures):,} of {total:,} pictures could not be scored; they are listed "
            "above, and the others counted"
        )
    words.print(
        f"{found.pictures:,} pictures scored; intervals are over {whose(found)}",
        style="green",
        markup=False,
    )


def show(found: Scores) -> None:
    """Print the tables: all in all, classes, kinds of pictures."""
    console = Console()
    title = f"{found.model}, {found.pictures:,} pictures, looks {found.looks}"
    rows = [(label, number(value.value, 4), ends(value, 4)) for label, value in overview(found)]
    console.print(table([title, "score", "95 %"], rows))
    classes = [
        (
            spoken(name),
            number(its["iou"].value),
            ends(its["iou"]),
            *(number(its[score].value if score in its else None) for score in [*HEADS][1:]),
        )
        for name, its in found.total.classes.items()
    ]
    first, *rest = HEADS.values()
    console.print(table(["class", first, "95 %", *rest], classes))
    groups: list[Sequence[str]] = []
    for attribute, its in found.by_group.items():
        groups.append((heading(attribute), "", "", ""))
        for group, scored in its:
            miou = scored.overall.get("miou", Value(None))
            row = f"{scored.pictures:,}", number(miou.value), ends(miou)
            groups.append((f"  {group.name}", *row))
    if groups:
        console.print(table(["kind of picture", "pictures", "mean IoU", "95 %"], groups))
