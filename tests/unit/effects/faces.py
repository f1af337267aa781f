"""A painted face of which all is known, and a parsing that says just that."""

import cv2
import numpy as np

from easyportrait.faces import Box
from easyportrait.parsing import Look, Parsing
from easyportrait.taxonomy import CLASSES
from tests.conftest import face_mask, one_hot

LIGHT, DARK = (205, 160, 138), (96, 66, 52)


def plain(size: int = 320, skin: tuple[int, int, int] = LIGHT) -> tuple[np.ndarray, np.ndarray]:
    """A face without any texture: (size, size, 3) uint8, and its mask."""
    mask = face_mask(size, size)
    colours = np.array(
        [[90, 120, 150], [50, 44, 60], skin, [60, 45, 40], [60, 45, 40],
         [225, 225, 228], [225, 225, 228], [170, 80, 90], [240, 236, 220]], np.uint8,
    )  # fmt: skip
    return colours[mask], mask


def parsed(image: np.ndarray, mask: np.ndarray, cells: int | None = None) -> Parsing:
    """What the mask says, on a grid of `cells` rows and columns; the mask's own without it."""
    probs = one_hot(mask)
    if cells:
        probs = np.stack(
            [cv2.resize(p, (cells, cells), interpolation=cv2.INTER_AREA) for p in probs]
        )
    height, width = mask.shape
    ys, xs = np.nonzero(mask >= 2)
    boxes = (Box(xs.min(), ys.min(), xs.max() + 1, ys.max() + 1),) if len(xs) else ()
    return Parsing(image, Look(probs, 0, 0, width, height), (), boxes, CLASSES, "test 0")
