"""One confusion matrix over a whole set, and the scores read from it."""

import numpy as np
import numpy.typing as npt

from ..errors import ShapeMismatch
from ..taxonomy import IGNORE, Taxonomy


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

    def add(self, truth: npt.NDArray[np.uint8], predicted: npt.NDArray[np.uint8]) -> None:
        """Count one picture, or a batch of them.

        Raises:
            ShapeMismatch: the two differ in shape, or hold values that are no class.
        """
        if truth.shape != predicted.shape:
            raise ShapeMismatch(f"truth is {truth.shape}, the prediction {predicted.shape}")
        n, known = len(self.taxonomy), truth != IGNORE
        t, p = truth[known].astype(np.int64), predicted[known].astype(np.int64)
        if t.size and max(t.max(), p.max()) >= n:
            raise ShapeMismatch(
                f"values go to {max(t.max(), p.max())}, but {self.taxonomy.name!r} has {n} classes"
            )
        self.counts += np.bincount(t * n + p, minlength=n * n).reshape(n, n)

    def iou(self) -> dict[str, float]:
        """Intersection over union of each class."""
        both = np.diag(self.counts).astype(float)
        either = self.counts.sum(0) + self.counts.sum(1) - both
        with np.errstate(invalid="ignore", divide="ignore"):
            values = both / either
        return {name: float(v) for name, v in zip(self.taxonomy.names, values, strict=True)}

    def mean_iou(self, *names: str) -> float:
        """Mean over the named classes, or all; NaN where none of them has a score."""
        scores = self.iou()
        values = [scores[name] for name in names or self.taxonomy.names]
        found = [v for v in values if not np.isnan(v)]
        return float(np.mean(found)) if found else float("nan")
