"""`easyportrait data verify`: is a dataset sound, and if not, what is wrong."""

from pathlib import Path
from typing import Annotated

import cv2
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ...data.duplicates import FURTHEST
from ...data.evidence import Thresholds
from ...data.page import SHOWN, write_page
from ...data.pool import Over, on_all_cores
from ...data.verify import Report
from ...data.verify import verify as look
from ...errors import DatasetUnsound
from ...image.io import written
from ..common import hides, progress_bar, words

USUAL = Thresholds()


@hides("over")
def verify(
    root: Annotated[
        Path, typer.Argument(metavar="DIR", help="Folder of the dataset, zipped or unpacked.")
    ],
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a page with thumbnails.")
    ] = None,
    json: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write every finding, for machines.")
    ] = None,
    skip: Annotated[
        list[str] | None,
        typer.Option(metavar="KIND", help="Leave out this kind of finding; may be repeated."),
    ] = None,
    allow_255: Annotated[
        bool, typer.Option("--allow-255", help="255 in masks is right: class unknown.")
    ] = USUAL.allow_255,
    distance: Annotated[
        int, typer.Option(min=0, max=FURTHEST, help="Bits of 64 by which duplicates may differ.")
    ] = USUAL.distance,
    brightness: Annotated[
        float, typer.Option(min=0, help="By how much the table may miss the mean luma, of 255.")
    ] = USUAL.brightness,
    hash_bits: Annotated[
        int, typer.Option(min=0, help="Bits of 64 by which the table's hash may be off.")
    ] = USUAL.hash_bits,
    speck_px: Annotated[
        int, typer.Option(min=0, help="Pieces of a class under so many pixels are specks.")
    ] = USUAL.speck_px,
    hole_px: Annotated[
        int, typer.Option(min=0, help="Background of so many pixels inside a face is a hole.")
    ] = USUAL.hole_px,
    hole_share: Annotated[
        float, typer.Option(min=0, help="The same inside a person, as a share of the person.")
    ] = USUAL.hole_share,
    sides_apart: Annotated[
        float, typer.Option(min=0, help="Sides nearer than this, of the face's height, pass.")
    ] = USUAL.sides_apart,
    shown: Annotated[
        int, typer.Option(min=0, help="The most findings of a kind on the page.")
    ] = SHOWN,
    over: Over = on_all_cores,
) -> None:
    """Look at every picture, mask and row; leave with 0 if all is sound, with 8 if not.

    Prints how many findings of each kind there are. --html and --json tell all of them;
    docs/howto/verify.md says what each kind means and how to mend it.
    """
    thresholds = Thresholds(
        allow_255=allow_255,
        distance=distance,
        brightness=brightness,
        hash_bits=hash_bits,
        speck_px=speck_px,
        hole_px=hole_px,
        hole_share=hole_share,
        sides_apart=sides_apart,
    )
    cv2.setNumThreads(1)  # a picture a core
    with progress_bar() as bar:
        task = bar.add_task("looking", total=None)
        report = look(
            root,
            thresholds,
            skip=skip or (),
            over=over,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
    if json is not None:
        with written(json) as file:
            file.write(report.to_json().encode() + b"\n")
    if html is not None:
        write_page(report, html, shown=shown)
    Console().print(counts(report))
    if not report.has_table:
        words.print("No table of pictures: rows and users were not compared.", style="yellow")
    looked = f"{report.pictures:,} pictures, {len(report.checks)} checks"
    if report.findings:
        where = f"; all in {html or json}" if html or json else "; --html FILE lists all"
        raise DatasetUnsound(f"{root}: {len(report.findings):,} findings in {looked}{where}")
    words.print(f"{root} is sound: {looked}", style="green", markup=False)


def counts(report: Report) -> Table:
    table = Table("finding", "how many", "the first of them")
    for kind, n in report.counts.items():
        first = next(finding for finding in report.findings if finding.kind == kind)
        table.add_row(kind, f"{n:,}", escape(printable(str(first))))
    if not report.findings:
        table.add_row("none", "0", "")
    return table


def printable(text: str) -> str:
    """A file name may hold what a terminal would obey, or bytes that are no text."""
    return "".join(c if c.isprintable() else "?" for c in text)
