"""Hide faces: pixelate or blur each so coarsely that nobody can be told from it."""

from collections.abc import Iterator

import cv2
import numpy as np
import numpy.typing as npt

from ..image.colour import blend, from_linear, to_linear
from ..parsing import Float, Parsing, Window
from ..taxonomy import FACE
from .effect import Choice, Effect, Image, Number

MARGIN = 0.15  # of a face's longer side: hidden around what the net saw of it
NEAR = 0.8  # of a face's sides from its middle: what is seen there is of that face
BLOCKS = 7  # across a face at full strength: recognition gives up below about 10

Mask = npt.NDArray[np.uint8]


def anonymize(image: Image, parsing: Parsing, *, style: str, strength: float) -> Image:
    """A picture whose faces are hidden, each as coarsely as it is large.

    Args:
        image: (H, W, 3) uint8 RGB. Not changed.
        parsing: of the same picture; all that may be a face is hidden, and a margin.
        style: "pixelate" (whole square blocks) or "blur".
        strength: at 1 a face keeps about 7 blocks across, at 0.5 twice as many.

    Returns:
        (H, W, 3) uint8; what is not near a face stays bit for bit.
    """
    out = image.copy()
    names = [name for name in FACE if name in parsing.taxonomy.names]
    for window in parsing.windows(*names, margin=2 * MARGIN):
        seen = (parsing.region(*names, within=window) > 0.1).astype(np.uint8)
        for points in outlines(seen, parsing, window):
            hidden = np.zeros_like(seen)
            cv2.fillConvexPoly(hidden, points, 1)
            face = max(cv2.boundingRect(points)[2:])
            block = max(2, round(face / BLOCKS * strength))
            over, share = STYLES[style](image[window], hidden, MARGIN * face, block)
            out[window] = blend(out[window], over, share)
    return out


def outlines(seen: Mask, parsing: Parsing, window: Window) -> Iterator[npt.NDArray[np.int32]]:
    """Points of a convex outline around each face in a window, and before them around what
    may be one elsewhere, the coarsest last.

    What is seen goes to the face that it is nearest to, so a hand or glasses between its
    pieces do not open a face, and faces cheek to cheek stay two.
    """
    y = np.arange(window[0].start, window[0].stop, dtype=np.float32)[:, None]
    x = np.arange(window[1].start, window[1].stop, dtype=np.float32)
    nearest = np.full(seen.shape, NEAR, np.float32)
    owner = np.zeros(seen.shape, np.uint8)
    for number, face in enumerate(parsing.faces, 1):
        (middle_x, middle_y), box = face.box.centre, face.box
        far = np.maximum(abs(x - middle_x) / box.width, abs(y - middle_y) / box.height)
        owner[far < nearest] = number
        np.minimum(nearest, far, out=nearest)
    stray = seen * (owner == 0)
    for contour in cv2.findContours(stray, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)[0]:
        yield cv2.convexHull(contour)
    for number in range(len(parsing.faces), 0, -1):
        mine = cv2.findNonZero(seen * (owner == number))
        if mine is not None:
            yield cv2.convexHull(mine)


def pixelated(part: Image, hidden: Mask, margin: float, block: int) -> tuple[Image, Float]:
    """Squares of one colour each, whole ones, wherever a face or its margin is."""
    height, width = hidden.shape
    more = (0, -height % block, 0, -width % block)
    few = (width + more[3]) // block, (height + more[1]) // block
    padded = cv2.copyMakeBorder(hidden.astype(np.float32), *more, cv2.BORDER_CONSTANT)
    near = cv2.copyMakeBorder(around(hidden, margin), *more, cv2.BORDER_CONSTANT)
    covered = cv2.resize(near, few, interpolation=cv2.INTER_AREA) > 0.3
    covered |= cv2.resize(padded, few, interpolation=cv2.INTER_AREA) > 0
    squares = coarse(cv2.copyMakeBorder(part, *more, cv2.BORDER_REPLICATE), few)
    large = few[0] * block, few[1] * block
    over = cv2.resize(squares, large, interpolation=cv2.INTER_NEAREST)[:height, :width]
    share = cv2.resize(covered.astype(np.float32), large, interpolation=cv2.INTER_NEAREST)
    return over, share[:height, :width]


def blurred(part: Image, hidden: Mask, margin: float, block: int) -> tuple[Image, Float]:
    """As coarse as squares of that size, fading into the picture over the margin's end;
    smoothed small, since wide filters are slow."""
    height, width = hidden.shape
    few = max(1, round(4 * width / block)), max(1, round(4 * height / block))
    light = cv2.GaussianBlur(to_linear(coarse(part, few)), (0, 0), 2.4)
    over = cv2.resize(from_linear(light), (width, height), interpolation=cv2.INTER_CUBIC)
    return over, around(hidden, margin)


def coarse(part: Image, few: tuple[int, int]) -> Image:
    """The mean light of few (columns, rows) of rectangles, as (rows, columns, 3) uint8."""
    some = min(part.shape[1], 8 * few[0]), min(part.shape[0], 8 * few[1])
    light = to_linear(cv2.resize(part, some, interpolation=cv2.INTER_AREA))
    return from_linear(cv2.resize(light, few, interpolation=cv2.INTER_AREA))


def around(hidden: Mask, margin: float) -> Float:
    """(h, w) in [0, 1]: 1 on what is hidden and beside it, fading before `margin` ends."""
    far = cv2.distanceTransform(1 - hidden, cv2.DIST_L2, 5)
    return np.clip((margin - far) / max(1.0, margin / 4), 0, 1).astype(np.float32)


STYLES = {"pixelate": pixelated, "blur": blurred}

EFFECT = Effect(
    name="anonymize",
    help="Hide faces.",
    run=anonymize,
    knobs=(
        Choice(name="style", help="how", default="pixelate", choices=tuple(STYLES)),
        Number(name="strength", help="how coarsely", default=1.0, low=0.5, high=2.0),
    ),
    needs=FACE,
    reach=2 * MARGIN,
)
