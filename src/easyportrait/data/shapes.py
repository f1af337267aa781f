"""What is odd about the shapes in a mask: specks, holes, sides that changed places."""

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from ..taxonomy import CLASSES, FACE_PARTS, Mask

Floats = npt.NDArray[np.float64]
Points = npt.NDArray[np.int32]
Bits = npt.NDArray[np.bool_]
Frame = tuple[int, int, int, int]  # left, top, width, height

BACKGROUND, PERSON, SKIN = (CLASSES.index(name) for name in ("background", "person", "skin"))
PARTS = [CLASSES.index(name) for name in FACE_PARTS]
LAST = len(CLASSES) - 1

GRID = 256  # cells along the longer edge, in which faces are told apart
REACH = 4  # cells: pieces of one face, cut by glasses or hair, lie nearer than twice this
FEWEST = 4  # pixels of a part whose middle is worth anything
SURELY = 0.5  # cosine: sides are called wrong if within 60 degrees of exactly wrong


@dataclass(frozen=True, slots=True)
class Patch:
    """A connected piece of a mask.

    Attributes:
        what: the class it is of, or for a hole, what is around it.
        area: in pixels.
        box: left, top, right, bottom in pixels, the last two exclusive.
    """

    what: str
    area: int
    box: tuple[int, int, int, int]


def specks(mask: Mask, below: int) -> list[Patch]:
    """Connected pieces of under `below` pixels, by class.

    Pieces touch at edges or corners. Hair, hands and glasses cut the class `person` into
    small pieces that are right; of it, only what lies apart from the whole figure counts.

    Args:
        mask: (H, W) uint8.
    """
    found = []
    face = _window((mask >= SKIN) & (mask <= LAST))  # most of a mask is none
    for index in range(PERSON, LAST + 1):
        rows, columns = (slice(0, None), slice(0, None)) if index == PERSON else face
        inside = mask[rows, columns]
        of_class = inside != BACKGROUND if index == PERSON else inside == index
        for (x, y, w, h), there in _small_pieces(of_class, below):
            values = inside[y : y + h, x : x + w][there]
            if index != PERSON or ((values >= PERSON) & (values <= LAST)).any():
                x, y = x + columns.start, y + rows.start
                found.append(Patch(CLASSES.names[index], len(values), (x, y, x + w, y + h)))
    return found


def _window(region: Bits) -> tuple[slice, slice]:
    """The rows and columns that a region lies in."""
    left, top, width, height = cv2.boundingRect(region.view(np.uint8))
    return slice(top, top + height), slice(left, left + width)


def _small_pieces(region: Bits, below: int) -> Iterator[tuple[Frame, Bits]]:
    """Connected pieces of under `below` pixels: left, top, width and height of each, and
    where in that it is.

    Outlines come ten times as fast as a number for every pixel; only what is small by its
    outline is counted.
    """
    for outline, (x, y, w, h), is_hole in _outlines(region):
        if is_hole or max(w, h) >= below:  # a piece has a pixel in each column and row
            continue
        there = _piece(region[y : y + h, x : x + w], outline[0] - (x, y), connectivity=8)
        if there.sum() < below:
            yield (x, y, w, h), there


def _outlines(region: Bits) -> list[tuple[Points, Frame, bool]]:
    """Of every piece and of every hole in one, pieces that touch at a corner being one.

    Returns:
        From the top: (N, 2) int32 x and y of the region's pixels that lie around it; the
        left, top, width and height of these; whether it is a hole.
    """
    if not region.size:
        return []
    found, tree = cv2.findContours(region.view(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    outlines = [
        (points[:, 0], cv2.boundingRect(points), bool(tree[0, i, 3] >= 0))
        for i, points in enumerate(found)
    ]
    return sorted(outlines, key=lambda one: (one[1][1], one[1][0]))


def _piece(window: Bits, at: Points, connectivity: int) -> Bits:
    """The connected piece of a window that the pixel `at` (x, y) is in."""
    bits = np.ascontiguousarray(window).view(np.uint8)
    _, pieces = cv2.connectedComponents(bits, connectivity=connectivity)
    return np.asarray(pieces == pieces[at[1], at[0]])


def holes(mask: Mask, in_face: int, in_body: float) -> list[Patch]:
    """Background with no way out of the person around it.

    The crook of an arm is such, and right; background in the middle of a face never is.
    So there are two sizes. A hole that touches pixels of unknown class (255) may have a
    way out, and does not count.

    Args:
        mask: (H, W) uint8.
        in_face: pixels from which on a hole counts whose rim is mostly skin or parts of a
            face.
        in_body: the same for any other hole, as a share of the person's pixels.
    """
    figure = mask != BACKGROUND
    least_in_body = in_body * int(np.count_nonzero(figure))
    found = []
    for outline, (x, y, w, h), is_hole in _outlines(figure):  # pixels of the figure around it
        if not is_hole or (w - 2) * (h - 2) < min(in_face, least_in_body):
            continue
        window = mask[y : y + h, x : x + w]
        top = outline[outline[:, 1].argmin()]  # below it the hole begins
        there = _piece(window == BACKGROUND, top - (x, y - 1), connectivity=4).view(np.uint8)
        area = int(there.sum())
        rim = window[cv2.dilate(there, np.ones((3, 3), np.uint8)) > there]
        is_in_face = ((rim >= SKIN) & (rim <= LAST)).mean() > 0.5
        if (rim > LAST).any() or area < (in_face if is_in_face else least_in_body):
            continue
        what = "face" if is_in_face else "body"
        found.append(Patch(what, area, (x + 1, y + 1, x + w - 1, y + h - 1)))
    return found


def swapped(mask: Mask, apart: float) -> list[str]:
    """Which pairs of a face's parts lie the wrong way round: "brow", "eye", once a face.

    Sides are judged along the face's own axes, so a tilted head, even one upside down, is
    judged as if it were upright: down is from the middle of the brows or eyes to the
    middle of the mouth (or from brows to eyes, if no mouth is seen), and right is a
    quarter turn from it. Only a pair of which both are seen is judged, and where they
    lie so near to each other that the face may be in profile, they are left alone.

    Args:
        mask: (H, W) uint8. Each face in it is judged by itself.
        apart: two sides whose middles are nearer to each other than this share of the
            face's height, from the topmost to the lowest of brows, eyes and mouth, are
            not judged.
    """
    wrong = []
    for middles in _faces(mask):
        pairs = {
            name: (middles[f"left_{name}"], middles[f"right_{name}"])
            for name in ("brow", "eye")
            if {f"left_{name}", f"right_{name}"} <= middles.keys()
        }
        rows = [(left + right) / 2 for left, right in pairs.values()]
        mouth = [middles[name] for name in ("lips", "teeth") if name in middles]
        rows += mouth[:1]
        if len(rows) < 2 or not (down := rows[-1] - rows[0]).any():
            continue
        height = float(np.hypot(*down))
        right_of_face = np.array([down[1], -down[0]]) / height
        for name, (left, right) in pairs.items():
            across = left - right
            length = float(np.hypot(*across))
            if length > apart * height and across @ right_of_face > SURELY * length:
                wrong.append(name)
    return wrong


def _faces(mask: Mask) -> Iterator[dict[str, Floats]]:
    """For each face, the middle (x, y) of each part that is seen."""
    parts = (mask >= PARTS[0]) & (mask <= LAST)
    rows, columns = _window(parts)
    ys, xs = np.nonzero(parts[rows, columns])
    if not len(ys):
        return
    ys, xs = ys + rows.start, xs + columns.start
    step = -(-max(mask.shape) // GRID)
    cells = np.zeros([-(-n // step) for n in mask.shape], np.uint8)
    skin_ys, skin_xs = np.nonzero(mask[::step, ::step] == SKIN)
    cells[skin_ys, skin_xs] = 1
    cells[ys // step, xs // step] = 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * REACH + 1, 2 * REACH + 1))
    _, faces = cv2.connectedComponents(cv2.dilate(cells, disc))
    key = faces[ys // step, xs // step] * (LAST + 1) + mask[ys, xs]
    area = np.bincount(key)
    sums = np.bincount(key, xs), np.bincount(key, ys)
    for face in range(1, len(area) // (LAST + 1) + 1):
        middles = {}
        for index in PARTS:
            at = face * (LAST + 1) + index
            if at < len(area) and area[at] >= FEWEST:
                middles[CLASSES.names[index]] = np.array([s[at] / area[at] for s in sums])
        yield middles
