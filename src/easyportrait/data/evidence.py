"""What a check is given, what it may say, and how much is too much."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import BadInput, EasyPortraitError
from ..image.io import Image, read_luma, read_mask
from ..taxonomy import Mask
from .duplicates import FURTHEST
from .files import opened
from .hashing import phash
from .layout import Entry, Index

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """How much is too much. The defaults are silent on masks drawn by hand with care.

    Attributes:
        allow_255: the value 255 (class unknown) may stand in masks.
        distance: bits of 64 in which the hashes of near-duplicates may differ, 0 to 32.
            Of 2.9 million pairs of different portraits, none differs in under 6.
        brightness: by how much the table may miss the mean luma, of 255.
        hash_bits: in how many bits of 64 the table's hash may differ from the picture's:
            decoders differ.
        speck_px: a piece of a class of fewer pixels is a speck.
        hole_px: background of as many pixels, enclosed by a face, is a hole.
        hole_share: background of such a share of the person's pixels, enclosed by the
            person, is a hole too; the crook of an arm is smaller.
        sides_apart: sides nearer to each other than this share of the height from brows to
            mouth are not judged: the face may be in profile.

    Raises:
        BadInput: one is negative, or `distance` over 32.
    """

    allow_255: bool = False
    distance: int = 4
    brightness: float = 2.0
    hash_bits: int = 4
    speck_px: int = 8
    hole_px: int = 16
    hole_share: float = 0.05
    sides_apart: float = 0.3

    def __post_init__(self) -> None:
        for name in self.__slots__:
            if not getattr(self, name) >= 0:  # NaN fails this too
                raise BadInput(f"{name} must be 0 or more, got {getattr(self, name)}")
        if self.distance > FURTHEST:
            raise BadInput(f"distance is 0 to {FURTHEST} bits, got {self.distance}")


@dataclass(frozen=True)
class Pair:
    """A picture and its mask, read.

    Attributes:
        entry: their files.
        row: of the table, if it has one.
        image: (H, W) uint8, its luma: no check looks at colours; or why it cannot be read.
        mask: (H, W) uint8, or why it cannot be read.
    """

    entry: Entry
    row: Row
    thresholds: Thresholds
    image: Image | EasyPortraitError
    mask: Mask | EasyPortraitError

    @classmethod
    def read(cls, entry: Entry, row: Row, thresholds: Thresholds) -> "Pair":
        image = _or_error(lambda: read_luma(opened(entry.image_file)))
        mask = _or_error(lambda: read_mask(opened(entry.mask_file)))
        return cls(entry, row, thresholds, image, mask)

    @cached_property
    def hash(self) -> str | None:
        """Perceptual, of the picture; None if it cannot be read."""
        return None if isinstance(self.image, EasyPortraitError) else phash(self.image)


class ReadPair(Pair):
    """For the type checker: a pair of which all that a check needs could be read."""

    image: Image
    mask: Mask


def _or_error(read: Callable[[], Image]) -> Image | EasyPortraitError:
    try:
        return read()
    except EasyPortraitError as error:
        return error


@dataclass(frozen=True, slots=True)
class Whole:
    """A dataset after every picture was read.

    Attributes:
        root: its folder.
        found: its files.
        rows: its table by name; empty if it has none, or none that can be read.
        problem: why the table cannot be read.
        hashes: of each picture that can be read.
    """

    root: Path
    found: Index
    rows: Mapping[str, Row]
    problem: EasyPortraitError | None
    hashes: list[tuple[Entry, str]]
    thresholds: Thresholds

    @property
    def splits(self) -> set[str]:
        """Those that are there; a split without any picture or mask was not fetched."""
        return {entry.split for entry in self.found.entries}

    def inside(self, file: object) -> str:
        """What to call a file: its path in the dataset."""
        return str(file).removeprefix(f"{self.root}/")


class Note(NamedTuple):
    """What a check has to say.

    Attributes:
        message: what is wrong, with which value.
        details: the same for machines. "boxes" are [left, top, right, bottom] in pixels,
            "pictures" are [split, name].
        name, split: what it is about; those of the picture if left out.
    """

    message: str
    details: dict[str, Any]
    name: str = ""
    split: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """One kind of finding.

    Attributes:
        kind: its name.
        means: what a finding of this kind is, in a sentence.
        mend: what to do about it.
    """

    kind: str
    means: str
    mend: str


@dataclass(frozen=True, slots=True)
class OfPicture(Check):
    """Looks at one picture and its mask, and has one thing to say, or nothing.

    Attributes:
        look: the function.
        needs: "image" and "mask", whichever must be readable for it.
    """

    look: Callable[[Any], Note | None]  # of a Pair whose needs are met
    needs: tuple[str, ...] = ()

    def __call__(self, pair: Pair) -> Note | None:
        if any(isinstance(getattr(pair, need), EasyPortraitError) for need in self.needs):
            return None
        return self.look(pair)


@dataclass(frozen=True, slots=True)
class OfDataset(Check):
    """Looks at all names, rows and hashes at once."""

    look: Callable[[Whole], Iterator[Note]]
