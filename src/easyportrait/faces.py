"""Faces in the net's answer: where they are, how they are turned, what they have."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from .taxonomy import FACE_PARTS, Mask, Taxonomy

Float = npt.NDArray[np.float32]

SMALLEST = 12  # cells; fewer are no face but a stray patch of skin
MOST_FACES = 16


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in the picture's pixels; right and bottom are exclusive."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        return self.right - self.left

    @property
    def height(self) -> float:
        return self.bottom - self.top

    @property
    def area(self) -> float:
        """In square pixels; 0 for a box that is inside out."""
        return max(self.width, 0) * max(self.height, 0)

    @property
    def centre(self) -> tuple[float, float]:
        """(x, y)."""
        return (self.left + self.right) / 2, (self.top + self.bottom) / 2


@dataclass(frozen=True, slots=True)
class Part:
    """One visible part of a face.

    Attributes:
        box: around it.
        centre: (x, y) of its middle, in the picture's pixels.
        area: in the picture's pixels.
    """

    box: Box
    centre: tuple[float, float]
    area: float


@dataclass(frozen=True, slots=True)
class Face:
    """One face.

    Attributes:
        box: from hairline to chin and from side to side, as far as skin and parts are seen.
        parts: by class name, those that are visible.
        roll: degrees by which the eyes' line is turned clockwise; None without both eyes.
        yaw: rough degrees by which the face is turned to the viewer's right, from where
            eyes and lips lie between its sides; None without an eye and lips.
    """

    box: Box
    parts: Mapping[str, Part]
    roll: float | None
    yaw: float | None


def likeliest(probs: Float, channels: Sequence[int] | None = None) -> Mask:
    """(C, h, w) -> (h, w) uint8: the channel with the highest value; of equals, the first.

    `channels` names them, where they are not 0 to C - 1. Several times as fast as
    `argmax` over the first axis.
    """
    names = range(len(probs)) if channels is None else channels
    best, winner = probs[0].copy(), np.full(probs.shape[1:], names[0], np.uint8)
    for name, values in zip(names[1:], probs[1:], strict=True):
        np.copyto(winner, np.uint8(name), where=values > best)
        np.maximum(best, values, out=best)
    return winner


def face_probability(probs: Float, taxonomy: Taxonomy) -> Float:
    """(C, h, w) -> (h, w): skin and everything in it."""
    channels = [i for i, name in enumerate(taxonomy.names) if name == "skin" or name in FACE_PARTS]
    return probs[channels].sum(0) if channels else np.zeros(probs.shape[1:], np.float32)


def find_faces(
    probs: Float, place: tuple[float, float, float, float], taxonomy: Taxonomy
) -> list[Box]:
    """Faces in a look at the whole picture, the largest first, at most `MOST_FACES`.

    Args:
        probs: (C, h, w) probabilities.
        place: left, top, width, height of the grid, in the picture's pixels.

    Pieces of one face, cut by a hand, hair or glasses, are put together: a small piece
    belongs to a face beside it.
    """
    seen = (face_probability(probs, taxonomy) > 0.5).astype(np.uint8)
    seen = cv2.morphologyEx(seen, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    count, _, stats, _ = cv2.connectedComponentsWithStats(seen)
    pieces = sorted(stats[1:count].tolist(), key=lambda s: -s[cv2.CC_STAT_AREA])
    faces: list[list[int]] = []  # left, top, right, bottom, area, in cells
    for left, top, width, height, area in pieces:
        piece = [left, top, left + width, top + height, area]
        home = next((face for face in faces if belongs(piece, face)), None)
        if home is None:
            faces.append(piece)
        else:
            home[:2] = [min(a, b) for a, b in zip(home[:2], piece[:2], strict=True)]
            home[2:4] = [max(a, b) for a, b in zip(home[2:4], piece[2:4], strict=True)]
            home[4] += area
    kept = [face for face in faces if face[4] >= SMALLEST][:MOST_FACES]
    return [to_picture(face, place, probs.shape) for face in kept]


def belongs(piece: list[int], face: list[int]) -> bool:
    """Whether a piece is small beside a face and lies within reach of it."""
    if piece[4] > 0.4 * face[4]:
        return False
    reach = 0.25 * max(face[2] - face[0], face[3] - face[1])
    apart_x = max(face[0] - piece[2], piece[0] - face[2], 0)
    apart_y = max(face[1] - piece[3], piece[1] - face[3], 0)
    return max(apart_x, apart_y) <= reach


def to_picture(
    cells: list[int], place: tuple[float, float, float, float], shape: tuple[int, ...]
) -> Box:
    left, top, width, height = place
    x, y = width / shape[2], height / shape[1]
    return Box(left + cells[0] * x, top + cells[1] * y, left + cells[2] * x, top + cells[3] * y)


def describe_face(
    probs: Float,
    place: tuple[float, float, float, float],
    found: Box,
    taxonomy: Taxonomy,
    size: tuple[int, int],
) -> Face | None:
    """The face that lies at `found`, as a look at `place` shows it; None if it shows none."""
    labels = likeliest(probs)
    inside = (face_probability(probs, taxonomy) > 0.5).astype(np.uint8)
    _, pieces, stats, _ = cv2.connectedComponentsWithStats(inside)
    left, top, width, height = place
    x_cell, y_cell = width / probs.shape[2], height / probs.shape[1]
    x0, y0 = int((found.left - left) / x_cell), int((found.top - top) / y_cell)
    x1, y1 = (
        int(np.ceil((found.right - left) / x_cell)),
        int(np.ceil((found.bottom - top) / y_cell)),
    )
    there = np.bincount(
        pieces[max(y0, 0) : max(y1, 1), max(x0, 0) : max(x1, 1)].ravel(), minlength=len(stats)
    )
    there[0] = 0
    if not there.any():
        return None
    near = [i for i in range(1, len(stats)) if there[i] > 0.5 * stats[i, cv2.CC_STAT_AREA]]
    mine = np.isin(pieces, near or [int(there.argmax())])

    def part(cells: npt.NDArray[np.bool_]) -> Part | None:
        ys, xs = np.nonzero(largest_piece(cells))
        if len(ys) < 2:
            return None
        corners = [int(xs.min()), int(ys.min()), int(xs.max()) + 1, int(ys.max()) + 1]
        box = clip(to_picture(corners, place, probs.shape), size)
        centre = (
            float(left + (xs.mean() + 0.5) * x_cell),
            float(top + (ys.mean() + 0.5) * y_cell),
        )
        return Part(box, centre, len(ys) * x_cell * y_cell)

    whole = part(cv2.morphologyEx(mine.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((5, 5))) > 0)
    if whole is None:
        return None
    named = {
        name: part(mine & (labels == taxonomy.index(name)))
        for name in FACE_PARTS
        if name in taxonomy.names
    }
    parts = {name: p for name, p in named.items() if p is not None}
    return Face(whole.box, parts, roll_of(parts), yaw_of(parts, whole.box))


def largest_piece(cells: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """The largest connected piece of a mask; a stray cell elsewhere is not the part."""
    count, pieces, stats, _ = cv2.connectedComponentsWithStats(cells.astype(np.uint8))
    if count < 3:
        return cells
    return np.asarray(pieces == 1 + stats[1:, cv2.CC_STAT_AREA].argmax())


def holds_face(probs: Float, taxonomy: Taxonomy) -> bool:
    """Whether a look at a supposed face shows one: enough skin, and an eye, brow or mouth."""
    cells = probs.shape[1] * probs.shape[2]
    if (face_probability(probs, taxonomy) > 0.5).sum() < 0.05 * cells:
        return False
    parts = [taxonomy.index(name) for name in FACE_PARTS if name in taxonomy.names]
    return bool(np.isin(likeliest(probs), parts).sum() >= 1e-3 * cells)


def clip(box: Box, size: tuple[int, ...]) -> Box:
    """What of a box lies inside a picture of `size` (height, width)."""
    height, width = size
    return Box(max(box.left, 0), max(box.top, 0), min(box.right, width), min(box.bottom, height))


def roll_of(parts: Mapping[str, Part]) -> float | None:
    if not {"left_eye", "right_eye"} <= parts.keys():
        return None
    (x0, y0), (x1, y1) = parts["left_eye"].centre, parts["right_eye"].centre
    return float(np.degrees(np.arctan2(y1 - y0, x1 - x0)))


def yaw_of(parts: Mapping[str, Part], box: Box) -> float | None:
    """The middle of eyes and lips moves across the face as it turns: by the sine of the
    angle, if a head were a ball half as wide as the face is."""
    eyes = [parts[name].centre[0] for name in ("left_eye", "right_eye") if name in parts]
    if not eyes or "lips" not in parts or box.width <= 0:
        return None
    middle = (np.mean(eyes) + parts["lips"].centre[0]) / 2
    offset = (middle - box.centre[0]) / (box.width / 2)
    return float(np.degrees(np.arcsin(np.clip(offset, -1, 1))))
