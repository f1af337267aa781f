"""`easyportrait data convert`: a dataset from one format to another."""

from pathlib import Path
from typing import Annotated

import typer

from ...data.convert import READERS, WRITERS
from ...data.convert import convert as run
from ...data.convert.samples import How, Notes
from ...data.meta import SPLITS
from ..common import complain, progress_bar, words

LISTED = 20  # remarks of a kind; losses are listed all


def convert(
    src: Annotated[Path, typer.Argument(metavar="SRC", help="The folder that holds the dataset.")],
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="DST", help="A folder that holds nothing yet.")
    ],
    source: Annotated[
        str, typer.Option("--from", metavar="FORMAT", help=f"One of {', '.join(READERS)}.")
    ],
    target: Annotated[
        str, typer.Option("--to", metavar="FORMAT", help=f"One of {', '.join(WRITERS)}.")
    ],
    table: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help='TOML or JSON: which class a colour or label is: "#a0ddff" = "skin".',
        ),
    ] = None,
    split: Annotated[
        str,
        typer.Option(help=f"Of pictures that no folder says it of: {', '.join(SPLITS)}."),
    ] = "train",
    mend_sides: Annotated[
        bool,
        typer.Option(
            "--mend-sides", help="Exchange left and right of brows and eyes that lie wrong."
        ),
    ] = False,
    later_wins: Annotated[
        bool,
        typer.Option(
            "--later-wins", help="Of shapes that overlap, the later one; else the class decides."
        ),
    ] = False,
    simplify: Annotated[
        float,
        typer.Option(
            min=0, metavar="PX", help="Fewer points: polygons may be off by so many pixels."
        ),
    ] = 0,
    folders: Annotated[
        bool, typer.Option("--folders", help="EasyPortrait as folders instead of zips.")
    ] = False,
    partial: Annotated[
        bool, typer.Option("--partial", help="Write what can be converted, and list the rest.")
    ] = False,
) -> None:
    """Write pictures and masks again in another format; all of them, or nothing.

    Nothing is resized and nothing is guessed: what has no counterpart is 255, not known, and
    is counted. JPEG files are copied byte for byte. docs/howto/convert.md says what lies where
    in each format, and what each of its numbers becomes.
    """
    notes = Notes()
    how = How(split, table, mend_sides, not folders, later_wins, simplify)
    try:
        with progress_bar() as bar:
            task = bar.add_task("converting", total=None)
            written = run(
                src,
                output,
                source,
                target,
                how,
                partial=partial,
                notes=notes,
                progress=lambda done, total: bar.update(task, completed=done, total=total),
            )
    finally:
        say(notes)
    words.print(f"{written:,} pictures with masks are in {output}", style="green", markup=False)


def say(notes: Notes) -> None:
    """What was lost, a line each, and what was changed or is not known, counted."""
    for line in notes.lost:
        complain(line)
    for line in notes.remarks[:LISTED]:
        words.print(line, style="yellow", markup=False)
    for what, n in sorted(notes.counts.items(), key=lambda item: -item[1]):
        words.print(f"{n:,} {what}", markup=False)
