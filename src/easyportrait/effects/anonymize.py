"""Hide faces: pixelate or blur each so coarsely that nobody can be told from it."""

import cv2
import numpy as np

from ..image.colour import blend
from ..parsing import Float, Parsing
from ..taxonomy import FACE
from .effect import Choice, Effect, Image, Number

MARGIN = 0.15  # of a face's longer side: hidden around what the net saw of it
BLOCKS = 7  # across a face at full strength: recognition gives up below about 10


def anonymize(image: Image, parsing: Parsing, *, style: str, strength: float) -> Image:
    """A picture whose faces are hidden, each as coarsely as it is large.

    Args:
        image: (H, W, 3) uint8 RGB. Not changed.
        parsing: of the same picture; all that may be a face is hidden, and a margin.
        style: "pixelate" or "blur".
        strength: at 1 a face keeps about 7 blocks across, at 0.5 twice as many.

    Returns:
        (H, W, 3) uint8; what is not near a face stays bit for bit.
    """
    out = image.copy()
    names = [name for name in FACE if name in parsing.taxonomy.names]
    for window in parsing.windows(*names, margin=MARGIN):
        part = out[window]
        face = max(part.shape) / (1 + 2 * MARGIN)
        share = covered(parsing.region(*names, within=window) > 0.1, MARGIN * face)
        block = max(2, round(face / BLOCKS * strength))
        out[window] = blend(part, STYLES[style](part, block), share)
    return out


def covered(seen: np.ndarray, margin: float) -> Float:
    """(h, w) in [0, 1]: all that a mask's outline encloses, and `margin` pixels around it."""
    share = np.zeros(seen.shape, np.uint8)
    points = cv2.findNonZero(seen.astype(np.uint8))
    if points is None:
        return share.astype(np.float32)
    cv2.fillConvexPoly(share, cv2.convexHull(points), 1)
    far = cv2.distanceTransform(1 - share, cv2.DIST_L2, 5)
    soft = max(1.0, margin / 4)
    return np.clip((margin - far) / soft, 0, 1)


def pixelated(part: Image, block: int) -> Image:
    height, width = part.shape[:2]
    few = max(1, round(width / block)), max(1, round(height / block))
    small = cv2.resize(part, few, interpolation=cv2.INTER_AREA)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_NEAREST)


def blurred(part: Image, block: int) -> Image:
    """As coarse as pixels of that size; smoothed small, since wide filters are slow."""
    height, width = part.shape[:2]
    few = max(1, round(4 * width / block)), max(1, round(4 * height / block))
    small = cv2.GaussianBlur(cv2.resize(part, few, interpolation=cv2.INTER_AREA), (0, 0), 2.4)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)


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
