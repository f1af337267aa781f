"""How much labels change from frame to frame where nothing moves."""

from collections.abc import Iterable
from itertools import pairwise

import numpy as np

from ..taxonomy import Mask, Taxonomy
from .confusion import counted, iou, mean


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
