"""Confusion matrices over whole sets, and the scores read from them.

The functions take any number of matrices at once: (..., C, C), true class first.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import ShapeMismatch
from ..taxonomy import IGNORE, Mask, Taxonomy

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]
Numbers = npt.NDArray[Any]


class Confusion:
    """Counts of (true class, predicted class) over every known pixel of a set.

    Pixels whose truth is 255 do not count. A class that is neither in the truth nor in
    the prediction has no score (NaN) and is left out of means; one that is predicted but
    absent scores 0.

    >>> from easyportrait.taxonomy import PORTRAIT_SEGMENTATION
    >>> c = Confusion(PORTRAIT_SEGMENTATION)
    >>> c.add(np.array([0, 0, 1, 255], np.uint8), np.array([0, 1, 1, 0], np.uint8))
    >>> c.iou()
    {'background': 0.5, 'person': 0.5}
    """

    def __init__(self, taxonomy: Taxonomy) -> None:
        self.taxonomy = taxonomy
        self.counts = np.zeros((len(taxonomy), len(taxonomy)), np.int64)

    def add(self, truth: Mask, predicted: Mask) -> None:
        """Count one picture, or a batch of them.

        Raises:
            ShapeMismatch: the two differ in shape, or hold values that are no class.
        """
        self.counts += counted(truth, predicted, self.taxonomy)

    def iou(self) -> dict[str, float]:
        """Intersection over union of each class."""
        return dict(zip(self.taxonomy.names, iou(self.counts).tolist(), strict=True))

    def mean_iou(self, *names: str) -> float:
        """Mean over the named classes, or all; NaN where none of them has a score."""
        scores = self.iou()
        return float(mean(np.array([scores[name] for name in names or self.taxonomy.names])))


def counted(truth: Mask, predicted: Mask, taxonomy: Taxonomy) -> Counts:
    """(C, C) pixels of each (true class, predicted class); those whose truth is 255 are none.

    Raises:
        ShapeMismatch: the two differ in shape, or hold values that are no class.
    """
    if truth.shape != predicted.shape:
        raise ShapeMismatch(f"truth is {truth.shape}, the prediction {predicted.shape}")
    n, known = len(taxonomy), truth != IGNORE
    t, p = truth[known].astype(np.int64), predicted[known].astype(np.int64)
    if t.size and max(t.max(), p.max()) >= n:
        raise ShapeMismatch(
            f"values go to {max(t.max(), p.max())}, but {taxonomy.name!r} has {n} classes"
        )
    return np.bincount(t * n + p, minlength=n * n).reshape(n, n)


def merged(counts: Numbers, table: Mask) -> Numbers:
    """The same pixels in fewer classes.

    Args:
        counts: (..., C, C).
        table: (C,) the new class of each, 0 to D - 1.

    Returns:
        (..., D, D).
    """
    gather = (table[:, None] == np.arange(int(table.max()) + 1)).astype(counts.dtype)
    return gather.T @ counts @ gather


def iou(counts: Numbers) -> Floats:
    """(..., C): intersection over union of each class.

    255 was not counted. NaN for a class that is neither in the truth nor in the
    prediction; 0 for one that is predicted but absent.
    """
    both = _hits(counts)
    return ratio(both, counts.sum(-1) + counts.sum(-2) - both)


def f1(counts: Numbers) -> Floats:
    """(..., C): F1, which for pixels is Dice; 255 and absent classes as with `iou`."""
    return ratio(2 * _hits(counts), counts.sum(-1) + counts.sum(-2))


def precision(counts: Numbers) -> Floats:
    """(..., C): of the pixels predicted as a class, the share that is of it.

    255 was not counted. NaN for a class that is never predicted; 0 for one that is
    predicted but absent.
    """
    return ratio(_hits(counts), counts.sum(-2))


def recall(counts: Numbers) -> Floats:
    """(..., C): of the pixels of a class, the share predicted as it.

    255 was not counted. NaN for a class that is absent.
    """
    return ratio(_hits(counts), counts.sum(-1))


def accuracy(counts: Numbers) -> Floats:
    """(...): the share of pixels that are right. 255 was not counted; NaN without pixels."""
    return ratio(_hits(counts).sum(-1), counts.sum((-2, -1)))


def ratio(part: Numbers, whole: Numbers) -> Floats:
    """Elementwise; NaN where the whole is 0."""
    out = np.full(np.broadcast_shapes(np.shape(part), np.shape(whole)), np.nan)
    return np.divide(part, whole, out=out, where=np.asarray(whole) > 0)


def mean(values: Floats) -> Floats:
    """Over the last axis, of what is not NaN; NaN where all of it is."""
    there = ~np.isnan(values)
    return ratio(np.where(there, values, 0).sum(-1), there.sum(-1))


def _hits(counts: Numbers) -> Numbers:
    return np.diagonal(counts, axis1=-2, axis2=-1)
