"""Edges of the person: a soft outline along the picture's own edges, and clean colours in it.

`refine` is a guided filter (He, Sun & Tang 2013) in its fast form (He & Sun 2015): its
coefficients are found on a smaller picture and applied to the full one, in bands, so
memory stays bounded. `cut_out` estimates the person's colours by blur fusion
(Forte 2021): blurred colours of either side, then what the mixture leaves over.
"""

from collections.abc import Iterator

import cv2
import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]
Float = npt.NDArray[np.float32]

WORK_SIDE = 1280  # longest side at which coefficients are found, in pixels
BAND = 256  # rows brought to full size at once


def refine(image: Image, coarse: Float, cell: float) -> Float:
    """Draw a coarse foreground's edge along the edges of the picture.

    Args:
        image: (H, W, 3) uint8 RGB.
        coarse: (H, W) float32 in [0, 1].
        cell: how coarse: the side of the net's cells, in the picture's pixels.

    Returns:
        (H, W) float32 in [0, 1]. Where the net is sure within a few cells around, its
        answer stands, rounded to 0 or 1; between, the guided filter decides.
    """
    height, width = coarse.shape
    if float(coarse.max(initial=0)) < 0.5:
        return np.zeros_like(coarse)
    scale = min(1.0, WORK_SIDE / max(height, width))
    small = max(1, round(width * scale)), max(1, round(height * scale))
    guide = cv2.resize(image, small, interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    target = cv2.resize(coarse, small, interpolation=cv2.INTER_AREA)
    reach = max(2, round(1.5 * cell * scale))
    slope, offset = guided_coefficients(guide, target, reach, 1e-4)
    unsure = edge_band(target, reach)

    out = np.empty_like(coarse)
    for rows in bands(height):
        a = enlarge(slope, rows, height, width)
        b = enlarge(offset, rows, height, width)
        band = np.einsum("hwc,hwc->hw", a, image[rows].astype(np.float32) / 255) + b
        weight = enlarge(unsure, rows, height, width)
        sure = np.clip((coarse[rows] - 0.25) * 2, 0, 1)
        out[rows] = sure + weight * (np.clip((band - 0.08) / 0.84, 0, 1) - sure)
    return out


def edge_band(target: Float, reach: int) -> Float:
    """(h, w) in [0, 1]: 1 within `reach` of where the target is undecided."""
    undecided = ((target > 0.04) & (target < 0.96)).astype(np.uint8)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1,) * 2)
    near = cv2.dilate(undecided, disc).astype(np.float32)
    return cv2.blur(near, (reach, reach))


def guided_coefficients(
    guide: Float, target: Float, radius: int, smoothness: float
) -> tuple[Float, Float]:
    """Linear model of the target in the guide's colours around each pixel.

    Args:
        guide: (h, w, 3) float32 in [0, 1].
        target: (h, w) float32.
        radius: of the box, in pixels.
        smoothness: added to the colours' variance.

    Returns:
        `slope` (h, w, 3) and `offset` (h, w): target is about slope . guide + offset.
    """
    size = (2 * radius + 1, 2 * radius + 1)

    def mean(x: Float) -> Float:
        return cv2.blur(x, size, borderType=cv2.BORDER_REFLECT)

    mean_guide, mean_target = mean(guide), mean(target)
    cross = mean(guide * target[..., None]) - mean_guide * mean_target[..., None]
    r, g, b = cv2.split(guide)
    mr, mg, mb = cv2.split(mean_guide)
    rr = mean(r * r) - mr * mr + smoothness
    gg = mean(g * g) - mg * mg + smoothness
    bb = mean(b * b) - mb * mb + smoothness
    rg, rb, gb = mean(r * g) - mr * mg, mean(r * b) - mr * mb, mean(g * b) - mg * mb
    # the inverse of a symmetric 3 x 3 matrix, by cofactors
    i_rr, i_rg, i_rb = gg * bb - gb * gb, gb * rb - rg * bb, rg * gb - gg * rb
    i_gg, i_gb, i_bb = rr * bb - rb * rb, rb * rg - rr * gb, rr * gg - rg * rg
    determinant = rr * i_rr + rg * i_rg + rb * i_rb
    cr, cg, cb = cv2.split(cross)
    slope = (
        cv2.merge(
            [
                i_rr * cr + i_rg * cg + i_rb * cb,
                i_rg * cr + i_gg * cg + i_gb * cb,
                i_rb * cr + i_gb * cg + i_bb * cb,
            ]
        )
        / determinant[..., None]
    )
    offset = mean_target - np.einsum("hwc,hwc->hw", slope, mean_guide)
    return mean(slope), mean(offset)


def cut_out(image: Image, alpha: Float) -> Image:
    """A picture's foreground on nothing.

    Args:
        image: (H, W, 3) uint8 RGB.
        alpha: (H, W) float32 in [0, 1].

    Returns:
        (H, W, 4) uint8 RGBA, straight alpha. Where alpha is 1 the colours are untouched;
        where it is between, the background's share is taken out; where it is 0 they are 0.
    """
    height, width = alpha.shape
    scale = min(1.0, WORK_SIDE / max(height, width))
    small = max(1, round(width * scale)), max(1, round(height * scale))
    colours = cv2.resize(image, small, interpolation=cv2.INTER_AREA).astype(np.float32)
    share = cv2.resize(alpha, small, interpolation=cv2.INTER_AREA)
    front, back = either_side(colours, share, max(small))

    out = np.zeros((height, width, 4), np.uint8)
    for rows in bands(height):
        a = alpha[rows][..., None]
        soft = (a > 0) & (a < 1)
        rgb = image[rows].astype(np.float32)
        if soft.any():
            f = enlarge(front, rows, height, width)
            b = enlarge(back, rows, height, width)
            mixed = f + a * (rgb - a * f - (1 - a) * b)
            rgb = np.where(soft, mixed, rgb)
        out[rows, :, :3] = np.where(a > 0, np.clip(rgb + 0.5, 0, 255), 0)
        out[rows, :, 3] = a[..., 0] * 255 + 0.5
    return out


def either_side(colours: Float, alpha: Float, side: int) -> tuple[Float, Float]:
    """Smooth fields of the foreground's and background's colours, wide first, then close."""
    front = back = colours
    for radius in (max(4, side // 30), max(2, side // 200)):
        size = (2 * radius + 1, 2 * radius + 1)
        a = alpha[..., None]

        def average(values: Float, weight: Float, size: tuple[int, int] = size) -> Float:
            total = cv2.blur(weight, size)[..., None]
            return cv2.blur(values * weight[..., None], size) / (total + 1e-5)

        near_front, near_back = average(front, alpha), average(back, 1 - alpha)
        left_over = colours - a * near_front - (1 - a) * near_back
        front = np.clip(near_front + a * left_over, 0, 255)
        back = np.clip(near_back + (1 - a) * left_over, 0, 255)
    return front, back


def bands(height: int) -> Iterator[slice]:
    """Rows of a picture, `BAND` at a time."""
    return (slice(top, min(top + BAND, height)) for top in range(0, height, BAND))


def enlarge(small: Float, rows: slice, height: int, width: int) -> Float:
    """Rows of a smaller map brought to (height, width), without making the whole."""
    if small.shape[:2] == (height, width):
        return small[rows]
    ratio = small.shape[0] / height
    at = np.clip((np.arange(rows.start, rows.stop) + 0.5) * ratio - 0.5, 0, small.shape[0] - 1)
    low = int(at[0])
    strip = small[low : int(at[-1]) + 2]
    wide = cv2.resize(strip, (width, len(strip)), interpolation=cv2.INTER_LINEAR)
    down = (at - low).astype(np.float32)
    first = down.astype(int)
    second = np.minimum(first + 1, len(strip) - 1)
    share = (down - first).reshape(-1, *(1,) * (small.ndim - 1))
    return wide[first] * (1 - share) + wide[second] * share
