"""Rectangles of a picture, at any size."""

import cv2
import numpy as np
import numpy.typing as npt

from .letterbox import PAD

Image = npt.NDArray[np.uint8]


def cut(
    image: Image, left: int, top: int, width: int, height: int, across: int, down: int
) -> Image:
    """A rectangle of the picture at another size, grey beyond the picture's border.

    Only what is inside the picture is scaled, so a rectangle far larger than it costs nothing.

    Args:
        image: (H, W, 3) uint8.
        left, top, width, height: of the rectangle, in pixels; it may reach beyond the picture.
        across, down: size of the answer.

    Returns:
        (down, across, 3) uint8.
    """
    out = np.full((down, across, 3), PAD, np.uint8)
    rows = np.clip([top, top + height], 0, image.shape[0])
    columns = np.clip([left, left + width], 0, image.shape[1])
    if rows[0] == rows[1] or columns[0] == columns[1]:
        return out
    y0, y1 = _place((rows - top) * down / height, down)
    x0, x1 = _place((columns - left) * across / width, across)
    part = image[rows[0] : rows[1], columns[0] : columns[1]]
    way = cv2.INTER_AREA if width > across else cv2.INTER_LINEAR
    out[y0:y1, x0:x1] = cv2.resize(part, (x1 - x0, y1 - y0), interpolation=way)
    return out


def _place(ends: npt.NDArray[np.floating], size: int) -> tuple[int, int]:
    """Whole pixels, one at least, within [0, size)."""
    start, stop = np.rint(ends).astype(int).tolist()
    stop = min(max(stop, start + 1), size)
    return min(start, stop - 1), stop
