"""The edges of small parts (teeth, lips, an iris), drawn along the edges of the picture.

A net's cell is a few pixels of a large photograph, and a part is a few cells: its outline
is a soft blob. A guided filter (He, Sun & Tang 2013) of that blob, with the picture as its
guide, puts the outline where the colours change; where colours do not tell the part from
what is around it (a lip in shadow, gums), the blob's own middle line is the outline.
"""

import cv2
import numpy as np

from ..image.matte import bands, enlarge, guided_coefficients
from ..parsing import Float, Image, Parsing, Window

# Chosen on the hand-drawn lips of 24 studio portraits, whose cells are 3.7 pixels: pixels on
# the wrong side, as a share of the lips, are 0.20 of the probability as it is, 0.143 of a
# steeper one, 0.136 of this one. Believing all fits gives 0.134, but loses thin upper lips.
REACH = 2.0  # cells around a pixel whose colours it is compared with
SMOOTHNESS = 5e-4  # variance of colours below which the picture says nothing
WELL, BADLY = 0.05, 0.2  # share of the blob's variance that a fit may leave unexplained
STEEPEST = 3.0  # how much steeper an edge becomes

CELL = 4.0  # pixels of a cell where the filter's coefficients are found


def refined(parsing: Parsing, *names: str, within: Window) -> Float:
    """How much each pixel belongs to any of `names`: as `Parsing.region`, with sharp edges.

    Args:
        parsing: whose picture, as it was before any effect, is the guide.
        names: classes of the taxonomy, at least one.
        within: rows and columns of the picture: the part and a little around it, since the
            filter compares colours inside with colours outside.

    Returns:
        (h, w) float32 in [0, 1]. 0 where the net sees 5 % or less, 1 where it is certain.

    Raises:
        BadInput: as `Parsing.region`.
    """
    return sharpened(
        parsing.image[within], parsing.region(*names, within=within), cell_at(parsing, within)
    )


def cell_at(parsing: Parsing, window: Window) -> float:
    """Side of a cell of the finest look at a window's middle, in the picture's pixels."""
    y, x = ((span.start + span.stop) / 2 for span in window)
    cells = [
        look.cell
        for look in parsing.face_looks
        if 0 <= y - look.top <= look.height and 0 <= x - look.left <= look.width
    ]
    return min(cells, default=parsing.frame.cell)


def sharpened(image: Image, coarse: Float, cell: float) -> Float:
    """Draw a part's soft edge along the edges of the picture.

    Args:
        image: (h, w, 3) uint8 RGB.
        coarse: (h, w) float32 in [0, 1].
        cell: how coarse: the side of the net's cells, in the picture's pixels.

    Returns:
        (h, w) float32 in [0, 1], as `refined`.
    """
    height, width = coarse.shape
    scale = min(1.0, CELL / cell)
    small = max(1, round(width * scale)), max(1, round(height * scale))
    guide = cv2.resize(image, small, interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    target = cv2.resize(coarse, small, interpolation=cv2.INTER_AREA)
    reach = max(1, round(REACH * cell * scale))
    slope, offset = guided_coefficients(guide, target, reach, SMOOTHNESS)
    trust = explained(np.einsum("hwc,hwc->hw", slope, guide) + offset, target, reach)
    steep = min(max(cell, 1.0), STEEPEST)  # no edge becomes steeper than a pixel or two

    out = np.empty_like(coarse)
    for rows in bands(height):
        part = coarse[rows]
        a = enlarge(slope, rows, height, width)
        fit = np.einsum("hwc,hwc->hw", a, image[rows].astype(np.float32) / 255)
        fit += enlarge(offset, rows, height, width)
        edge = part + enlarge(trust, rows, height, width) * (fit - part)
        sharp = (edge - 0.5) * steep + 0.5
        out[rows] = np.clip(np.clip(sharp, 1 - 6 * (1 - part), 6 * (part - 0.05)), 0, 1)
    return out


def explained(fit: Float, target: Float, radius: int) -> Float:
    """(h, w) in [0, 1]: how well the fit follows the target around each pixel."""
    size = (2 * radius + 1, 2 * radius + 1)

    def mean(x: Float) -> Float:
        return cv2.blur(x, size, borderType=cv2.BORDER_REFLECT)

    left = mean((fit - target) ** 2) / (mean(target * target) - mean(target) ** 2 + 1e-3)
    return 1 - ramp(left, WELL, BADLY)


def ramp(values: Float, low: float, high: float) -> Float:
    """0 up to `low`, 1 from `high` on, smooth between."""
    t = np.clip((values - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)
