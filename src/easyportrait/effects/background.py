"""A person before something else: what the three effects on the background share.

All is mixed as light. Where a pixel is the person's in part, the person's own colour there
is estimated first (image/matte.py), so no rim of the old background is carried along.
"""

from math import ceil

import cv2
import numpy as np

from ..image.colour import from_linear, to_linear
from ..image.matte import NINE, edge_colours, shrink
from ..parsing import Float
from .effect import Image

DISC = 5  # radius in blocks of what an unsharp point becomes: its outline still looks round
GLOW = 20  # times as bright as white, at full bloom, what shows as white may have been
SPILL = 0.03  # of the longer side: how wide light of the background comes round an edge
THUMB = 64  # pixels across tell the mean of a picture
LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)  # Rec. 709, of light
TINT, EXPOSURE = 0.35, 0.3  # powers of a full match in colour and in brightness, by eye


def before(image: Image, alpha: Float, backdrop: Image, *, wrap: float = 0.0) -> Image:
    """The person before a backdrop.

    Args:
        image: (H, W, 3) uint8 RGB.
        alpha: (H, W) float32 in [0, 1], how much of each pixel is the person.
        backdrop: (H, W, 3) uint8 RGB. It is painted on and becomes the answer.
        wrap: how much light of the backdrop comes round the person's edge, 0 to 1. It
            falls on pixels that are the person's in part.

    Returns:
        (H, W, 3) uint8: `image` bit for bit where alpha is 1, `backdrop` where it is 0.
    """
    glow = light_around(backdrop) if wrap else backdrop
    out = cv2.copyTo(image, (alpha == 1).view(np.uint8), backdrop)
    pixels = out.reshape(-1, 3)
    for index, colours in edge_colours(image, alpha):
        share = np.repeat(alpha.reshape(-1)[index], 3).reshape(-1, 3)
        front = to_linear((colours + 0.5).astype(np.uint8))
        if wrap:
            spill = wrap * (1 - share) * to_linear(np.take(glow.reshape(-1, 3), index, axis=0))
            front += spill * (1 - front)
        back = to_linear(np.take(pixels, index, axis=0))
        pixels[index] = from_linear(back + share * (front - back))
    return out


def light_around(backdrop: Image) -> Image:
    """(H, W, 3): the light that comes from about there, without any detail."""
    height, width = backdrop.shape[:2]
    k = max(1, ceil(SPILL * max(height, width) / 4))
    small = cv2.resize(backdrop, (ceil(width / k), ceil(height / k)))
    wide = cv2.blur(to_linear(small), (9, 9), borderType=cv2.BORDER_REPLICATE)
    return cv2.resize(from_linear(wide), (width, height), interpolation=cv2.INTER_LINEAR)


def fitted(picture: Image, height: int, width: int, fit: str) -> Image:
    """A picture brought to another size and shape; its middle stays in the middle.

    Args:
        picture: (h, w, 3) uint8 RGB.
        height, width: wanted.
        fit: "cover" fills all and cuts what is too much; "contain" shows all of it, before
            a blurred copy that fills the rest.

    Returns:
        A new (height, width, 3) uint8.
    """
    high, wide = picture.shape[:2]
    if (high, wide) == (height, width):
        return picture.copy()
    if fit == "cover":
        scale = max(height / high, width / wide)
        rows, columns = min(high, ceil(height / scale)), min(wide, ceil(width / scale))
        top, left = (high - rows) // 2, (wide - columns) // 2
        return resized(picture[top : top + rows, left : left + columns], height, width)
    scale = min(height / high, width / wide)
    rows = min(height, max(1, round(high * scale)))
    columns = min(width, max(1, round(wide * scale)))
    out = light_around(fitted(picture, height, width, "cover"))
    top, left = (height - rows) // 2, (width - columns) // 2
    out[top : top + rows, left : left + columns] = resized(picture, rows, columns)
    return out


def resized(picture: Image, height: int, width: int) -> Image:
    larger = height > picture.shape[0] or width > picture.shape[1]
    how = cv2.INTER_CUBIC if larger else cv2.INTER_AREA
    if picture.size == 3:
        how = cv2.INTER_NEAREST
    return cv2.resize(picture, (width, height), interpolation=how)


def matched(image: Image, alpha: Float, backdrop: Image, amount: float) -> Image:
    """The picture as if some of the backdrop's light fell on it: its tint and brightness.

    Each channel goes along a curve that keeps black and white, so nothing clips.

    Args:
        image: (H, W, 3) uint8 RGB.
        alpha: (H, W) float32 in [0, 1]: the person, whose brightness counts.
        backdrop: (h, w, 3) uint8 RGB.
        amount: 0 leaves the picture as it is, 1 goes as far as still looks natural.
    """
    weight = cv2.resize(alpha, (THUMB, THUMB), interpolation=cv2.INTER_NEAREST)
    if not weight.any():
        return image
    person = np.average(thumb(image).reshape(-1, 3), axis=0, weights=weight.reshape(-1)) + 0.01
    light = thumb(backdrop).mean((0, 1)) + 0.01
    tint = np.clip(light / (light @ LUMA), 0.4, 2.5) ** (TINT * amount)
    brighter = np.clip((light @ LUMA) / (person @ LUMA), 0.2, 5) ** (EXPOSURE * amount)
    gain = tint / (tint @ LUMA) * brighter
    steps = to_linear(np.arange(256, dtype=np.uint8))[:, None]
    curves = from_linear((gain * steps / (1 + (gain - 1) * steps)).astype(np.float32))
    return cv2.LUT(image, curves.reshape(1, 256, 3))


def thumb(picture: Image) -> Float:
    small = cv2.resize(picture, (THUMB, THUMB), interpolation=cv2.INTER_NEAREST)
    return to_linear(small)


def defocused(image: Image, alpha: Float, radius: float, bloom: float) -> Image:
    """What is behind the person, as a lens that is focused on the person shows it.

    Every point becomes a disc. The person takes no part: blurred are light times share of
    background, and the share, and one is divided by the other (normalised convolution;
    Knutsson & Westin 1993), so what lies behind the edge comes from beside it.

    Args:
        image: (H, W, 3) uint8 RGB.
        alpha: (H, W) float32 in [0, 1]: the person.
        radius: of the discs, in pixels, above 0.
        bloom: how much brighter than white the brightest points may have been, 0 to 1. Their
            discs then stand out; even areas stay as bright as they are.

    Returns:
        A new (H, W, 3) uint8, behind the person too.
    """
    height, width = alpha.shape
    fine = ceil(radius / DISC / 2)
    twice = 2 if radius > DISC else 1  # bright points are found on finer blocks
    k = fine * twice
    share = np.clip(1 - 2 * cv2.dilate(shrink(alpha, k), NINE), 0, 1)
    if not share.any():
        return image.copy()
    burnt = 1 - GLOW**-bloom
    light = to_linear(shrink(image, fine))
    light = shrink(light / (1 - burnt * peak(light)), twice)[: len(share), : share.shape[1]]
    weighted = np.dstack([light * share[..., None], share])
    blurred = cv2.filter2D(weighted, -1, disc(radius / k), borderType=cv2.BORDER_CONSTANT)
    around = cv2.blur(weighted, (8 * DISC + 1,) * 2, borderType=cv2.BORDER_CONSTANT)
    blurred += 1e-4 * around + 1e-8 * weighted.mean((0, 1))  # where no background is near
    light = blurred[..., :3] / blurred[..., 3:]
    small = from_linear(light / (1 + burnt * peak(light)))
    large = cv2.resize(small, (small.shape[1] * k, small.shape[0] * k))
    return np.ascontiguousarray(large[:height, :width])


def peak(light: Float) -> Float:
    """(h, w, 1): the strongest of a pixel's three lights, so that hues stay what they are."""
    return np.maximum(np.maximum(light[..., 0], light[..., 1]), light[..., 2])[..., None]


def disc(radius: float) -> Float:
    """A round kernel that sums to 1, its rim as soft as one cell."""
    reach = ceil(radius - 0.5) if radius > 0.5 else 0
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    kernel = np.clip(radius + 0.5 - np.hypot(y, x), 0, 1).astype(np.float32)
    return kernel / kernel.sum()
