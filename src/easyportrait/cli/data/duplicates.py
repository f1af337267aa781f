"""`easyportrait data duplicates`: which pictures look alike."""

import json
from pathlib import Path
from typing import Annotated

import cv2
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ...data.repeats import Repeats, repeats
from ...errors import SomeFailed
from ...image.io import written
from ..common import complain, progress_bar, words
from .build import Distance
from .verify import printable


def duplicates(
    root: Annotated[
        Path, typer.Argument(metavar="DIR", help="A folder of photographs, or a dataset.")
    ],
    distance: Distance = 4,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write the groups, for machines.")
    ] = None,
) -> None:
    """List groups of pictures that look alike; nothing is changed.

    In each group every picture is within the distance of another. The largest is the
    first; bits say by how much the others' hashes differ from its.
    """
    cv2.setNumThreads(1)  # a picture a core
    with progress_bar() as bar:
        task = bar.add_task("looking", total=None)
        found = repeats(
            root,
            distance,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
    if json_file is not None:
        told = {"root": str(root), "distance": distance, **found.to_dict()}
        with written(json_file) as file:
            file.write(json.dumps(told, indent=2).encode() + b"\n")
    if found.groups:
        Console().print(table(found))
    n = sum(len(group) for group in found.groups)
    words.print(
        f"{len(found.groups):,} groups with {n:,} of {found.pictures:,} pictures", style="green"
    )
    for line in found.unreadable:
        complain(printable(line))
    if found.unreadable:
        raise SomeFailed(f"{len(found.unreadable)} of {found.pictures} pictures cannot be read")


def table(found: Repeats) -> Table:
    rows = Table("group", "picture", "size", "bits")
    for i, group in enumerate(found.groups, 1):
        for look in group:
            name = escape(printable(look.name))
            rows.add_row(str(i), name, f"{look.width} x {look.height}", str(look.bits))
    return rows
