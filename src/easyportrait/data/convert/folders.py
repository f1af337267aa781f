"""EasyPortrait's own two layouts (layout.py), as a source and as a target."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from ...errors import BadInput
from ...image.io import encode
from ...taxonomy import to_task
from ..easyportrait import contradictions, remarks, rows_of, several, split_of
from ..layout import Entry, Layout, index, write_dataset
from ..meta import FIELDS
from .samples import Found, How, Labelled, Notes, Writer, indices

SAME = to_task("joint")  # nine classes as they are; other values mean nothing: 255


class Bytes:
    """A file that is nowhere but in memory."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def read(self) -> bytes:
        return self.data


def read(src: Path, how: How, notes: Notes) -> list[Found]:
    """Either version, in whatever mix of folders and zips.

    Raises:
        BadInput: as `EasyPortrait`, for what contradicts itself.
    """
    found = index(src)
    rows = rows_of(found)
    for problem in contradictions(found, rows):
        raise BadInput(f"{src}: {problem}")
    there = {entry.split for entry in found.entries}
    names = {entry.name for entry in found.entries}
    notes.lost += [
        f"{src}: {path} has no partner of the same name and split"
        for path in found.unpaired
        if split_of(path) in there
    ]
    notes.lost += [
        f"{src}: the table has {row['split']}/{name}, of which there is no picture with a mask"
        for name, row in rows.items()
        if row["split"] in there and name not in names
    ]
    notes.remarks += remarks(found)
    if rowless := sorted(names - rows.keys()) if rows else []:
        notes.remarks.append(several("pictures have no row in the table", rowless))
    return [
        Found(e.name, e.split, e.image_file, indices(e.mask_file, SAME), rows.get(e.name, {}))
        for e in found.entries
    ]


def writer(layout: Layout) -> Writer:
    def write(samples: Iterable[Labelled], out: Path, how: How, notes: Notes) -> None:
        write_dataset(_entries(samples), out, layout, archives=how.archives)

    return write


def _entries(samples: Iterable[Labelled]) -> Iterator[Entry]:
    for one in samples:
        mask = Bytes(encode(one.mask, ".png"))
        meta = {field: one.meta.get(field) for field in FIELDS}
        yield Entry(one.name, one.split, Bytes(one.image), mask, meta)
