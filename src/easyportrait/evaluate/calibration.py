"""Whether a net is as often right as it is sure: 0.9 should be right nine times in ten."""

import numpy as np

from ..parsing import Parsing
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
    scale = min(1.0, SIDE / max(parsing.size))
    sampled = parsing.asked_at(*(max(1, round(length * scale)) for length in parsing.size))
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
