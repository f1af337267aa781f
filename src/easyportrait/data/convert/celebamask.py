"""CelebAMask-HQ (Lee et al. 2020), read as published, or as index masks made from it.

    CelebA-HQ-img/N.jpg                              1024 x 1024
    CelebAMask-HQ-mask-anno/<0..14>/NNNNN_PART.png   512 x 512, white where the part is
    CelebA-HQ-to-CelebA-mapping.txt                  optional; tells the split

or, in place of the parts, N.png or NNNNN.png with an index of `VALUES` in each pixel.

Parts overlap. They are painted in the order of `VALUES`, later over earlier, as the
publishers' own script does. Its `l_` is the subject's left, hence our right.

Masks are half as high and wide as the pictures, so each pixel becomes 2 x 2: nothing is
smoothed, and nothing is lost.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ...errors import BadInput, ShapeMismatch
from ...image.io import picture_size, read_image, read_mask
from ...taxonomy import SOURCES, Mask
from ..files import File, files_in, opened
from .samples import Found, How, Notes, mapped

VALUES = (
    "background", "skin", "nose", "eye_g", "l_eye", "r_eye", "l_brow", "r_brow", "l_ear",
    "r_ear", "mouth", "u_lip", "l_lip", "hair", "hat", "ear_r", "neck_l", "neck", "cloth",
)  # fmt: skip
PARTS = VALUES[1:]

PICTURE = re.compile(r"(\d+)\.jpe?g", re.IGNORECASE)
INDEX = re.compile(r"(\d+)\.png", re.IGNORECASE)
PART = re.compile(rf"(\d+)_({'|'.join(PARTS)})\.png", re.IGNORECASE)

CELEBA_SPLITS = "CelebA-HQ-to-CelebA-mapping.txt"
FIRST_VAL, FIRST_TEST = 162_771, 182_638  # of CelebA's list_eval_partition.txt, from 1


@dataclass(slots=True)
class Person:
    """What lies there of one number.

    Attributes:
        doubles: files of which there should be one.
    """

    image: File | None = None
    index: File | None = None
    parts: dict[str, File] = field(default_factory=dict)
    doubles: list[str] = field(default_factory=list)


def read(src: Path, how: How, notes: Notes) -> list[Found]:
    """Splits are CelebA's where the mapping file lies there, else all are `how.split`.

    Raises:
        BadInput: the mapping file is not what it should be.
    """
    people: dict[int, Person] = {}
    splits: dict[int, str] | None = None
    for parts, file in files_in(src):
        if parts[-1] == CELEBA_SPLITS:
            splits = celeba_splits(file)
        else:
            _take(people, parts[-1], file, notes)
    found = []
    for number in sorted(people):
        person = people[number]
        split = how.split if splits is None else splits.get(number)
        if problem := _problem(person, split):
            notes.lost.append(f"picture {number} {problem}")
        elif person.image and split:
            found.append(
                Found(str(number), split, person.image, _mask_reader(person.image, person))
            )
    return found


def _take(people: dict[int, Person], name: str, file: File, notes: Notes) -> None:
    if match := PART.fullmatch(name):
        person = people.setdefault(int(match[1]), Person())
        part = match[2].lower()
        if part in person.parts:
            person.doubles.append(f"{person.parts[part]} and {file}")
        person.parts[part] = file
        return
    for pattern, kind in ((PICTURE, "image"), (INDEX, "index")):
        if match := pattern.fullmatch(name):
            person = people.setdefault(int(match[1]), Person())
            if there := getattr(person, kind):
                person.doubles.append(f"{there} and {file}")
            setattr(person, kind, file)
            return
    notes.count("files are of no use here and were left alone")


def _problem(person: Person, split: str | None) -> str:
    if person.doubles:
        return f"has two files that should be one: {person.doubles[0]}"
    if person.image is None:
        return "has a mask, and no N.jpg"
    if person.index is None and not person.parts:
        return "has no mask: no NNNNN_PART.png, and no N.png"
    if person.index is not None and person.parts:
        return "has an index mask and part masks; keep one"
    return "" if split else f"has no line in {CELEBA_SPLITS}"


def celeba_splits(file: File) -> dict[int, str]:
    """The split of each number, by the number that its picture has in CelebA.

    Args:
        file: lines of `idx orig_idx orig_file` after a header; orig_file is 000001.jpg on.

    Raises:
        BadInput: a line is not such.
    """
    splits = {}
    for i, line in enumerate(file.read().decode("utf-8", "replace").splitlines()[1:], 2):
        match = re.fullmatch(r"\s*(\d+)\s+(\d+)\s+(\d+)\.jpg\s*", line)
        if match:
            original = int(match[3])
            after = "val" if original < FIRST_TEST else "test"
            splits[int(match[1])] = "train" if original < FIRST_VAL else after
        elif line.strip():
            raise BadInput(f"{file}, line {i}: not `idx orig_idx orig_file` but {line!r}")
    return splits


def _mask_reader(image: File, person: Person) -> Callable[[Notes], Mask]:
    def mask(notes: Notes) -> Mask:
        index = read_mask(opened(person.index)) if person.index else painted(person.parts)
        ours = mapped(index, SOURCES["celebamask-hq"], notes)
        return as_large(ours, picture_size(opened(image)), notes)

    return mask


def painted(parts: dict[str, File]) -> Mask:
    """Part masks as one (H, W) uint8 mask of indices of `VALUES`.

    Raises:
        ImageUnreadable: a part is no picture.
        ShapeMismatch: parts are of different sizes.
    """
    there = {part: read_image(opened(file)).any(2) for part, file in parts.items()}
    sizes = {area.shape for area in there.values()}
    if len(sizes) > 1:
        raise ShapeMismatch(f"its parts are of different sizes: {sorted(sizes)}")
    mask = np.zeros(sizes.pop(), np.uint8)
    for value, part in enumerate(VALUES):
        if part in there:
            mask[there[part]] = value
    return mask


def as_large(mask: Mask, size: tuple[int, int], notes: Notes) -> Mask:
    """Each pixel twice in both directions if that makes it `size`; else as it is."""
    if (mask.shape[0] * 2, mask.shape[1] * 2) != size:
        return mask
    notes.count("masks were half their picture's size: each pixel is 2 x 2 now")
    return mask.repeat(2, 0).repeat(2, 1)
