"""`easyportrait data split`: which users are trained on, and which are tested on."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from ...data.resplit import resplit
from ...data.split import SHARES, parts, read_shares
from ...image.io import written
from ..common import progress_bar, words
from .build import Distance, KeepSplit, Seed, Shares, splits
from .verify import printable


def split(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="DIR|TABLE", help="A dataset, or a CSV or TSV with the columns name and user."
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FILE", help="The table; else it goes to stdout."),
    ] = None,
    shares: Shares = None,
    seed: Seed = 0,
    keep_split: KeepSplit = None,
    group: Annotated[
        bool,
        typer.Option(
            "--group/--no-group", help="Near-duplicates and their users go into one split."
        ),
    ] = True,
    distance: Distance = 4,
) -> None:
    """Write a table of name, user and split; no picture is moved.

    Shares are met as far as the users' numbers of pictures allow, and splits are alike in
    brightness and size where the table tells them. `data build --keep-split` takes the
    table.
    """
    with progress_bar() as bar:
        task = bar.add_task("looking", total=None)
        found = resplit(
            source,
            read_shares(shares) if shares else SHARES["v1"],
            seed=seed,
            group=group,
            distance=distance,
            keep_split=keep_split,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
    if output is None:
        sys.stdout.write(found.to_csv())
    else:
        with written(output) as file:
            file.write(found.to_csv().encode())
    words.print(splits(parts(found.rows)))
    for remark in found.remarks:
        words.print(printable(remark), style="yellow", markup=False)
