"""Training samples as the reference makes them: the whole frame, its colours changed.

    picture ── padded to a square ── resized ── brightness ── contrast ── saturation, hue ── sample
               right and below:                 each with one chance in two; contrast comes
               black, mask 255                  first or last

Nothing is mirrored, turned or cut. Everything is drawn from the `rng` that is passed in.
"""

import cv2
import numpy as np
import numpy.typing as npt

from ..data.portraits import Portrait
from ..taxonomy import IGNORE
from .augment import Scene
from .recipe import Reference

Image = npt.NDArray[np.uint8]


def sample(rng: np.random.Generator, portrait: Portrait, side: int, how: Reference) -> Scene:
    """One (side, side) training sample of one portrait."""
    scene = framed(portrait, side, how.pad)
    return Scene(recolour(rng, scene.image, how), scene.mask)


def framed(portrait: Portrait, side: int, pad: int) -> Scene:
    """The picture at the upper left of a square of `pad` pixels, or of its own longer edge if
    that is more, brought to `side`."""
    height, width = portrait.mask.shape
    edge = max(pad, height, width)
    below, right = edge - height, edge - width
    image = cv2.copyMakeBorder(portrait.image, 0, below, 0, right, cv2.BORDER_CONSTANT, value=0)
    mask = cv2.copyMakeBorder(portrait.mask, 0, below, 0, right, cv2.BORDER_CONSTANT, value=IGNORE)
    return Scene(
        np.asarray(cv2.resize(image, (side, side), interpolation=cv2.INTER_LINEAR), np.uint8),
        np.asarray(cv2.resize(mask, (side, side), interpolation=cv2.INTER_NEAREST), np.uint8),
    )


def recolour(rng: np.random.Generator, image: Image, how: Reference) -> Image:
    """(H, W, 3) uint8 -> a new one. Rounded down to whole numbers after every change, as the
    reference does."""
    chances = rng.random(4) < 0.5
    contrast_first = rng.random() < 0.5
    brightness = rng.uniform(-how.brightness, how.brightness)
    contrast = rng.uniform(*how.contrast) if chances[1] else 1.0
    if chances[0]:
        image = changed(image, 1.0, brightness)
    if contrast_first:
        image = changed(image, contrast, 0.0)
    saturation = rng.uniform(*how.saturation) if chances[2] else 1.0
    hue = round(rng.uniform(-how.hue, how.hue)) if chances[3] else 0
    if saturation != 1.0 or hue:
        hsv = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2HSV), np.uint8)
        hsv[..., 1] = changed(hsv[..., 1], saturation, 0.0)
        hsv[..., 0] = (hsv[..., 0].astype(int) + hue) % 180
        image = np.asarray(cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB), np.uint8)
    return image if contrast_first else changed(image, contrast, 0.0)


def changed(values: Image, factor: float, added: float) -> Image:
    """`values * factor + added`, within 0..255."""
    return np.clip(values.astype(np.float32) * factor + added, 0, 255).astype(np.uint8)
