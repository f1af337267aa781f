"""Edges of the person: a soft outline along the picture's own edges, and clean colours in it.

`refine` is a guided filter (He, Sun & Tang 2013) in its fast form (He & Sun 2015): its
coefficients are found on blocks of pixels and applied to the pixels themselves.
`edge_colours` estimates the person's colours by blur fusion (Forte 2021): blurred colours
of either side, then what the mixture leaves over. Both work only where an edge is, and in
bands, so time and memory go with the edge's length.
"""

from collections.abc import Iterator
from math import ceil
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]
Float = npt.NDArray[np.float32]
Mask = npt.NDArray[np.uint8]
Index = npt.NDArray[np.intp]
Window = tuple[slice, slice]  # rows and columns

REACH = 4  # blocks that the guided filter reaches, as its authors advise for the fast form
WORK_SIDE = 1280  # longest side at which it is worked out, in blocks, whatever the net's cells
COLOUR_SIDE = 320  # longest side at which colours are averaged, in blocks
BAND = 256  # rows of pixels done at once
STRIP = 32  # rows of pixels that an edge is followed in
CUT = 0.08  # of the filter's answer at either end: it comes out a little too soft
NINE = np.ones((3, 3), np.uint8)
SUM = np.ones((1, 3), np.float32)


def step(height: int, width: int, cell: float) -> int:
    """Side, in pixels, of the blocks on which `refine` works.

    Args:
        height, width: of the picture.
        cell: side of the net's cells, in the picture's pixels.
    """
    return max(1, round(1.5 * cell / REACH), ceil(max(height, width) / WORK_SIDE))


def refine(image: Image, coarse: Float, cell: float) -> Float:
    """Draw a coarse foreground's edge along the edges of the picture.

    Args:
        image: (H, W, 3) uint8 RGB.
        coarse: (H, W) float32 in [0, 1]; or one value for each block of `step` pixels.
        cell: how coarse: the side of the net's cells, in the picture's pixels.

    Returns:
        (H, W) float32 in [0, 1]. Where the net is sure within a few cells around, its
        answer stands, rounded to 0 or 1; between, the guided filter decides.
    """
    height, width = image.shape[:2]
    k = step(height, width, cell)
    target = shrink(coarse, k) if coarse.shape == (height, width) else coarse
    if float(target.max(initial=0)) < 0.5:
        return np.zeros((height, width), np.float32)
    reach = max(2, round(1.5 * cell / k))
    unsure, changing = edge_band(target, reach)
    out = repeated(np.rint(target), k, (height, width))
    box = around(changing, 2 * reach)
    if box is None:
        return out
    guide = np.float32(1 / 255) * shrink(image[in_pixels(box, k)], k)
    slope, offset = guided_coefficients(guide, target[box], reach, 1e-4)
    slope, offset = slope / ((1 - 2 * CUT) * 255), (offset - CUT) / (1 - 2 * CUT)
    for run in runs(changing[box], ceil(STRIP / k)):
        blocks = shifted(run, box)
        pixels = in_pixels(blocks, k)
        part = image[pixels]
        size = part.shape[:2]
        fine = cv2.multiply(part, grow(slope, run, k, size), dtype=cv2.CV_32F)
        fine = cv2.transform(fine, SUM) + grow(offset, run, k, size)
        weight = grow(unsure, blocks, k, size)
        sure = np.clip(grow(target, blocks, k, size) * 2 - 0.5, 0, 1)
        out[pixels] = sure + weight * (np.clip(fine, 0, 1) - sure)
    return out


def edge_band(target: Float, reach: int) -> tuple[Float, Mask]:
    """Where the edge is.

    Returns:
        (h, w) float32 in [0, 1], 1 within `reach` of where the target is undecided; and
        (h, w) uint8, 1 where that or the target is neither all nor nothing.
    """
    undecided = ((target > 0.04) & (target < 0.96)).astype(np.uint8)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1,) * 2)
    unsure = cv2.blur(cv2.dilate(undecided, disc).astype(np.float32), (reach, reach))
    most, least = cv2.dilate(target, NINE), cv2.erode(target, NINE)
    changing = ((most > 0.04) & (least < 0.96)) | (cv2.dilate(unsure, NINE) > 0)
    return unsure, changing.astype(np.uint8)


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

    r, g, b = cv2.split(guide)
    mr, mg, mb, mt = mean(r), mean(g), mean(b), mean(target)
    cr, cg, cb = (mean(x * target) - mx * mt for x, mx in ((r, mr), (g, mg), (b, mb)))
    rr = mean(r * r) - mr * mr + smoothness
    gg = mean(g * g) - mg * mg + smoothness
    bb = mean(b * b) - mb * mb + smoothness
    rg, rb, gb = mean(r * g) - mr * mg, mean(r * b) - mr * mb, mean(g * b) - mg * mb
    # the inverse of a symmetric 3 x 3 matrix, by cofactors
    i_rr, i_rg, i_rb = gg * bb - gb * gb, gb * rb - rg * bb, rg * gb - gg * rb
    i_gg, i_gb, i_bb = rr * bb - rb * rb, rb * rg - rr * gb, rr * gg - rg * rg
    share = 1 / (rr * i_rr + rg * i_rg + rb * i_rb)
    sr = (i_rr * cr + i_rg * cg + i_rb * cb) * share
    sg = (i_rg * cr + i_gg * cg + i_gb * cb) * share
    sb = (i_rb * cr + i_gb * cg + i_bb * cb) * share
    offset = mt - sr * mr - sg * mg - sb * mb
    return cv2.merge([mean(sr), mean(sg), mean(sb)]), mean(offset)


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
    out = np.zeros((height, width, 4), np.uint8)
    for rows in bands(height):
        share = alpha[rows]
        seen = (share > 0).view(np.uint8)
        rgb = cv2.copyTo(image[rows], seen, np.zeros_like(image[rows]))
        out[rows] = cv2.merge([rgb, (share * 255 + 0.5).astype(np.uint8)])
    for index, colours in edge_colours(image, alpha):
        out.reshape(-1, 4)[index, :3] = colours + 0.5
    return out


def edge_colours(image: Image, alpha: Float) -> Iterator[tuple[Index, Float]]:
    """The foreground's own colours where it covers pixels in part.

    Args:
        image: (H, W, 3) uint8 RGB.
        alpha: (H, W) float32 in [0, 1].

    Yields:
        (N,) places in the flat picture, and (N, 3) float32 in [0, 255], some rows at a
        time. Places together are those with 0 < alpha < 1.
    """
    height, width = alpha.shape
    k = max(1, round(max(height, width) / COLOUR_SIDE))
    share = shrink(alpha, k)
    soft = ((share > 0) & (share < 1 - 1e-6)).astype(np.uint8)
    wide, close = radii(max(share.shape))
    box = around(soft, wide + close)
    if box is None:
        return
    colours = shrink(image[in_pixels(box, k)], k).astype(np.float32)
    front, back = either_side(colours, share[box], (wide, close))
    for rows in bands(height):
        part = alpha[rows]
        points = cv2.findNonZero(((part > 0) & (part < 1)).view(np.uint8))
        if points is None:
            continue
        x, y = points.reshape(-1, 2).T
        index = (y + rows.start).astype(np.intp) * width + x
        places = on_blocks(x, k, box[1].start), on_blocks(y, k, box[0].start - rows.start / k)
        at = np.stack(places, 1)[:, None]
        f, b = sampled(front, at), sampled(back, at)
        a = np.repeat(alpha.reshape(-1)[index], 3).reshape(-1, 3)
        rgb = np.take(image.reshape(-1, 3), index, axis=0)
        yield index, np.clip(f + a * (rgb - a * f - (1 - a) * b), 0, 255)


def radii(side: int) -> tuple[int, int]:
    """Of the two averages, in blocks: wide enough to bridge an edge, and close to it."""
    return max(4, side // 30), max(2, side // 200)


def either_side(colours: Float, alpha: Float, radii: tuple[int, ...]) -> tuple[Float, Float]:
    """Smooth fields of the foreground's and background's colours, wide first, then close.

    Args:
        colours: (h, w, 3) float32 in [0, 255].
        alpha: (h, w) float32 in [0, 1].
        radii: of the averages, in pixels.

    Returns:
        Two (h, w, 3) float32 in [0, 255].
    """
    a = cv2.merge([alpha] * 3)
    rest = 1 - a
    front = back = colours
    for radius in radii:
        size = (2 * radius + 1, 2 * radius + 1)
        front = cv2.blur(front * a, size) / (cv2.blur(a, size) + 1e-5)
        back = cv2.blur(back * rest, size) / (cv2.blur(rest, size) + 1e-5)
        left_over = colours - a * front - rest * back
        front = np.clip(front + a * left_over, 0, 255)
        back = np.clip(back + rest * left_over, 0, 255)
    return front, back


def on_blocks(pixels: npt.NDArray[np.int32], k: int, start: float) -> Float:
    """Where pixels lie on blocks from `start` on: 0 is the middle of the first one."""
    return pixels.astype(np.float32) * np.float32(1 / k) + np.float32(0.5 / k - 0.5 - start)


def sampled(field: Float, at: Float) -> Float:
    """(N, 3) colours of a field at (N, 1, 2) places (x, y), linear between its middles."""
    out = np.empty((len(at), 1, 3), np.float32)
    for start in range(0, len(at), 16384):  # remap takes no more than 32767 in a row
        run = slice(start, start + 16384)
        places = at[run]
        out[run] = cv2.remap(field, places, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return out[:, 0]


# -- blocks of pixels ------------------------------------------------------------------------


def shrink(picture: npt.NDArray[Any], k: int) -> npt.NDArray[Any]:
    """The mean of each block of k x k pixels; where the last ones are cut, the picture's
    border goes on."""
    if k == 1:
        return picture
    height, width = picture.shape[:2]
    down, right = -height % k, -width % k
    if down or right:
        picture = cv2.copyMakeBorder(picture, 0, down, 0, right, cv2.BORDER_REPLICATE)
    few = (width + right) // k, (height + down) // k
    return cv2.resize(picture, few, interpolation=cv2.INTER_AREA)


def grow(blocks: Float, window: Window, k: int, size: tuple[int, int]) -> Float:
    """A window of blocks as pixels, linear between the blocks' middles, cut to `size`."""
    if k == 1:
        return blocks[window]
    rows, columns = window
    top, left = max(0, rows.start - 1), max(0, columns.start - 1)
    part = blocks[top : rows.stop + 1, left : columns.stop + 1]
    large = part.shape[1] * k, part.shape[0] * k
    grown = cv2.resize(part, large, interpolation=cv2.INTER_LINEAR)
    down, right = (rows.start - top) * k, (columns.start - left) * k
    return grown[down : down + size[0], right : right + size[1]]


def repeated(blocks: Float, k: int, size: tuple[int, int]) -> Float:
    """Blocks as pixels that are all alike, cut to `size`."""
    large = blocks.shape[1] * k, blocks.shape[0] * k
    grown = cv2.resize(blocks, large, interpolation=cv2.INTER_NEAREST)
    return np.ascontiguousarray(grown[: size[0], : size[1]])


def around(mask: Mask, margin: int) -> Window | None:
    """The smallest window that holds all of a mask, and a margin; None for an empty one."""
    left, top, width, height = cv2.boundingRect(mask)
    if not width:
        return None
    return (
        slice(max(0, top - margin), min(mask.shape[0], top + height + margin)),
        slice(max(0, left - margin), min(mask.shape[1], left + width + margin)),
    )


def runs(mask: Mask, strip: int) -> Iterator[Window]:
    """Small windows that hold all of a mask: strips of rows, and in each the columns that
    the mask has there."""
    for top in range(0, len(mask), strip):
        rows = slice(top, min(top + strip, len(mask)))
        columns = np.flatnonzero(mask[rows].any(0))
        if len(columns):
            gaps = np.flatnonzero(np.diff(columns) > strip)
            starts = columns[np.r_[0, gaps + 1]].tolist()
            stops = columns[np.r_[gaps, len(columns) - 1]].tolist()
            for start, last in zip(starts, stops, strict=True):
                yield rows, slice(start, last + 1)


def shifted(inner: Window, outer: Window) -> Window:
    """A window within a window, as one of the whole."""
    rows, columns = (
        slice(a.start + b.start, a.stop + b.start) for a, b in zip(inner, outer, strict=True)
    )
    return rows, columns


def in_pixels(blocks: Window, k: int) -> Window:
    """The pixels of a window of blocks; it may reach beyond the picture."""
    rows, columns = (slice(s.start * k, s.stop * k) for s in blocks)
    return rows, columns


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
    share = (down - first).astype(np.float32).reshape(-1, *(1,) * (small.ndim - 1))
    return wide[first] * (1 - share) + wide[second] * share
