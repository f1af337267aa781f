"""Whether a net is as often right as it is sure: 0.9 should be right nine times in ten."""

from dataclasses import replace

import numpy as np

from ..parsing import Look, Parsing
from ..taxonomy import IGNORE, Mask
from .boundary import middles
from .confusion import Floats, Numbers, ratio

BINS = 15  # equal ones, over the probability of the likeliest class; as in the paper
SIDE = 192  # pixels are sampled on a lattice of at most so many either way


def bins_of(parsing: Parsing, truth: Mask) -> Floats:
    """Count one picture, for `expected_error`.

    Probabilities at every pixel would cost more than all else, so they are asked for at
    the middles of a lattice of at most `SIDE` x `SIDE` cells over the picture; they are
    those that labels come from, faces looked at twice included.

    Args:
        truth: (H, W) uint8 in the parsing's classes; points that fall on 255 do not count.

    Returns:
        (3, BINS): points, the sum of their probabilities, and how many are right. A
        probability on an edge belongs to the bin below it.
    """
    sampled = at_lattice(parsing, SIDE)
    probs = np.stack([sampled.region(name) for name in parsing.taxonomy.names])
    rows, columns = (
        middles(length, cells) for length, cells in zip(parsing.size, sampled.size, strict=True)
    )
    drawn = truth[rows][:, columns]
    known = drawn != IGNORE
    sure, right = probs.max(0)[known], (probs.argmax(0) == drawn)[known]
    at = np.clip(np.ceil(sure * BINS).astype(int) - 1, 0, BINS - 1)
    sums = [np.bincount(at, weights, BINS) for weights in (None, sure, right)]
    return np.array(sums, np.float64)


def at_lattice(parsing: Parsing, side: int) -> Parsing:
    """The same looks over a smaller picture (of nothing): its pixels are samples of the
    probabilities, evenly spread over the true one."""
    height, width = parsing.size
    scale = min(1.0, side / max(height, width))
    small = max(1, round(height * scale)), max(1, round(width * scale))
    y, x = small[0] / height, small[1] / width

    def placed(look: Look) -> Look:
        return replace(
            look,
            left=look.left * x,
            top=look.top * y,
            width=look.width * x,
            height=look.height * y,
        )

    nothing = np.broadcast_to(np.uint8(0), (*small, 3))
    faces = tuple(placed(look) for look in parsing.face_looks)
    return Parsing(nothing, placed(parsing.frame), faces, (), parsing.taxonomy, parsing.model)


def expected_error(bins: Numbers) -> Floats:
    """Expected calibration error: how far the share of right points is from the mean
    probability, over bins, each weighed by its points. 0 is best, 1 worst.

    Every class counts by its points: one that is absent adds none, and 255 was not
    counted. NaN without points.

    Args:
        bins: (..., 3, BINS), added up over pictures.

    Source:
        Naeini et al. 2015; Guo et al. 2017, with its 15 bins.
    """
    points, sure, right = (bins[..., i, :] for i in range(3))
    return ratio(np.abs(right - sure).sum(-1), points.sum(-1))
