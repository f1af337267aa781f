"""Scores held equal to scikit-learn's on the same pixels."""

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix, jaccard_score

from easyportrait.errors import ShapeMismatch
from easyportrait.evaluate.confusion import Confusion
from easyportrait.taxonomy import CLASSES


@pytest.mark.parametrize("seed", range(5))
def test_counts_and_iou_are_scikit_learns(seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 9, (4, 20, 30), np.uint8)
    predicted = np.where(rng.random(truth.shape) < 0.6, truth, rng.integers(0, 9, truth.shape))
    predicted = predicted.astype(np.uint8)
    truth[rng.random(truth.shape) < 0.1] = 255
    ours = Confusion(CLASSES)
    for t, p in zip(truth, predicted, strict=True):
        ours.add(t, p)
    t, p = truth[truth != 255], predicted[truth != 255]
    assert np.array_equal(ours.counts, confusion_matrix(t, p, labels=range(9)))
    theirs = jaccard_score(t, p, labels=range(9), average=None)
    assert np.allclose(list(ours.iou().values()), theirs)
    assert ours.mean_iou() == pytest.approx(theirs.mean())
    assert ours.mean_iou("lips", "teeth") == pytest.approx(theirs[7:].mean())


def test_an_absent_class_has_no_score_and_an_invented_one_scores_zero() -> None:
    ours = Confusion(CLASSES)
    ours.add(np.array([0, 0, 1], np.uint8), np.array([0, 8, 1], np.uint8))
    iou = ours.iou()
    assert np.isnan(iou["lips"]) and iou["teeth"] == 0
    assert ours.mean_iou() == pytest.approx((0.5 + 1 + 0) / 3)
    assert np.isnan(Confusion(CLASSES).mean_iou())


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ShapeMismatch, match=r"\(2,\).*\(3,\)"):
        Confusion(CLASSES).add(np.zeros(2, np.uint8), np.zeros(3, np.uint8))
    with pytest.raises(ShapeMismatch, match="values go to 9"):
        Confusion(CLASSES).add(np.array([9], np.uint8), np.array([0], np.uint8))
