"""From one format to another: every sample read, checked, written; or nothing at all."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import BadInput, EasyPortraitError, ShapeMismatch, SomeFailed
from ...image.io import encode, picture_size, read_image
from ...taxonomy import IGNORE, Mask
from ..files import can_be_name, opened, staged
from .samples import Found, How, Labelled, Notes, Reader, Writer
from .sides import mended

JPEG = b"\xff\xd8\xff"
AHEAD = 8  # samples held at once, read on all cores


def as_is(mask: Mask) -> Mask:
    return mask


@dataclass(frozen=True, slots=True)
class Format:
    """A way for pictures and masks to lie on disk.

    Attributes:
        about: one line.
        lies: what lies where, one line.
        read: None where it is only written.
        write: None where it is only read.
        back: what writing a mask of nine classes and reading it again makes of it.
        takes_table: it can be read with a table of what colours or categories mean (table.py).
        overlaps: it is read from shapes that may overlap (layers.py).
        has_polygons: it is written as polygons, which may be simplified.
        has_archives: it is written as zips, unless folders are asked for.
    """

    about: str
    lies: str
    read: Reader | None = None
    write: Writer | None = None
    back: Callable[[Mask], Mask] = as_is
    takes_table: bool = False
    overlaps: bool = False
    has_polygons: bool = False
    has_archives: bool = False


def transfer(
    src: Path,
    out: Path,
    found: list[Found],
    write: Writer,
    how: How,
    notes: Notes,
    *,
    partial: bool,
    progress: Callable[[int, int], None],
) -> int:
    """Write in `out` what was found in `src`; arguments and errors as `convert`."""
    if notes.lost and not partial:
        raise SomeFailed(failure(src, notes, "nothing was written"))
    written = 0

    def whole() -> Iterator[Labelled]:
        nonlocal written
        for i, (one, result) in enumerate(read_ahead(found, how)):
            if isinstance(result, EasyPortraitError):
                notes.lost.append(f"{one}: {result}")
            else:
                sample, told = result
                notes.counts.update(told.counts)
                written += 1
                yield sample
            progress(i + 1, len(found))
        if notes.lost and not partial:
            raise SomeFailed(failure(src, notes, "nothing was written"))
        if not written:
            raise BadInput(f"{src}: not one sample can be converted; nothing was written")

    with staged(out) as part:
        write(whole(), part, how, notes)
    if notes.lost:
        raise SomeFailed(failure(src, notes, f"the other {written} samples are in {out}"))
    return written


def failure(src: Path, notes: Notes, outcome: str) -> str:
    first, n = notes.lost[0], len(notes.lost)
    which = first if n == 1 else f"{n} samples or files, the first being {first}"
    return f"{src} is not converted whole; {outcome}. At fault: {which}"


def without_repeats(found: Iterable[Found], notes: Notes) -> list[Found]:
    """The same, less what would have the name of another: names are unique over all splits."""
    taken: dict[str, Found] = {}
    for one in found:
        if one.name in taken:
            where = f"{taken[one.name].image_file} and {one.image_file}"
            notes.lost.append(f"{one}: the name {one.name!r} comes twice, in {where}")
        elif not can_be_name(one.name):
            notes.lost.append(f"{one}: {one.name!r} cannot be the name of a file in a dataset")
        else:
            taken[one.name] = one
    return [*taken.values()]


Result = tuple[Labelled, Notes] | EasyPortraitError


def read_ahead(found: Iterable[Found], how: How) -> Iterator[tuple[Found, Result]]:
    """Samples in order, the next few of them being read meanwhile."""

    def attempt(one: Found) -> Result:
        try:
            return labelled(one, how)
        except EasyPortraitError as error:
            return error

    waiting: deque[tuple[Found, Future[Result]]] = deque()
    with ThreadPoolExecutor() as pool:
        try:
            for one in found:
                waiting.append((one, pool.submit(attempt, one)))
                if len(waiting) == AHEAD:
                    first, future = waiting.popleft()
                    yield first, future.result()
            for first, future in waiting:
                yield first, future.result()
        finally:
            pool.shutdown(cancel_futures=True)


def labelled(found: Found, how: How) -> tuple[Labelled, Notes]:
    """A sample, read and checked, and what is to be told of it.

    Raises:
        ImageUnreadable, ImageTooLarge: of the picture, its header is read; all of it, if it
            is no JPEG.
        ShapeMismatch: the mask does not cover the picture.
    """
    notes = Notes()
    file = opened(found.image_file)
    image = file.read()
    file.seek(0)
    size = picture_size(file)
    mask = found.read_mask(notes)
    if mask.shape != size:
        raise ShapeMismatch(
            f"the picture is {size} (height, width) and its mask {mask.shape}; a mask covers the "
            "picture as it looks after its EXIF orientation, and nothing is resized here"
        )
    if how.mend_sides:
        mask = mended(mask, notes)
    if not image.startswith(JPEG):
        image = encode(read_image(image), ".jpg")
        notes.count("pictures were not JPEG and are now, at quality 92")
    unknown = int(np.count_nonzero(mask == IGNORE))
    notes.count("pixels are not known: 255", unknown)
    notes.count("pixels in all", mask.size)
    meta = known(found.meta, notes)
    meta |= {"name": found.name, "split": found.split, "height": size[0], "width": size[1]}
    return Labelled(found.name, found.split, image, mask, meta), notes


def known(meta: dict[str, Any], notes: Notes) -> dict[str, Any]:
    """What a source tells of a picture, less what no table could hold: files are of anybody."""
    kept: dict[str, Any] = {}
    for field, value in meta.items():
        if field in ("user", "hash") and isinstance(value, (str, int)):
            kept[field] = str(value)
        elif field == "brightness" and type(value) in (int, float) and abs(value) < 1e300:
            kept[field] = float(value)
        elif field in ("user", "hash", "brightness"):
            notes.count(f"pictures have a {field} that is none: left out", value is not None)
        elif value is not None:
            kept[field] = value
    return kept
