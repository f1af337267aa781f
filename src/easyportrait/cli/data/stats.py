"""`easyportrait data stats`: what is in a dataset, and whether its splits are alike."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated

import cv2
import typer
from rich.console import Console
from rich.table import Table

from ...data.meta import SPLITS
from ...data.plots import load_matplotlib
from ...data.stats import ALL, Stats
from ...data.stats import stats as measure
from ...data.stats_page import overview, percent, verdicts, write_page
from ...errors import SomeFailed
from ...image.io import written
from ..common import complain, progress_bar, words
from .verify import printable


def stats(
    root: Annotated[
        Path, typer.Argument(metavar="DIR", help="Folder of the dataset, zipped or unpacked.")
    ],
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a page with plots.")
    ] = None,
    json: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write every number, for machines.")
    ] = None,
    split: Annotated[
        list[str] | None,
        typer.Option(metavar="SPLIT", help=f"{', '.join(SPLITS)}; may be repeated. Else all."),
    ] = None,
) -> None:
    """Measure every picture and mask: classes, sizes, brightness, faces, users, splits.

    Prints tables; --html and --json tell all of it. A picture that cannot be measured is
    named at the end and the others count; the status is then 1. docs/howto/stats.md says
    what each number is.
    """
    if html is not None:
        load_matplotlib()  # better missed now than after 20,000 pictures
    cv2.setNumThreads(1)  # a picture a core
    with progress_bar() as bar:
        task = bar.add_task("measuring", total=None)
        found = measure(
            root,
            splits=split or (),
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
    if json is not None:
        with written(json) as file:
            file.write(found.to_json().encode() + b"\n")
    if html is not None:
        write_page(found, html)
    console = Console()
    console.print(table(["medians", *found.groups], overview(found, with_spread=False)))
    console.print(table(["class", "of all pixels", "of masks"], classes(found)))
    if len(found.splits) > 1:
        pairs = [(" and ".join(pair), verdict) for pair, verdict in verdicts(found)]
        console.print(table(["splits", "alike?"], pairs, justify="left"))
    for failure in found.failures:
        complain(printable(str(failure)))
    if found.failures:
        total = len(found.pictures) + len(found.failures)
        raise SomeFailed(
            f"{len(found.failures):,} of {total:,} pictures could not be measured; they are "
            "listed above, and the others counted"
        )
    words.print(f"{len(found.pictures):,} pictures measured", style="green")


def classes(found: Stats) -> Iterable[Sequence[str]]:
    """How much there is of each class, in all splits."""
    for name, counts in found.classes.items():
        count = counts[ALL]
        if count.pixels or name not in ("unknown", "no class"):
            yield name.replace("_", " "), percent(count.share), percent(count.masks_share)


def table(head: Sequence[str], rows: Iterable[Sequence[str]], *, justify: str = "right") -> Table:
    """The first column is text; the others are numbers unless told otherwise."""
    made = Table()
    for at, name in enumerate(head):
        made.add_column(name, justify="right" if at and justify == "right" else "left")
    for row in rows:
        made.add_row(*row)
    return made
