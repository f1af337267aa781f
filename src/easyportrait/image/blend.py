"""Pictures laid over pictures."""

import cv2
import numpy as np
import numpy.typing as npt

from ..errors import ShapeMismatch
from ..taxonomy import CLASSES, Mask, Taxonomy

Image = npt.NDArray[np.uint8]


def overlay(
    image: Image, labels: Mask, taxonomy: Taxonomy = CLASSES, *, strength: float = 0.5
) -> Image:
    """The picture with each class in its colour; the background keeps its own.

    Args:
        image: (H, W, 3) uint8 RGB.
        labels: (H, W) uint8.
        strength: of the colour, 0 to 1. Borders between classes are drawn in full.

    Returns:
        A new (H, W, 3) uint8.

    Raises:
        ShapeMismatch: the two do not cover the same pixels.
    """
    if labels.shape != image.shape[:2]:
        raise ShapeMismatch(f"the picture is {image.shape[:2]}, the labels are {labels.shape}")
    tinted = cv2.addWeighted(image, 1 - strength, taxonomy.colour(labels), strength, 0)
    width = max(1, round(max(labels.shape) / 700))
    disc = np.ones((2 * width + 1, 2 * width + 1), np.uint8)
    inner = cv2.erode(labels, disc) != labels
    tinted[inner] = taxonomy.colour(labels)[inner]
    return np.where((labels > 0)[..., None], tinted, image)


def beside(before: Image, after: Image) -> Image:
    """Two pictures of one size next to each other, for looking at.

    Args:
        before: (H, W, 3) uint8.
        after: (H, W, 3) or (H, W, 4) uint8; transparency is shown as a checkerboard.

    Returns:
        (H, 2 W + gap, 3) uint8.
    """
    if after.shape[2] == 4:
        after = on_checkers(after)
    gap = np.full((len(before), max(2, before.shape[1] // 100), 3), 255, np.uint8)
    return np.hstack([before, gap, after])


def on_checkers(image: Image) -> Image:
    """(H, W, 4) RGBA over light and grey squares -> (H, W, 3)."""
    height, width = image.shape[:2]
    square = max(4, max(height, width) // 64)
    odd = (np.arange(height)[:, None] // square + np.arange(width) // square) % 2
    under = np.where(odd, np.float32(255), np.float32(204))[..., None]
    alpha = image[..., 3:].astype(np.float32) / 255
    return (under + alpha * (image[..., :3] - under) + 0.5).astype(np.uint8)
