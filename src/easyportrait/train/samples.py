"""What the net makes of a few validation pictures, to look at while it trains."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from torch import Tensor

from ..image.io import written
from ..taxonomy import IGNORE, Mask, Taxonomy
from .recipe import Recipe

Image = npt.NDArray[np.uint8]

SHOWN = 4  # pictures a sheet
STRENGTH = 0.55  # of colours over the picture, chosen by eye


def write_sheet(
    path: Path, images: Tensor, truth: Tensor, predicted: Tensor, recipe: Recipe, classes: Taxonomy
) -> None:
    """Photo, mask and prediction side by side, a row a picture, as a JPEG.

    Args:
        images: (N, 3, H, W) float32, normalised as the recipe says.
        truth, predicted: (N, H, W) int64 of classes; 255 in the truth is left as it is.
    """
    rows = []
    for image, true, found in zip(images, truth, predicted, strict=True):
        photo = pictured(image, recipe)
        masks = (m.cpu().numpy().astype(np.uint8) for m in (true, found))
        rows.append(np.hstack([photo, *(painted(photo, mask, classes) for mask in masks)]))
    _, packed = cv2.imencode(".jpg", np.vstack(rows)[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 90])
    path.parent.mkdir(parents=True, exist_ok=True)
    with written(path) as file:
        file.write(packed.tobytes())


def pictured(image: Tensor, recipe: Recipe) -> Image:
    """(3, H, W) normalised -> (H, W, 3) uint8 RGB."""
    values = image.float().cpu().numpy().transpose(1, 2, 0)
    values = values * np.array(recipe.input.std) + np.array(recipe.input.mean)
    return np.clip(values + 0.5, 0, 255).astype(np.uint8)


def painted(photo: Image, mask: Mask, classes: Taxonomy) -> Image:
    """The classes' colours over the photo, except where nothing is known or nobody is."""
    bare = (mask == 0) | (mask == IGNORE)
    mixed = photo * (1 - STRENGTH) + classes.colour(mask) * STRENGTH
    return np.where(bare[..., None], photo, mixed).astype(np.uint8)


def shown(batch: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """The first few of a batch."""
    return tuple(part[:SHOWN] for part in batch)
