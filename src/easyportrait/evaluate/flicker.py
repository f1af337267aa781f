"""How much labels change from frame to frame where nothing moves."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np

from ..parsing import Float, Image
from ..taxonomy import Mask, Taxonomy
from .confusion import counted, iou, mean

STILL = 3.0  # levels of blurred luma: above a camera's grain, below what eyes call motion
AROUND = 4  # pixels


def flicker(frames: Iterable[Mask], taxonomy: Taxonomy) -> float:
    """The mean IoU by which consecutive frames disagree, for a video in which nothing moves.

    Args:
        frames: (H, W) uint8 labels of each frame, in order. Read one at a time.

    Returns:
        0 (no pixel ever changes) to 1: one minus the mean IoU of each frame with the next,
        over frames. Pixels that are 255 in the earlier frame do not count; a class that is
        in neither frame is left out, and one that is in one of them only counts as 1. NaN
        for fewer than two frames.

    Raises:
        ShapeMismatch: frames differ in size, or hold values that are no class.

    >>> from easyportrait.taxonomy import CLASSES
    >>> still = np.zeros((2, 2), np.uint8)
    >>> flicker([still, still, still], CLASSES)
    0.0
    """
    apart = [
        1 - float(mean(iou(counted(before, after, taxonomy)))) for before, after in pairwise(frames)
    ]
    return float(np.mean(apart)) if apart else float("nan")


@dataclass(frozen=True, slots=True)
class Unrest:
    """How much answers change where a video does not, over its frames.

    Attributes:
        labels: share of still pixels whose class is not that of the frame before.
        person: mean change of the soft person in still pixels, of 1.
        still: share of pixels that are still.
    """

    labels: float
    person: float
    still: float


def unrest(frames: Iterable[tuple[Image, Mask, Float]]) -> Unrest:
    """What a viewer calls flicker, without knowing the truth or how things moved.

    A pixel is still if its luma, blurred against grain, stays within `STILL` levels of the
    frame before, and so do its neighbours within `AROUND` pixels. Only those are compared,
    so nothing needs to be warped and no motion is taken for flicker.

    Args:
        frames: of each frame in order (H, W, 3) uint8 RGB, (H, W) uint8 labels, and (H, W)
            float32 in [0, 1]. Read one at a time.

    Returns:
        NaN in all where there is no still pixel, or fewer than two frames.
    """
    changed = moved = still_pixels = pixels = 0.0
    before: tuple[Float, Mask, Float] | None = None
    for image, labels, person in frames:
        grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)
        light = cv2.GaussianBlur(grey, (0, 0), 2)
        if before is not None:
            near = cv2.dilate(np.abs(light - before[0]), np.ones((2 * AROUND + 1,) * 2, np.uint8))
            still = near < STILL
            changed += float((labels != before[1])[still].sum())
            moved += float(np.abs(person - before[2])[still].sum(dtype=np.float64))
            still_pixels += float(still.sum())
            pixels += still.size
        before = light, labels, person
    if not still_pixels:
        return Unrest(float("nan"), float("nan"), 0.0 if pixels else float("nan"))
    return Unrest(changed / still_pixels, moved / still_pixels, still_pixels / pixels)
