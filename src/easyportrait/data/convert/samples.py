"""What passes from readers to writers, and what is told on the way."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ...image.io import read_mask
from ...taxonomy import IGNORE, Mapping256, Mask
from ..files import Readable, opened


@dataclass(frozen=True, slots=True)
class Found:
    """A picture with a mask that a reader found. Neither is read yet.

    Attributes:
        name: of the files that will be written, without suffix.
        split: train, val or test.
        image_file: the picture, as it lies in the source.
        read_mask: gives the (H, W) uint8 mask of nine classes, 255 where not known, and
            notes what it changed; raises ImageUnreadable, ShapeMismatch, BadInput.
        meta: of meta.py's schema, as much as the source tells.
    """

    name: str
    split: str
    image_file: Readable
    read_mask: Callable[["Notes"], Mask]
    meta: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.split}/{self.name}"


@dataclass(frozen=True, slots=True)
class Labelled:
    """The same, read and found to agree; what writers are given.

    Attributes:
        image: the bytes of a JPEG file.
        mask: (H, W) uint8 of nine classes, 255 where not known; the size of the picture as
            it looks after its EXIF orientation.
    """

    name: str
    split: str
    image: bytes
    mask: Mask
    meta: dict[str, Any]


@dataclass(slots=True)
class Notes:
    """What a conversion has to tell, gathered while it runs.

    Attributes:
        counts: what was changed or is not known, and how often.
        lost: a line for each sample, or file, that cannot be converted.
        remarks: a line for each thing that is left aside and need not be a fault.
    """

    counts: Counter[str] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def count(self, what: str, n: int = 1) -> None:
        if n:
            self.counts[what] += n


@dataclass(frozen=True, slots=True)
class How:
    """What is asked of a conversion beyond its two formats.

    Attributes:
        split: of pictures that lie in no folder named for a split.
        table: a TOML or JSON file that says which of our classes a colour (colour-masks) or
            category (coco, yolo-seg, and what annotators' tools write) is; see table.py.
        mend_sides: exchange left and right where they lie the wrong way round.
        archives: zips, of the formats that have them; False for folders.
        later_wins: of shapes that overlap, the later one in the file lies on top, and not the
            one of the higher class (layers.py).
        simplify: by how many pixels polygons that are written may be off (polygons.around).
        by: the net whose guesses these masks are; "" if people stand for them.
    """

    split: str = "train"
    table: Path | None = None
    mend_sides: bool = False
    archives: bool = True
    later_wins: bool = False
    simplify: float = 0
    by: str = ""


# What is found is only names and files: the pictures and masks pass one after another.
Reader = Callable[[Path, How, Notes], list[Found]]
Writer = Callable[[Iterable[Labelled], Path, How, Notes], None]


def mapped(mask: Mask, mapping: Mapping256, notes: Notes) -> Mask:
    """A foreign mask in our classes; values without a counterpart are counted, each.

    Args:
        mask: (H, W) uint8.

    Raises:
        ShapeMismatch: as `Mapping256`.
    """
    ours = mapping(mask)
    areas = np.bincount(mask.ravel(), minlength=256)
    for value in np.flatnonzero((areas > 0) & (mapping.table == IGNORE)):
        if value != IGNORE:
            what = f"pixels have the {mapping.source} value {value}, which is none of our classes"
            notes.count(f"{what}: 255", int(areas[value]))
    return ours


def indices(file: Readable, mapping: Mapping256) -> Callable[[Notes], Mask]:
    """How a mask that is a PNG of foreign numbers is read, for `Found.read_mask`."""
    return lambda notes: mapped(read_mask(opened(file)), mapping, notes)
