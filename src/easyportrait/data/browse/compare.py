"""A model's prediction beside a mask, in the nine classes of masks."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ...errors import ShapeMismatch
from ...image.io import Image
from ...taxonomy import CLASSES, IGNORE, TASKS, Mask, to_task


@dataclass(frozen=True)
class Model:
    """What is compared with the masks.

    Attributes:
        name: of the model, for people.
        key: under which its answers are kept; another whenever they may differ.
        task: of `taxonomy.TASKS`.
        predict: (H, W, 3) uint8 -> (H, W) uint8 in the task's own numbers. Called by
            several threads at once.
    """

    name: str
    key: str
    task: str
    predict: Callable[[Image], Mask]

    @cached_property
    def _to_classes(self) -> Mask:
        """(256,): from the task's numbers to the nine."""
        table = np.full(256, IGNORE, np.uint8)
        names = TASKS[self.task].names
        table[: len(names)] = [CLASSES.index(name) for name in names]
        return table

    def labels(self, image: Image) -> Mask:
        """What the model says, (H, W) uint8 in the nine numbers."""
        return self._to_classes[self.predict(image)]

    def tell(self, mask: Mask) -> Mask:
        """A mask as far as this model can tell: one of person and background knows no skin.

        >>> Model("", "", "ps", np.zeros_like).tell(np.array([[0, 2, 8, 255]], np.uint8)).tolist()
        [[0, 1, 1, 255]]
        """
        return self._to_classes[to_task(self.task)(mask)]


def agreement(truth: Mask, predicted: Mask) -> list[float]:
    """IoU of two masks of one picture: first the mean, then each of the nine classes.

    Where the truth is 255 neither counts. A class that is in neither has no score (NaN) and
    is left out of the mean, which is NaN if nothing counts at all.

    Args:
        truth: (H, W) uint8, 0..8 and 255.
        predicted: (H, W) uint8, 0..8.

    Raises:
        ShapeMismatch: they differ in size.
    """
    if truth.shape != predicted.shape:
        raise ShapeMismatch(f"the mask is {truth.shape}, the prediction {predicted.shape}")
    known = truth != IGNORE
    t, p = truth[known], predicted[known]
    n = len(CLASSES)
    both = np.bincount(t[t == p], minlength=n)[:n].astype(float)
    either = np.bincount(t, minlength=n)[:n] + np.bincount(p, minlength=n)[:n] - both
    scores = np.full(n, np.nan)
    np.divide(both, either, out=scores, where=either > 0)
    seen = scores[~np.isnan(scores)]
    return [float(seen.mean()) if seen.size else float("nan"), *map(float, scores)]
