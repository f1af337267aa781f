"""Near-duplicates in a folder of photographs, or in a dataset."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..errors import BadInput, EasyPortraitError
from ..image.io import SUFFIXES, read_image
from .duplicates import FURTHEST, alike, as_hashes
from .files import Readable, files_in, opened
from .hashing import distance, phash
from .layout import index
from .pool import on_all_cores

MASKS = {"masks", "annotations"}  # folders whose PNGs are no photographs


@dataclass(frozen=True, slots=True)
class Look:
    """A picture of a group.

    Attributes:
        name: "train/a1" in a dataset, else its path in the folder.
        split: of a dataset, else "".
        width, height: in pixels, upright.
        bits: of 64 in which its hash differs from the first one's of its group.
    """

    name: str
    split: str
    width: int
    height: int
    bits: int


@dataclass(frozen=True, slots=True)
class Repeats:
    """What was found.

    Attributes:
        pictures: how many were looked at.
        groups: of pictures, each of which is near another of its group; the largest
            picture is the first.
        unreadable: a line for each picture that cannot be read.
    """

    pictures: int
    groups: list[list[Look]]
    unreadable: list[str]

    def to_dict(self) -> dict[str, Any]:
        """All of it, for JSON."""
        return asdict(self)


def repeats(
    root: Path | str,
    bits: int = 4,
    *,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Repeats:
    """Find pictures that look alike, on all cores.

    Args:
        root: a dataset in a published layout, or a folder (or zip) of photographs, of which
            those in folders named masks or annotations are passed over.
        bits: of 64 in which the hashes of two may differ, 0 to 32.
        progress: called after each picture with how many are done, and of how many.

    Raises:
        BadInput: there is no picture; the distance is none.
    """
    root = Path(root)
    if not 0 <= bits <= FURTHEST:
        raise BadInput(f"a distance between hashes is 0 to {FURTHEST} bits, got {bits}")
    files = pictures_in(root)
    seen: list[tuple[str, str, str, tuple[int, int]]] = []
    unreadable = []

    def look(item: tuple[str, str, Readable]) -> tuple[str, tuple[int, int]] | EasyPortraitError:
        try:
            image = read_image(opened(item[2]))
            return phash(image), image.shape[:2]
        except EasyPortraitError as error:
            return error

    for done, ((name, split, _), result) in enumerate(on_all_cores(look, files), 1):
        if isinstance(result, EasyPortraitError):
            unreadable.append(str(result))
        else:
            seen.append((name, split, *result))
        progress(done, len(files))
    found = alike(as_hashes([hash_ for _, _, hash_, _ in seen]), bits)
    groups = []
    for group in found:
        members = sorted((seen[i] for i in group), key=lambda s: (-s[3][0] * s[3][1], s[0]))
        first = members[0][2]
        groups.append(
            [
                Look(name, split, w, h, distance(first, mine))
                for name, split, mine, (h, w) in members
            ]
        )
    return Repeats(len(files), groups, unreadable)


def pictures_in(root: Path) -> list[tuple[str, str, Readable]]:
    """Name, split and file of each photograph, by name.

    Raises:
        BadInput: there is none.
    """
    if not root.exists():
        raise BadInput(f"{root} does not exist; name a folder of pictures, or a dataset")
    entries = index(root).entries if root.is_dir() else ()
    if entries:
        return [(f"{e.split}/{e.name}", e.split, e.image_file) for e in entries]
    files: list[tuple[str, str, Readable]] = [
        ("/".join(parts), "", file)
        for parts, file in files_in(root)
        if Path(parts[-1]).suffix.lower() in SUFFIXES and not MASKS & {*parts[:-1]}
    ]
    if not files:
        raise BadInput(f"{root} holds no pictures")
    return sorted(files, key=lambda file: file[0])
