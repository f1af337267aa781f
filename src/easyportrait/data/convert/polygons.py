"""Polygons to pixels and back, so that what is written is read again as it was.

Coordinates are in pixels from the picture's upper left corner; the first pixel reaches from
0 to 1 and its middle is at 0.5.
"""

from collections.abc import Iterator

import cv2
import numpy as np
import numpy.typing as npt

from ...errors import BadInput
from .rle import Bits

Points = npt.NDArray[np.float64]

FINE = 5  # steps a pixel, as in pycocotools
FARTHEST = 100  # pictures that a polygon may stick out: each step of its outline is held
SMALLEST = 3  # a piece that is simplified is this many times wider than what it may be off by
COARSEST = 0.04  # of a piece's width: it is never off by more, or eyes would lose a tenth


def inside(points: Points, height: int, width: int) -> Bits:
    """The pixels in a polygon, pixel for pixel those that pycocotools finds.

    What lies in a polygon twice lies outside (even-odd), so a hole may be reached from the
    rim and back on the same line. What sticks out of the picture is cut off.

    Args:
        points: (N, 2) x, y.

    Raises:
        BadInput: it reaches so far outside the picture that it must be a mistake.

    Source:
        rleFrPoly of pycocotools (P. Dollar and T.-Y. Lin): the outline is drawn on a grid
        of a fifth of a pixel, and wherever it crosses the middle of a column of pixels, that
        column turns from out to in, or back.
    """
    return _inside(_fine(points, height, width), height, width)


def fill(mask: npt.NDArray[np.uint8], points: Points, value: int) -> None:
    """Set the pixels of a mask that are `inside` a polygon; only the part around it is looked at.

    Args:
        mask: (H, W), changed in place.

    Raises:
        BadInput: as `inside`.
    """
    height, width = mask.shape
    fine = _fine(points, height, width)
    left, top = (fine.min(0) // FINE - 1).clip(0, (width, height))
    right, bottom = (fine.max(0) // FINE + 2).clip((left, top), (width, height))
    window = mask[top:bottom, left:right]
    if window.size:
        window[_inside(fine - FINE * np.array([left, top]), *window.shape)] = value


def _fine(points: Points, height: int, width: int) -> npt.NDArray[np.int64]:
    if np.abs(points).max() > FARTHEST * max(height, width):
        raise BadInput(
            f"a polygon reaches {np.abs(points).max():g} pixels, in a picture of {width} x {height}"
        )
    return np.trunc(FINE * points + 0.5).astype(np.int64)


def _inside(fine: npt.NDArray[np.int64], height: int, width: int) -> Bits:
    us, vs = _outline(fine)
    crosses = us[1:] != us[:-1]
    u = np.minimum(us[1:], us[:-1])[crosses]
    v = np.minimum(vs[1:], vs[:-1])[crosses]
    columns = u + 0.5 - FINE / 2
    is_middle = (columns % FINE == 0) & (columns >= 0) & (columns <= FINE * (width - 1))
    x = (columns[is_middle] // FINE).astype(np.int64)
    y = np.ceil(((v[is_middle] + 0.5) / FINE - 0.5).clip(0, height)).astype(np.int64)
    bits = np.zeros((height, width), bool)
    if len(x):
        first, last = x.min(), x.max()
        pixels = (last - first + 1) * height
        turns = np.bincount((x - first) * height + y, minlength=pixels + 1)[:pixels]
        inside_columns = (np.cumsum(turns) % 2 == 1).reshape((height, -1), order="F")
        bits[:, first : last + 1] = inside_columns
    return bits


def _outline(points: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """(2, M) x, y of every grid point on the closed outline, in order, edge after edge.

    Both directions of an edge go through the same points: each is drawn as if it began at
    its left (steep ones: upper) end.
    """
    ends = np.roll(points, -1, 0)
    is_flat = np.abs(ends - points) @ (1, -1) >= 0  # at least as wide as high
    axis = np.where(is_flat, 0, 1)[:, None]
    begin, end = (np.take_along_axis(p, axis, 1)[:, 0] for p in (points, ends))
    is_backward = begin > end
    low, high = (np.where(is_backward[:, None], *p) for p in ((ends, points), (points, ends)))
    length = np.abs(end - begin)
    across = np.take_along_axis(high - low, 1 - axis, 1)[:, 0]
    slope = across / np.maximum(length, 1)

    edge = np.repeat(np.arange(len(points)), length + 1)
    step = np.arange(len(edge)) - np.repeat(np.cumsum(length + 1) - length - 1, length + 1)
    step = np.where(is_backward[edge], length[edge] - step, step)
    aside = np.take_along_axis(low, 1 - axis, 1)[edge, 0] + slope[edge] * step + 0.5
    along = np.take_along_axis(low, axis, 1)[edge, 0] + step
    aside = np.trunc(aside).astype(np.int64)
    return np.where(is_flat[edge], (along, aside), (aside, along))


def around(bits: Bits, simplify: float = 0) -> Iterator[Points]:
    """A polygon around each connected piece; a hole is reached by a cut as wide as nothing.

    The outline runs a quarter of a pixel inside the piece. `inside` gives back exactly its
    pixels; so does OpenCV's fillPoly after coordinates are cut to whole numbers, as YOLO's
    loaders do it at the picture's own size, but for cuts that cross another hole.

    Args:
        bits: (H, W).
        simplify: by how many pixels the outline may be off, for the sake of few points that
            people can move. It then runs along the pixels' borders, and pieces and holes
            that are hardly wider than that are left out. 0: every pixel counts.
    """
    left, top, width, height = cv2.boundingRect(bits.view(np.uint8))
    window = bits[top : top + height, left : left + width].view(np.uint8)
    halves = np.pad(window.repeat(2, 0).repeat(2, 1), 1)
    outlines, tree = cv2.findContours(halves, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    # the middle of a half pixel, less the padding
    rings = [_simpler((line[:, 0] - 1 + 0.5) / 2 + (left, top), simplify) for line in outlines]
    for i, points in enumerate(rings):
        if tree[0][i][3] >= 0 or points is None:  # a hole: part of the piece around it
            continue
        hole = tree[0][i][2]
        while hole >= 0:
            ring = rings[hole]
            points = points if ring is None else _with_hole(points, ring)
            hole = tree[0][hole][0]
        yield points


def _simpler(ring: Points, by: float) -> Points | None:
    """The ring with fewer points; None if it is too small to be drawn so coarsely."""
    if not by:
        return ring
    border = np.rint(ring).astype(np.int32)  # from a quarter inside to where pixels meet
    across = cv2.contourArea(border) ** 0.5
    if across < SMALLEST * by:
        return None
    fewer = cv2.approxPolyDP(border, min(by, COARSEST * across), closed=True)[:, 0]
    return np.asarray(fewer if len(fewer) > 2 else border, np.float64)


def _with_hole(points: Points, hole: Points) -> Points:
    """Walk to the hole's nearest corner, round the hole, and back."""
    start = hole[0]
    near = int(((points - start) ** 2).sum(1).argmin())
    far = int(((hole - points[near]) ** 2).sum(1).argmin())
    walk = np.roll(hole, -far, 0)
    return np.concatenate([points[: near + 1], walk, walk[:1], points[near:]])
