"""Left and right, exchanged where a mask has them the wrong way round."""

import numpy as np

from ...taxonomy import CLASSES, Mask
from ..shapes import swapped
from .samples import Notes

# Sides nearer to each other than this share of the face's height may be of a profile, and
# are left alone; the share that verify takes as well.
APART = 0.3


def mended(mask: Mask, notes: Notes) -> Mask:
    """The mask with its brows, its eyes, or both exchanged if they lie the wrong way round.

    Sides are judged by position along the face's own axes (shapes.swapped), so a tilted
    head counts as if it were upright. A pair of which one side is seen is left alone, and so
    is a picture of several faces of which only some are wrong: counted, not mended.

    Args:
        mask: (H, W) uint8 of nine classes.

    Returns:
        The same mask, or a new one.
    """
    for pair in sorted(set(swapped(mask, APART))):
        new = _exchanged(mask, f"left_{pair}", f"right_{pair}")
        if pair in swapped(new, APART):
            notes.count(f"masks have {pair}s both ways round, in several faces: not mended")
        else:
            notes.count(f"masks had left and right {pair} the wrong way round: mended")
            mask = new
    return mask


def _exchanged(mask: Mask, left: str, right: str) -> Mask:
    table = np.arange(256, dtype=np.uint8)
    a, b = CLASSES.index(left), CLASSES.index(right)
    table[[a, b]] = b, a
    return table[mask]
