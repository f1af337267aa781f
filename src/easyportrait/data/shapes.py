"""What is odd about the shapes in a mask: specks, holes, sides that changed places."""

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from ..taxonomy import CLASSES, FACE_PARTS, Mask

Floats = npt.NDArray[np.float64]

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
    for index in range(PERSON, LAST + 1):
        of_class = mask != BACKGROUND if index == PERSON else mask == index
        for patch, there in _pieces(of_class, CLASSES.names[index], below):
            y, x = slice(patch.box[1], patch.box[3]), slice(patch.box[0], patch.box[2])
            values = mask[y, x][there]
            if index != PERSON or ((values >= PERSON) & (values <= LAST)).any():
                found.append(patch)
    return found


def _pieces(
    region: npt.NDArray[np.bool_], what: str, below: int
) -> Iterator[tuple[Patch, npt.NDArray[np.bool_]]]:
    """The small ones, each with where in its box it is."""
    bits = region.view(np.uint8)
    left, top, width, height = cv2.boundingRect(bits)  # counting takes time, and most is empty
    bits = np.ascontiguousarray(bits[top : top + height, left : left + width])
    if not bits.size:
        return
    _, pieces, stats, _ = cv2.connectedComponentsWithStats(bits, connectivity=8)
    for i in 1 + np.flatnonzero(stats[1:, cv2.CC_STAT_AREA] < below):
        x, y, w, h, area = (int(n) for n in stats[i])
        box = (left + x, top + y, left + x + w, top + y + h)
        yield Patch(what, area, box), pieces[y : y + h, x : x + w] == i


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
    figure = (mask != BACKGROUND).view(np.uint8)
    left, top, width, height = cv2.boundingRect(figure)
    if not width:
        return []
    window = np.pad(mask[top : top + height, left : left + width], 1)  # a way round the person
    outside = (window == BACKGROUND).view(np.uint8)
    _, pieces, stats, _ = cv2.connectedComponentsWithStats(outside, connectivity=4)
    least_in_body = in_body * int(figure.sum())
    found = []
    for i in range(1, len(stats)):
        x, y, w, h, area = (int(n) for n in stats[i])
        if i == pieces[0, 0] or area < min(in_face, least_in_body):
            continue
        around = slice(y - 1, y + h + 1), slice(x - 1, x + w + 1)
        there = (pieces[around] == i).view(np.uint8)
        rim = window[around][cv2.dilate(there, np.ones((3, 3), np.uint8)) > there]
        is_in_face = ((rim >= SKIN) & (rim <= LAST)).mean() > 0.5
        if (rim > LAST).any() or area < (in_face if is_in_face else least_in_body):
            continue
        x, y = left + x - 1, top + y - 1  # the padding
        found.append(Patch("face" if is_in_face else "body", area, (x, y, x + w, y + h)))
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
    ys, xs = np.nonzero((mask >= PARTS[0]) & (mask <= LAST))
    if not len(ys):
        return
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
