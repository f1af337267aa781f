"""Shapes that may overlap, laid over each other; and a mask taken apart into such shapes.

People draw the skin as one outline with the eyes inside, and lips around the teeth. Which
class wins where shapes overlap is `PRECEDENCE`, for every format that has shapes.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import ceil

import cv2
import numpy as np

from ...errors import BadInput
from ...taxonomy import CLASSES, FACE_PARTS, IGNORE, Mask
from . import polygons
from .polygons import Points
from .rle import Bits
from .table import UNKNOWN

# From the lowest to the highest: what lies inside another thing's outline is drawn over it.
# "unknown" is 255, and wins: where somebody said that nobody knows, nobody does.
PRECEDENCE = (
    "background", "person", "skin", "left_brow", "right_brow", "left_eye", "right_eye",
    "lips", "teeth", UNKNOWN,
)  # fmt: skip

# What an outline that we write goes on under; its border is then drawn once, by what lies on
# top, and two outlines that are off by a pixel leave no gap between them.
GOES_UNDER: Mapping[str, tuple[str, ...]] = {
    "person": ("skin", *FACE_PARTS),
    "skin": FACE_PARTS,
    "lips": ("teeth",),
}

SAGITTA = 0.05  # pixels by which an ellipse may be off where it becomes a polygon
MOST_POINTS = 4096  # of an ellipse: one that needs more is larger than any picture


@dataclass(frozen=True, slots=True)
class Patch:
    """Pixels in a rectangle of a picture.

    Attributes:
        bits: (h, w).
        left, top: of the rectangle, in pixels.
    """

    bits: Bits
    left: int = 0
    top: int = 0


@dataclass(frozen=True, slots=True)
class Shape:
    """What somebody drew.

    Attributes:
        value: our mask value.
        area: (N, 2) x, y of a polygon in pixels, as in polygons.py; or pixels.
        level: what an annotation tool calls z-order; the higher lies on top, whatever it is.
    """

    value: int
    area: Points | Patch
    level: int = 0


def value_of_name(name: str) -> int:
    """The mask value of a name in `PRECEDENCE`."""
    return IGNORE if name == UNKNOWN else CLASSES.index(name)


RANKS = {value_of_name(name): rank for rank, name in enumerate(PRECEDENCE)}
NAMES = {value: name for name, value in zip(PRECEDENCE, RANKS, strict=True)}

# What annotation tools are told to offer, and in which colours; what is left is background
COLOURS: Mapping[str, str] = {
    name: "#ffffff" if name == UNKNOWN else "#{:02x}{:02x}{:02x}".format(*CLASSES[name].rgb)
    for name in PRECEDENCE[1:]
}


def painted(
    shapes: Iterable[Shape], size: tuple[int, int], uncovered: int, *, later_wins: bool = False
) -> Mask:
    """The shapes as one mask. On one level the class decides, or with `later_wins`, the order.

    Args:
        shapes: in the order in which they were drawn.
        size: (height, width).
        uncovered: the value of pixels that no shape covers.

    Returns:
        (H, W) uint8.

    Raises:
        BadInput: a polygon has under three points, or reaches absurdly far outside; pixels lie
            outside.
    """
    mask = np.full(size, uncovered, np.uint8)
    # sorting is stable, so the order decides what is left open
    for shape in sorted(shapes, key=lambda s: (s.level, 0 if later_wins else RANKS[s.value])):
        if isinstance(shape.area, Patch):
            _window(mask, shape.area)[shape.area.bits] = shape.value
        else:
            polygons.fill(mask, checked(shape.area), shape.value)
    return mask


def _window(mask: Mask, patch: Patch) -> Mask:
    height, width = patch.bits.shape
    window = mask[max(patch.top, 0) :, max(patch.left, 0) :][:height, :width]
    if min(patch.top, patch.left) < 0 or window.shape != patch.bits.shape:
        raise BadInput(
            f"a mask of {width} x {height} pixels at {patch.left}, {patch.top} lies outside its "
            f"picture of {mask.shape[1]} x {mask.shape[0]}"
        )
    return window


# -- shapes as polygons --------------------------------------------------------------------


def checked(points: object) -> Points:
    """(N, 2) of a polygon.

    Raises:
        BadInput: it is none, or has under three points.
    """
    try:
        found = np.array(points, np.float64).reshape(-1, 2)
    except (ValueError, TypeError, OverflowError):
        found = np.zeros((0, 2))
    if len(found) < 3 or not np.isfinite(found).all():
        raise BadInput(f"a polygon is x, y of three points or more, got {points!r:.50}")
    return found


def rectangle(left: float, top: float, right: float, bottom: float) -> Points:
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float64)


def ellipse(x: float, y: float, radius_x: float, radius_y: float) -> Points:
    """(N, 2), as many as it needs; not numbers if a radius is none (`checked` says so)."""
    largest = max(abs(radius_x), abs(radius_y))
    if not np.isfinite(largest):
        return np.full((3, 2), np.nan)
    n = ceil(np.clip(np.pi * np.sqrt(largest / (2 * SAGITTA)), 8, MOST_POINTS))
    angles = np.arange(n) * (2 * np.pi / n)
    return np.stack([x + radius_x * np.cos(angles), y + radius_y * np.sin(angles)], 1)


def turned(points: Points, about: tuple[float, float], degrees: float) -> Points:
    """The same, turned clockwise as people see it (y goes down)."""
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.asarray((points - about) @ np.array([[cos, sin], [-sin, cos]]) + about)


# -- a mask as shapes ----------------------------------------------------------------------


def outlines(mask: Mask, simplify: float = 0) -> Iterator[tuple[int, Points]]:
    """Polygons that `painted` makes the mask from: exactly, if they are not simplified.

    Each goes on under what lies over it (`GOES_UNDER`).

    Args:
        mask: (H, W) uint8 of nine classes and 255.
        simplify: as in `polygons.around`.

    Yields:
        The mask value, the lowest of `PRECEDENCE` first, and a polygon. Background has none.
    """
    for name in PRECEDENCE[1:]:
        own = mask == value_of_name(name)
        if own.any():
            for points in polygons.around(_reaching_under(mask, name, own), simplify):
                yield value_of_name(name), points


def _reaching_under(mask: Mask, name: str, own: Bits) -> Bits:
    """A class's pixels, and what lies over it and is connected to them."""
    if name not in GOES_UNDER:
        return own
    table = np.zeros(256, np.uint8)
    table[[value_of_name(other) for other in (name, *GOES_UNDER[name])]] = 1
    n, pieces = cv2.connectedComponents(table[mask], connectivity=8)
    wanted = np.zeros(n, bool)
    wanted[pieces[own]] = True
    return np.asarray(wanted[pieces])


def patches(mask: Mask) -> Iterator[tuple[int, Patch]]:
    """The pixels of each class in a mask, cut to size; of what is not known, too. Background
    is what they leave."""
    for name in PRECEDENCE[1:]:
        bits = mask == value_of_name(name)
        left, top, width, height = cv2.boundingRect(bits.view(np.uint8))
        if width:
            yield (
                value_of_name(name),
                Patch(bits[top : top + height, left : left + width], left, top),
            )
