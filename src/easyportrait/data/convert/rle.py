"""COCO's run-length encoding of masks, as pycocotools has it (the tests hold them equal).

A mask is read down its columns, left column first. `counts` are the lengths of its runs,
alternately of 0 and of 1, beginning with 0. In a compressed encoding they are text: each
count, from the third on as the difference to the count two before it, in groups of five
bits, lowest first; a sixth bit says that more groups follow, and 48 makes it a character.
"""

from contextlib import suppress
from typing import Any

import numpy as np
import numpy.typing as npt

from ...errors import BadInput

Counts = npt.NDArray[np.int64]
Bits = npt.NDArray[np.bool_]

GROUPS = 13  # of five bits: more than 64 bits need


def runs(bits: Bits) -> Counts:
    """(H, W) -> counts, of which the first may be 0.

    >>> runs(np.array([[0, 1], [1, 1]], bool)).tolist()
    [1, 3]
    """
    column = np.concatenate([[False], bits.ravel(order="F")])
    changes = np.flatnonzero(column[1:] != column[:-1])
    return np.diff(np.concatenate([[0], changes, [bits.size]]))


def filled(counts: Counts, height: int, width: int) -> Bits:
    """The mask again.

    Raises:
        BadInput: a count is negative, or they do not add up to the mask's pixels.
    """
    total = sum(counts.tolist())  # of Python's numbers, which do not overflow
    if (counts < 0).any() or total != height * width:
        raise BadInput(f"a run-length encoding of {total} pixels cannot be of {height} x {width}")
    values = np.arange(len(counts)) % 2 == 1
    return np.repeat(values, counts).reshape((height, width), order="F")


def packed(counts: Counts) -> str:
    """Counts as text.

    >>> packed(np.array([1, 3]))
    '13'
    """
    values = counts.copy()
    values[3:] -= counts[1:-2]
    shifts = 5 * np.arange(GROUPS)
    groups = values[:, None] >> shifts & 31
    rest = values[:, None] >> (shifts + 5).clip(max=63)
    is_last = np.where(groups & 16, rest == -1, rest == 0)
    kept = np.arange(GROUPS) <= is_last.argmax(1)[:, None]
    more = np.arange(GROUPS) < is_last.argmax(1)[:, None]
    return (groups + 32 * more + 48)[kept].astype(np.uint8).tobytes().decode("ascii")


def unpacked(text: str) -> Counts:
    """The counts again.

    Raises:
        BadInput: the text is not such.
    """
    codes = np.frombuffer(text.encode("ascii", "replace"), np.uint8).astype(np.int64) - 48
    if not len(codes) or (codes < 0).any() or (codes > 63).any() or codes[-1] & 32:
        raise BadInput("a compressed run-length encoding is damaged or cut short")
    starts = np.flatnonzero(np.concatenate([[True], codes[:-1] & 32 == 0]))
    sizes = np.diff(np.concatenate([starts, [len(codes)]]))
    if sizes.max() >= GROUPS:
        raise BadInput("a compressed run-length encoding holds a number that is too large")
    place = np.arange(len(codes)) - np.repeat(starts, sizes)
    values = np.add.reduceat((codes & 31) << 5 * place, starts)
    negative = codes[starts + sizes - 1] & 16 != 0
    values -= np.where(negative, np.int64(1) << 5 * sizes, 0)
    values[1::2] = np.cumsum(values[1::2])
    values[2::2] = np.cumsum(values[2::2])
    return values


def from_segmentation(segmentation: dict[str, Any], height: int, width: int) -> Bits:
    """A COCO annotation's `{"size": [height, width], "counts": [...] or "..."}`.

    Raises:
        BadInput: it is no such thing, or of another size.
    """
    size, counts = segmentation.get("size"), segmentation.get("counts")
    if size != [height, width]:
        raise BadInput(f"a segmentation is of size {size}, its picture of {[height, width]}")
    if isinstance(counts, str):
        return filled(unpacked(counts), height, width)
    if isinstance(counts, list) and all(type(n) is int for n in counts):
        with suppress(OverflowError):  # of no picture, and of no array either
            return filled(np.array(counts, np.int64), height, width)
    raise BadInput(f"the counts of a run-length encoding are text or integers, got {counts!r:.50}")
