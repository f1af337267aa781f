"""Colours as numbers in which sums and distances mean something.

Light adds up in *linear* sRGB: what is blurred, laid over or mixed is mixed there. How a
colour looks is told by *CIELAB* (D65): L lightness 0 to 100, a green to red, b blue to
yellow; equal steps look about equal.
"""

import cv2
import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]
Float = npt.NDArray[np.float32]


def _decoded(values: npt.NDArray[np.floating]) -> Float:
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4).astype(
        np.float32
    )


_TO_LINEAR = _decoded(np.arange(256) / 255)


def to_linear(image: Image) -> Float:
    """sRGB uint8 -> light as float32 in [0, 1], of the same shape (IEC 61966-2-1)."""
    return _TO_LINEAR[image]


def _encoded(light: npt.NDArray[np.floating]) -> Image:
    values = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return (values * 255 + 0.5).astype(np.uint8)


_FROM_LINEAR = _encoded(np.arange(1 << 16) / 65535)  # 20 steps for each of sRGB, where finest


def from_linear(light: Float) -> Image:
    """Light -> sRGB uint8, rounded; what is beyond [0, 1] is cut."""
    return _FROM_LINEAR[np.clip(light * 65535 + 0.5, 0, 65535).astype(np.uint16)]


def to_lab(image: Image) -> Float:
    """(H, W, 3) sRGB uint8 -> (H, W, 3) CIELAB float32."""
    return cv2.cvtColor(image.astype(np.float32) / 255, cv2.COLOR_RGB2Lab)


def from_lab(lab: Float) -> Image:
    """(H, W, 3) CIELAB float32 -> sRGB uint8, rounded; what sRGB cannot show is cut."""
    rgb = cv2.cvtColor(np.ascontiguousarray(lab, np.float32), cv2.COLOR_Lab2RGB)
    return (np.clip(rgb, 0, 1) * 255 + 0.5).astype(np.uint8)


def blend(under: Image, over: Image, share: Float) -> Image:
    """Lay one picture over another, as colours on screen (not as light): for retouching,
    where both show the same thing.

    Args:
        under, over: (H, W, 3) uint8.
        share: (H, W) float32 in [0, 1] of `over`. Where it is 0, `under` stays bit for bit.
    """
    a = share[..., None]
    return (under + a * (over.astype(np.float32) - under) + 0.5).astype(np.uint8)


def add_lab(image: Image, change: Float) -> Image:
    """Shift colours by a difference in CIELAB.

    Args:
        image: (H, W, 3) sRGB uint8.
        change: (H, W, 3) float32, added to L, a and b.

    Returns:
        (H, W, 3) uint8. Where the change is 0 a pixel stays bit for bit: only the
        difference that it makes is added, so no round trip is seen.
    """
    lab = to_lab(image)
    before = cv2.cvtColor(lab, cv2.COLOR_Lab2RGB)
    shift = cv2.cvtColor(lab + change, cv2.COLOR_Lab2RGB) - before
    shift *= (change != 0).any(-1, keepdims=True)
    return np.clip(image + 255 * shift + 0.5, 0, 255).astype(np.uint8)
