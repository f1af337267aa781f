"""Scores held equal to scikit-learn's on the same pixels."""

import numpy as np
import pytest
from sklearn.metrics import (
    accuracy_score,
    confusion_matrix,
    f1_score,
    jaccard_score,
    precision_score,
    recall_score,
)

from easyportrait.errors import ShapeMismatch
from easyportrait.evaluate.confusion import (
    Confusion,
    accuracy,
    counted,
    f1,
    iou,
    mean,
    merged,
    precision,
    recall,
)
from easyportrait.taxonomy import CLASSES, TASKS, to_task


def pair(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """(4, 20, 30) truth, a tenth of it 255, and a prediction that is mostly right."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 9, (4, 20, 30), np.uint8)
    predicted = np.where(rng.random(truth.shape) < 0.6, truth, rng.integers(0, 9, truth.shape))
    truth[rng.random(truth.shape) < 0.1] = 255
    return truth, predicted.astype(np.uint8)


@pytest.mark.parametrize("seed", range(5))
def test_counts_and_iou_are_scikit_learns(seed: int) -> None:
    truth, predicted = pair(seed)
    ours = Confusion(CLASSES)
    for t, p in zip(truth, predicted, strict=True):
        ours.add(t, p)
    t, p = truth[truth != 255], predicted[truth != 255]
    assert np.array_equal(ours.counts, confusion_matrix(t, p, labels=range(9)))
    theirs = jaccard_score(t, p, labels=range(9), average=None)
    assert np.allclose(list(ours.iou().values()), theirs)
    assert ours.mean_iou() == pytest.approx(theirs.mean())
    assert ours.mean_iou("lips", "teeth") == pytest.approx(theirs[7:].mean())


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [(iou, jaccard_score), (f1, f1_score), (precision, precision_score), (recall, recall_score)],
    ids=lambda f: f.__name__,
)
def test_scores_of_classes_are_scikit_learns(ours, theirs) -> None:  # type: ignore[no-untyped-def]
    truth, predicted = pair(0)
    t, p = truth[truth != 255], predicted[truth != 255]
    counts = counted(truth, predicted, CLASSES)
    expected = theirs(t, p, labels=range(9), average=None)
    assert np.allclose(ours(counts), expected)
    many = np.stack([counts, 3 * counts])[None]
    assert np.allclose(ours(many), np.stack([expected, expected])[None])
    assert accuracy(counts) == pytest.approx(accuracy_score(t, p))


@pytest.mark.parametrize("task", TASKS)
def test_merging_counts_is_counting_merged_masks(task: str) -> None:
    truth, predicted = pair(1)
    table = to_task(task).table
    expected = counted(table[truth], table[predicted], TASKS[task])
    assert np.array_equal(merged(counted(truth, predicted, CLASSES), table[:9]), expected)


def test_an_absent_class_has_no_score_and_an_invented_one_scores_zero() -> None:
    ours = Confusion(CLASSES)
    ours.add(np.array([0, 0, 1, 3], np.uint8), np.array([0, 8, 1, 1], np.uint8))
    scores = ours.iou()
    assert np.isnan(scores["lips"]) and scores["teeth"] == 0
    assert ours.mean_iou() == pytest.approx((0.5 + 0.5 + 0 + 0) / 4)
    assert np.isnan(Confusion(CLASSES).mean_iou())
    teeth, brow = CLASSES.index("teeth"), CLASSES.index("left_brow")
    assert f1(ours.counts)[teeth] == precision(ours.counts)[teeth] == 0
    assert np.isnan(recall(ours.counts)[teeth])
    assert f1(ours.counts)[brow] == recall(ours.counts)[brow] == 0
    assert np.isnan(precision(ours.counts)[brow])
    assert np.isnan(accuracy(np.zeros((2, 2), int)))
    assert np.array_equal(mean(np.array([[1, np.nan, 0], [np.nan] * 3])), [0.5, np.nan], True)


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ShapeMismatch, match=r"\(2,\).*\(3,\)"):
        Confusion(CLASSES).add(np.zeros(2, np.uint8), np.zeros(3, np.uint8))
    with pytest.raises(ShapeMismatch, match="values go to 9"):
        Confusion(CLASSES).add(np.array([9], np.uint8), np.array([0], np.uint8))
