"""No red eyes: pupils that a flash made red become dark again, their glint stays."""

import cv2
import numpy as np

from ..image.colour import blend, to_lab
from ..parsing import Float, Parsing
from .effect import Effect, Image, Number
from .iris import EYES, Eye, eyes

DARK = 26.0  # of 255: what a pupil is in the middle, by eye on flash portraits
SMALLEST = 3  # pixels of red: fewer are noise
CLEARER = 8.0  # than what is around it, a pupil is red


def remove_red_eye(image: Image, parsing: Parsing, *, sensitivity: float) -> Image:
    """A picture whose red pupils are dark and neutral.

    Args:
        image: (H, W, 3) uint8 RGB. Not changed.
        parsing: of the same picture.
        sensitivity: from 0, for pupils of a burning red only, to 1, for any reddish one.

    Returns:
        (H, W, 3) uint8. Eyes without a red pupil stay bit for bit, whatever is red near by.
    """
    out = image.copy()
    for eye in eyes(image, parsing):
        part = out[eye.window]
        red = redness(part)
        pupil = red_pupil(red, eye, 24 - 16 * sensitivity)
        if pupil is not None:
            out[eye.window] = blend(part, darkened(part, pupil), pupil)
    return out


def redness(part: Image) -> Float:
    """(h, w): how much redder than brown, on the scale of CIELAB.

    The red of a lit retina has little yellow in it, that of brown eyes and skin has about as
    much: red pupils come to 20 and more, the brownest eyes to 10.
    """
    lab = to_lab(part)
    # and violet, with its blue, is some lens' reflection
    return lab[..., 1] - np.maximum(0.6 * lab[..., 2], -lab[..., 2])


def red_pupil(red: Float, eye: Eye, least: float) -> Float | None:
    """(h, w) in [0, 1]: the red pupil of an eye; None if it has none."""
    if eye.iris is None:
        least += 6  # nothing but its shape speaks for it
    seen = ((red > least) & (eye.open > 0.4)).astype(np.uint8)
    # the glint is a hole or a dent in the red
    _, parts, stats, _ = cv2.connectedComponentsWithStats(seen)
    for part in np.argsort(-stats[1:, cv2.CC_STAT_AREA]) + 1:
        if stats[part, cv2.CC_STAT_AREA] < SMALLEST:
            return None
        found = parts == part
        x, y, radius = around(found)
        far = np.hypot(*np.ogrid[-y : len(red) - y - 0.5, -x : red.shape[1] - x - 0.5])
        if not plausible(stats[part, cv2.CC_STAT_AREA], x, y, radius, eye):
            continue
        near = (far > 1.35 * radius + 1) & (far < 2 * radius + 2)
        if red[found].mean() - np.median(red[near]) < CLEARER:
            continue
        disc = np.clip(1.3 * radius + 1 - far, 0, 1)
        share = np.clip((red / least - 0.35) / 0.5, 0, 1) * disc * np.clip(eye.open / 0.4, 0, 1)
        return share.astype(np.float32)
    return None


def around(found: np.ndarray) -> tuple[float, float, float]:
    """x, y, radius of the smallest circle around a shape, its pixels' corners cut."""
    points = cv2.findNonZero(found.astype(np.uint8))
    (x, y), radius = cv2.minEnclosingCircle(points)
    return x, y, max(radius + 0.3, 0.7)


def plausible(area: int, x: float, y: float, radius: float, eye: Eye) -> bool:
    """Whether a red shape can be a pupil: round, in the middle of the iris, no larger."""
    if area < 0.4 * np.pi * radius**2:
        return False
    if eye.iris is None:
        wide = np.count_nonzero((eye.open > 0.4).any(0))
        return bool(0.06 * wide < radius < 0.3 * wide)
    away = np.hypot(x - eye.iris.x, y - eye.iris.y)
    return bool(away < 0.5 * eye.iris.radius and radius < 1.15 * eye.iris.radius)


def darkened(part: Image, share: Float) -> Image:
    """The part as a pupil: what is left without red, as dark as pupils are, without colour."""
    grey = part[..., 1:].astype(np.float32).mean(-1)
    usual = float(np.average(grey, weights=share))
    grey *= min(1.0, DARK / max(usual, 1.0))
    return np.repeat(grey[..., None], 3, -1).astype(np.uint8)


EFFECT = Effect(
    name="remove-red-eye",
    help="Pupils that a flash made red become dark.",
    run=remove_red_eye,
    knobs=(Number(name="sensitivity", help="how little red is enough", default=0.5),),
    needs=EYES,
    switch=True,
)
