"""Pictures and masks in two folders, paired by name: what most formats come down to."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ...image.io import SUFFIXES
from ..files import File, files_in
from ..meta import SPLITS
from .samples import How, Notes

# How folders and files of foreign sets are named for a split; exact words, no guesses
SPLIT_WORDS: Mapping[str, str] = {
    **{split: split for split in SPLITS},
    "valid": "val",
    "validation": "val",
    "train2017": "train",
    "val2017": "val",
    "test2017": "test",
}


@dataclass(frozen=True, slots=True)
class Pair:
    """A picture and its mask, or whatever stands for it, of one name and split."""

    name: str
    split: str
    image: File
    mask: File


def paired(
    root: Path,
    images: str,
    masks: str,
    how: How,
    notes: Notes,
    mask_suffixes: Collection[str] = (".png",),
) -> list[Pair]:
    """Every picture that has a mask, by split and name; what has no partner, or two, is noted.

    A picture lies in a folder named `images`, a mask in one named `masks`; which split they
    are of, the one folder around or in it tells that is named for a split. Where none is,
    `how.split` does.

    Args:
        root: a folder, or a zip.

    Raises:
        BadInput: the zip is damaged.
    """
    halves: dict[tuple[str, str], dict[str, File]] = {}
    doubles = set()
    suffixes = {images: SUFFIXES, masks: mask_suffixes}
    for parts, file in files_in(root):
        *folders, last = parts
        path = PurePosixPath(last)
        kinds = [folder for folder in folders if folder in suffixes]
        splits = [folder for folder in folders if folder in SPLIT_WORDS]
        if len(kinds) != 1 or len(splits) > 1 or path.suffix.lower() not in suffixes[kinds[0]]:
            notes.count("files are of no use here and were left alone")
            continue
        split = SPLIT_WORDS[splits[0]] if splits else how.split
        found = halves.setdefault((split, path.stem), {})
        if kinds[0] in found:
            notes.lost.append(f"{found[kinds[0]]} and {file} have the same name and split")
            doubles.add((split, path.stem))
        found[kinds[0]] = file
    for key in doubles:  # neither of two is the right one for certain
        del halves[key]
    return list(_whole(halves, images, masks, notes))


def _whole(
    halves: Mapping[tuple[str, str], Mapping[str, File]], images: str, masks: str, notes: Notes
) -> Iterator[Pair]:
    for split, name in sorted(halves, key=lambda key: (SPLITS.index(key[0]), key[1])):
        found = halves[split, name]
        if len(found) == 2:
            yield Pair(name, split, found[images], found[masks])
        else:
            kind, file = next(iter(found.items()))
            other, wanted = ("mask", masks) if kind == images else ("picture", images)
            notes.lost.append(f"{file} has no {other} of its name and split in {wanted}/")
