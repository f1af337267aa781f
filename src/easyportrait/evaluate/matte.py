"""How far the soft person that backgrounds are cut by is from the mask.

The scores are those of matting (Rhemann et al. 2009). Their truth is soft and a mask is
not, so hair that is rightly half there costs something: compare models by them, and expect
no 0.
"""

import cv2
import numpy as np
import numpy.typing as npt

from ..taxonomy import IGNORE, Mask
from .confusion import Floats, Numbers, ratio

SIDE = 1024  # the longer side at which gradients are taken, in pixels
SIGMA = 1.4  # of the Gaussian whose derivative finds gradients; as in the paper
REACH = 4  # of its kernel

# What is counted: pictures with a known pixel, known pixels, and sums of what they differ by
COUNTED = ("pictures", "pixels", "absolute", "squared", "gradient")

Float = npt.NDArray[np.float32]


def matte_errors(person: Float, truth: Mask) -> Floats:
    """Count one picture, for `sad`, `mad`, `mse` and `gradient_error`.

    Args:
        person: (H, W) float32 in [0, 1], `Parsing.person`.
        truth: (H, W) uint8: 0 background, 255 unknown, anything else person.

    Returns:
        (5,) in the order of `COUNTED`. Pixels of 255 do not count, nor, for the gradient,
        any that the kernel reaches from there.
    """
    known = truth != IGNORE
    drawn = ((truth > 0) & known).astype(np.float32)
    apart = (person - drawn)[known].astype(np.float64)
    pixels = apart.size
    gradient = _gradient_error(person, drawn, ~known) if pixels else 0.0
    sums = np.abs(apart).sum(), (apart**2).sum(), gradient
    return np.array([pixels > 0, pixels, *sums], np.float64)


def _gradient_error(person: Float, drawn: Float, unknown: npt.NDArray[np.bool_]) -> float:
    height, width = drawn.shape
    scale = min(1.0, SIDE / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))

    def small(values: Float) -> Float:
        way = cv2.INTER_AREA
        return values if scale == 1 else cv2.resize(values, size, interpolation=way)

    square = np.ones((2 * REACH + 1, 2 * REACH + 1), np.uint8)
    aside = cv2.dilate((small(unknown.astype(np.float32)) > 0).astype(np.uint8), square) > 0
    apart = steepness(small(person)) - steepness(small(drawn))
    return float((apart[~aside].astype(np.float64) ** 2).sum())


def steepness(values: Float) -> Float:
    """(H, W): length of the gradient, by the derivative of a Gaussian of length 1."""
    x = np.arange(-REACH, REACH + 1, dtype=np.float64)
    bell = np.exp(-(x**2) / (2 * SIGMA**2))
    slope = -x * bell
    bell, slope = bell / np.linalg.norm(bell), slope / np.linalg.norm(slope)
    border = cv2.BORDER_REPLICATE
    across = cv2.sepFilter2D(values, cv2.CV_32F, slope, bell, borderType=border)
    down = cv2.sepFilter2D(values, cv2.CV_32F, bell, slope, borderType=border)
    return np.asarray(np.hypot(across, down))


def sad(errors: Numbers) -> Floats:
    """Sum of absolute differences, in thousands of pixels at the picture's own size; the mean
    over pictures. 255 does not count, and a picture of nothing but 255 is none; a scene
    without a person counts."""
    return ratio(errors[..., 2] / 1000, errors[..., 0])


def mad(errors: Numbers) -> Floats:
    """Mean absolute difference, 0..1, over all known pixels of the set; 255 as with `sad`."""
    return ratio(errors[..., 2], errors[..., 1])


def mse(errors: Numbers) -> Floats:
    """Mean squared difference, 0..1, over all known pixels of the set; 255 as with `sad`."""
    return ratio(errors[..., 3], errors[..., 1])


def gradient_error(errors: Numbers) -> Floats:
    """Sum of squared differences of the gradients' lengths, over 1,000, with a longer side of
    at most `SIDE`; the mean over pictures. 255 as in `matte_errors`, and pictures as with
    `sad`."""
    return ratio(errors[..., 4] / 1000, errors[..., 0])
