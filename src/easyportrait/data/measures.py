"""What is measured of one picture and its mask: size, light, classes, faces."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image as Pil

from ..errors import ShapeMismatch
from ..faces import Box, Face, clip, describe_face, find_faces, holds_face
from ..image.io import read_mask, size_and_luma
from ..taxonomy import CLASSES, IGNORE, Mask
from .files import opened
from .layout import Entry

GRID = 160  # cells along the longer side of a look at a mask
MARGIN = 0.25  # of a face's sides, around it, in the look at it

Counts = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class FaceMeasures:
    """One face of a mask.

    Attributes:
        height: of its box, from hairline to chin as far as it is seen, over the picture's.
        roll, yaw: as `faces.Face` has them, degrees.
    """

    height: float
    roll: float | None
    yaw: float | None


@dataclass(frozen=True, slots=True)
class Measures:
    """One picture and its mask.

    Attributes:
        user: None where no table tells it.
        width, height: of the picture as people see it, in pixels.
        brightness: mean luma, 0..255.
        pixels: of each class, in the order of `CLASSES`.
        unknown: pixels of the value 255.
        strange: pixels of values that mean nothing.
        faces: the largest first.
    """

    name: str
    split: str
    user: str | None
    width: int
    height: int
    brightness: float
    pixels: tuple[int, ...]
    unknown: int
    strange: int
    faces: tuple[FaceMeasures, ...]

    def share(self, index: int) -> float:
        """Of all pixels, those of a class."""
        return self.pixels[index] / (self.width * self.height)


def measure(entry: Entry) -> Measures:
    """Measure a picture and its mask.

    Raises:
        ImageUnreadable, ImageTooLarge, ShapeMismatch, BadInput: either cannot be read.
        ShapeMismatch: they are not of the same size.
    """
    (height, width), luma = size_and_luma(opened(entry.image_file))
    mask = read_mask(opened(entry.mask_file))
    if mask.shape != (height, width):
        raise ShapeMismatch(
            f"the picture is {width} x {height} (width x height), "
            f"its mask {mask.shape[1]} x {mask.shape[0]}"
        )
    counts = value_counts(mask)
    faces = tuple(
        FaceMeasures(round(face.box.height / height, 4), _degrees(face.roll), _degrees(face.yaw))
        for face in faces_in(mask)
    )
    return Measures(
        entry.name,
        entry.split,
        entry.meta.get("user"),
        width,
        height,
        round(luma, 2),
        tuple(counts[: len(CLASSES)].tolist()),
        int(counts[IGNORE]),
        int(counts[len(CLASSES) : IGNORE].sum()),
        faces,
    )


def _degrees(angle: float | None) -> float | None:
    return None if angle is None else round(angle, 1)


def value_counts(mask: Mask) -> Counts:
    """(256,): how many pixels have each value. (`bincount` takes three times as long.)

    Args:
        mask: (H, W) uint8.
    """
    return np.array(Pil.fromarray(mask).histogram(), np.int64)


def faces_in(mask: Mask) -> list[Face]:
    """The faces of a mask, the largest first, as `Parsing.faces` has those of a picture.

    They are found in a coarse look at all of it and described by a finer one at each.

    Args:
        mask: (H, W) uint8; values that are no class belong to no face.
    """
    whole, place = _look(mask, Box(0, 0, mask.shape[1], mask.shape[0]))
    faces = []
    for box in find_faces(whole, place, CLASSES):
        x, y = MARGIN * box.width, MARGIN * box.height
        around = Box(box.left - x, box.top - y, box.right + x, box.bottom + y)
        probs, place = _look(mask, clip(around, mask.shape))
        if holds_face(probs, CLASSES):
            face = describe_face(probs, place, box, CLASSES, mask.shape)
            faces += [] if face is None else [face]
    return faces


def _look(
    mask: Mask, window: Box
) -> tuple[npt.NDArray[np.float32], tuple[float, float, float, float]]:
    """Part of a mask as a net would answer that is always sure.

    Returns:
        (9, h, w) float32, 0 or 1, at most `GRID` either way, and what it covers: left, top,
        width and height in pixels.
    """
    left, top = int(window.left), int(window.top)
    cut = mask[top : int(np.ceil(window.bottom)), left : int(np.ceil(window.right))]
    step = max(1, -(-max(cut.shape) // GRID))
    cells = cut[step // 2 :: step, step // 2 :: step]  # the middle of each
    probs = (cells == np.arange(len(CLASSES), dtype=np.uint8)[:, None, None]).astype(np.float32)
    return probs, (left, top, cells.shape[1] * step, cells.shape[0] * step)
