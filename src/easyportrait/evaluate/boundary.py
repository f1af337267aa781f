"""How well the boundaries of classes are met, where IoU says little: a wide class may have
a ragged edge and lose nothing.

Two published scores. The boundary F-measure asks which boundary pixels have a counterpart
within a tolerance (Csurka et al. 2013; Perazzi et al. 2016). The boundary IoU is the IoU of
what lies within a distance of the regions' boundaries (Cheng et al. 2021). Here

- tolerance and distance are smaller, for parts of faces: with Perazzi's 0.008 of the
  diagonal an eye can hardly miss, and Cheng's 0.02 swallows eyes, brows and lips whole;
- both are read from counts of pixels summed over the set, as IoU is, where the papers
  average over pictures;
- labels are brought to a longer side of at most `SIDE` first.
"""

from math import ceil, hypot
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from ..taxonomy import IGNORE, Mask
from .confusion import Counts, Floats, Numbers, ratio

TOLERANCE = 0.003  # of the picture's diagonal, rounded up to pixels
DILATION = 0.005  # likewise, rounded
SIDE = 1024  # pixels

# What is counted of a class: boundary pixels predicted, and those of them with a true one
# near; true ones, and those with a predicted one near; pixels near the boundary of either
# region, and of both.
COUNTED = ("claimed", "right", "drawn", "met", "either", "both")

Region = npt.NDArray[np.bool_]


def edge_counts(truth: Mask, predicted: Mask, classes: int) -> Counts:
    """Count one picture, for `boundary_f` and `boundary_iou`.

    Where a region meets 255 it has no boundary that is known, so none there counts; nor
    does, for F, any within the tolerance of 255, since its counterpart may lie inside. The
    picture's border bounds no region for F, and does for boundary IoU, as the authors'
    programs have it.

    Args:
        truth: (H, W) uint8, 0 to `classes` - 1, and 255.
        predicted: (H, W) uint8.

    Returns:
        (classes, 6), in the order of `COUNTED`; pixels of labels brought to `SIDE`.
    """
    truth, predicted = shrunk(truth, SIDE), shrunk(predicted, SIDE)
    unknown = truth == IGNORE
    diagonal = hypot(*truth.shape)
    reach, width = ceil(TOLERANCE * diagonal), max(1, round(DILATION * diagonal))
    aside = within(unknown, reach)
    counts = np.zeros((classes, len(COUNTED)), np.int64)
    for index in range(classes):
        true, claimed = truth == index, (predicted == index) & ~unknown
        window = around(true | claimed, max(reach, width) + 1)
        if window is not None:
            seen = true[window], claimed[window], unknown[window], aside[window]
            counts[index] = _of_region(*seen, reach, width)
    return counts


def _of_region(
    true: Region, claimed: Region, unknown: Region, aside: Region, reach: int, width: int
) -> tuple[int, ...]:
    edges = outline(true, unknown), outline(claimed, unknown)
    drawn, said = (edge & ~aside for edge in edges)
    right, met = said & within(edges[0], reach), drawn & within(edges[1], reach)
    bands = band(true, unknown, width), band(claimed, unknown, width)
    found = said, right, drawn, met, bands[0] | bands[1], bands[0] & bands[1]
    return tuple(int(np.count_nonzero(field)) for field in found)


def boundary_f(counts: Numbers) -> Floats:
    """F of each class: the harmonic mean of the shares of predicted boundary pixels with a
    true one within the tolerance, and of true ones with a predicted one.

    255 as in `edge_counts`. NaN for a class without any boundary in the masks; 0 for one
    whose boundary is never predicted.

    Args:
        counts: (..., 6), added up over pictures.
    """
    claimed, right, drawn, met = (counts[..., i] for i in range(4))
    p, r = np.nan_to_num(ratio(right, claimed)), ratio(met, drawn)
    return np.where(p + r == 0, 0.0, ratio(2 * p * r, p + r))


def boundary_iou(counts: Numbers) -> Floats:
    """IoU of each class near its boundaries: of the pixels of each region that lie within
    `DILATION` of its boundary.

    255 as in `edge_counts`. NaN for a class that is neither in masks nor predicted; 0 for
    one that is predicted but absent.

    Args:
        counts: (..., 6), added up over pictures.
    """
    return ratio(counts[..., 5], counts[..., 4])


# -- regions -------------------------------------------------------------------------------


def outline(region: Region, unknown: Region) -> Region:
    """The pixels of a region with a neighbour (of eight) that is known to be outside."""
    return region & ~_eroded(region | unknown, 1)


def band(region: Region, unknown: Region, width: int) -> Region:
    """The pixels of a region within `width`, in steps to any of eight neighbours, of one
    that is known to be outside; the picture's surroundings are."""
    outside: dict[str, Any] = {"borderType": cv2.BORDER_CONSTANT, "borderValue": 0}
    return region & ~_eroded(region | unknown, width, **outside)


def _eroded(region: Region, width: int, **how: Any) -> Region:
    square = np.ones((2 * width + 1, 2 * width + 1), np.uint8)
    return np.asarray(cv2.erode(region.astype(np.uint8), square, **how)) > 0


def within(region: Region, reach: int) -> Region:
    """The pixels at most `reach` away from the nearest of a region, as the crow flies."""
    if not region.any():
        return np.zeros_like(region)
    far = cv2.distanceTransform((~region).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return np.asarray(far) <= reach + 1e-3  # distances are roots in float32


def around(region: Region, margin: int) -> tuple[slice, slice] | None:
    """The rows and columns of a region, with a margin inside the picture; None if empty."""
    rows, columns = np.flatnonzero(region.any(1)), np.flatnonzero(region.any(0))
    if not len(rows):
        return None
    top, left = max(0, int(rows[0]) - margin), max(0, int(columns[0]) - margin)
    return np.s_[top : int(rows[-1]) + margin + 1, left : int(columns[-1]) + margin + 1]


def shrunk(labels: Mask, side: int) -> Mask:
    """(H, W) -> (h, w), at most `side` either way: of each cell the label in its middle."""
    scale = min(1.0, side / max(labels.shape))
    if scale == 1:
        return labels
    rows, columns = (middles(length, max(1, round(length * scale))) for length in labels.shape)
    return np.ascontiguousarray(labels[rows][:, columns])


def middles(length: int, cells: int) -> npt.NDArray[np.intp]:
    """Which of `length` pixels lie in the middle of each of `cells` equal parts.

    >>> middles(10, 3).tolist()
    [1, 5, 8]
    """
    return ((np.arange(cells) + 0.5) * (length / cells)).astype(np.intp)
