"""Is a photograph good enough: large enough, light enough, sharp, and with a face in it?

A filter joins by being listed in `FILTERS`, with its limit in `Limits`; the command line and
docs/howto/build.md have an option of that name.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from ..errors import BadInput
from ..image.io import Image
from ..taxonomy import CLASSES, IGNORE, Mask

FACE_SIDE = 256  # pixels; a larger face is shrunk to this before its sharpness is measured
FEWEST = 64  # pixels of a face, or person, worth measuring
RIM = 2  # pixels at a region's border that are not measured: what is behind it shows there
SKIN = CLASSES.index("skin")


@dataclass(frozen=True, slots=True)
class Quality:
    """What is measured of one photograph, upright, as it will lie in the dataset.

    Attributes:
        hash: perceptual (hashing.phash).
        width, height: in pixels.
        brightness: mean luma, 0..255 (meta.brightness).
        sharpness: of the face, in per cent (`sharpness`).
        face: height of the tallest face that a net finds, in pixels, 0 if it finds none;
            None if nobody looked.
    """

    hash: str
    width: int
    height: int
    brightness: float
    sharpness: float
    face: float | None

    @property
    def side(self) -> int:
        """The shorter one, in pixels."""
        return min(self.width, self.height)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What is good enough; 0 lets everything pass. The defaults are meant for photographs
    that anybody would call spoilt, and are chosen by eye but for `min_sharpness`.

    Attributes:
        min_side: of the picture's shorter side, in pixels.
        min_brightness: of the mean luma, 0..255.
        min_sharpness: of the face, in per cent. Of 2,413 portraits on the web one is below
            10; blurred by a Gaussian of 2 % of the face's height, 80 of 100 are, and of 3 %, 89.
        min_face: of the tallest face that is found, in pixels.

    Raises:
        BadInput: one is negative.
    """

    min_side: float = 256
    min_brightness: float = 20
    min_sharpness: float = 10
    min_face: float = 40

    def __post_init__(self) -> None:
        for name in self.__slots__:
            if not getattr(self, name) >= 0:  # NaN fails this too
                raise BadInput(f"{name} must be 0 or more, got {getattr(self, name)}")


@dataclass(frozen=True, slots=True)
class Filter:
    """One reason to leave a photograph out.

    Attributes:
        reason: its name.
        measure: an attribute of `Quality`.
        limit: the attribute of `Limits` that it must reach.
        says: the message, of value and limit.
    """

    reason: str
    measure: str
    limit: str
    says: str


FILTERS = (
    Filter("too-small", "side", "min_side", "the shorter side is {value:g} px, under {limit:g}"),
    Filter(
        "too-dark", "brightness", "min_brightness", "the mean luma is {value:g}, under {limit:g}"
    ),
    Filter(
        "blurred", "sharpness", "min_sharpness", "the sharpness is {value:g} %, under {limit:g}"
    ),
    Filter("no-face", "face", "min_face", "the tallest face is {value:g} px, under {limit:g}"),
)


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a photograph is not taken.

    Attributes:
        reason: of a filter, or of whatever else refused it.
        message: what is wrong, with which value.
        value: what was measured, or the picture that it looks like; None if nothing was.
        limit: what it fails to reach.
    """

    reason: str
    message: str
    value: float | str | None = None
    limit: float | None = None


def faults(measures: Quality, limits: Limits) -> Iterator[Fault]:
    """Every filter that a photograph fails.

    >>> dark = Quality("0" * 16, 640, 480, 4.5, 40.0, None)
    >>> [fault.message for fault in faults(dark, Limits())]
    ['the mean luma is 4.5, under 20']
    """
    for one in FILTERS:
        value, limit = getattr(measures, one.measure), getattr(limits, one.limit)
        if value is not None and value < limit:
            yield Fault(one.reason, one.says.format(value=value, limit=limit), value, limit)


def sharpness(image: Image, mask: Mask) -> float:
    """How much of a face's contrast is fine detail, in per cent, to a hundredth.

    The standard deviation of the Laplacian over that of the luma, both within the face as
    the mask has it; so neither a soft background nor little light makes a photograph
    blurred. A face of over 256 pixels is shrunk to that first, so megapixels count for
    nothing. Without a face in the mask it is measured within the person, without a person
    everywhere.

    Args:
        image: (H, W, 3) uint8 RGB.
        mask: (H, W) uint8 of nine classes, 255 where not known.

    Returns:
        0 where nothing is to be seen; blurred portraits have a few per cent, sharp ones 20
        to 140; noise counts as detail.

    Source:
        The variance of the Laplacian as a measure of focus (Pech-Pacheco et al. 2000), here
        relative to the contrast.
    """
    known = mask != IGNORE
    regions = (known & (mask >= SKIN), known & (mask > 0), np.ones_like(known))
    where = next((r for r in regions if np.count_nonzero(r) >= FEWEST), regions[-1])
    rows, columns = np.flatnonzero(where.any(1)), np.flatnonzero(where.any(0))
    window = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    luma = cv2.cvtColor(np.ascontiguousarray(image[window]), cv2.COLOR_RGB2GRAY)
    luma, inside = shrunk(luma.astype(np.float32), where[window])
    inside = without_rim(inside)
    detail, contrast = cv2.Laplacian(luma, cv2.CV_32F)[inside].std(), luma[inside].var()
    return round(float(100 * detail / np.sqrt(contrast + 1)), 2)  # 1: one grey level of noise


def shrunk(
    luma: npt.NDArray[np.float32], inside: npt.NDArray[np.bool_]
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
    """Both with a longer side of at most `FACE_SIDE`."""
    scale = FACE_SIDE / max(luma.shape)
    if scale >= 1:
        return luma, inside
    size = max(1, round(luma.shape[1] * scale)), max(1, round(luma.shape[0] * scale))
    small = cv2.resize(inside.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
    return cv2.resize(luma, size, interpolation=cv2.INTER_AREA), small > 0


def without_rim(inside: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """A region less its border, unless nothing is left then; the picture's edge is no border."""
    square = np.ones((2 * RIM + 1, 2 * RIM + 1), np.uint8)
    inner = cv2.erode(inside.view(np.uint8), square) > 0
    return inner if np.count_nonzero(inner) >= FEWEST else inside
