"""Counts of boundaries held equal to slow ones, written from the papers."""

from math import ceil, hypot

import cv2
import numpy as np
import pytest

from easyportrait.evaluate import boundary
from easyportrait.evaluate.boundary import (
    DILATION,
    TOLERANCE,
    boundary_f,
    boundary_iou,
    edge_counts,
    shrunk,
)
from tests.conftest import face_mask


def disc(radius: int, x: int = 100, side: int = 200, value: int = 1) -> np.ndarray:
    mask = np.zeros((side, side), np.uint8)
    cv2.circle(mask, (x, side // 2), radius, value, -1)
    return mask


def naive_f(truth: np.ndarray, predicted: np.ndarray, reach: float) -> float:
    """F of two regions without 255: each boundary pixel against each other."""

    def points(region: np.ndarray) -> np.ndarray:
        padded = np.pad(region, 1, "edge")
        height, width = region.shape
        around = [padded[y : y + height, x : x + width] for y in range(3) for x in range(3)]
        return np.argwhere(region & ~np.logical_and.reduce(around))

    t, p = points(truth), points(predicted)
    far = np.hypot(*(t[:, None] - p[None]).transpose(2, 0, 1))
    precision, recall = (far.min(0) <= reach).mean(), (far.min(1) <= reach).mean()
    return 2 * precision * recall / (precision + recall)


def naive_iou(truth: np.ndarray, predicted: np.ndarray, width: int) -> float:
    """Eroded a step at a time in a border of nothing, as in the paper's appendix."""

    def near_boundary(region: np.ndarray) -> np.ndarray:
        padded = np.pad(region, 1).astype(np.uint8)
        return region & (cv2.erode(padded, np.ones((3, 3)), iterations=width)[1:-1, 1:-1] == 0)

    t, p = near_boundary(truth), near_boundary(predicted)
    return float((t & p).sum() / (t | p).sum())


@pytest.mark.parametrize("seed", range(3))
def test_counts_are_those_of_the_definitions(seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth = face_mask(360, 300)
    moved = np.float32([[1, 0, rng.uniform(-4, 4)], [0.02, 1, rng.uniform(-4, 4)]])
    predicted = cv2.warpAffine(truth, moved, (300, 360), flags=cv2.INTER_NEAREST)
    counts = edge_counts(truth, predicted, 9)
    diagonal = hypot(360, 300)
    reach, width = ceil(TOLERANCE * diagonal), round(DILATION * diagonal)
    assert (reach, width) == (2, 2)
    for index in range(9):
        t, p = truth == index, predicted == index
        assert boundary_f(counts)[index] == pytest.approx(naive_f(t, p, reach))
        assert boundary_iou(counts)[index] == pytest.approx(naive_iou(t, p, width))


def test_a_boundary_is_met_within_the_tolerance_and_not_beyond() -> None:
    truth = disc(50, 400, 800)
    assert ceil(TOLERANCE * hypot(800, 800)) == 4
    assert boundary_f(edge_counts(truth, truth, 2))[1] == 1
    assert boundary_iou(edge_counts(truth, truth, 2))[1] == 1
    assert boundary_f(edge_counts(truth, disc(53, 400, 800), 2))[1] == 1
    assert boundary_f(edge_counts(truth, disc(57, 400, 800), 2))[1] == 0


def test_boundary_iou_sees_what_iou_does_not() -> None:
    small, large = (edge_counts(disc(r, 400, 800), disc(r + 3, 400, 800), 2) for r in (30, 300))
    assert boundary_iou(large)[1] == pytest.approx(boundary_iou(small)[1], abs=0.1)
    assert boundary_iou(large)[1] < 0.5


def test_no_boundary_counts_where_255_hides_it() -> None:
    truth = disc(60, value=1)
    truth[:, 100:] = 255
    wild = truth.copy()
    wild[wild == 255] = 1
    wild[90:110, 150:] = 0
    counts = edge_counts(truth, wild, 2)
    assert boundary_f(counts)[1] == 1 and boundary_iou(counts)[1] == 1


def test_a_boundary_beside_255_may_have_its_counterpart_inside() -> None:
    truth = np.zeros((200, 200), np.uint8)
    truth[:, :80], truth[:, 80:100] = 1, 255
    assert ceil(TOLERANCE * hypot(200, 200)) == 1
    columns = np.broadcast_to(np.arange(200), truth.shape)
    for stop, claimed in ((101, 0), (102, 200)):  # it ends 1 and 2 pixels from 255
        counts = edge_counts(truth, (columns < stop).astype(np.uint8), 2)
        assert counts[1, 0] == claimed and counts[1, 1] == 0


def test_a_class_absent_invented_or_missed() -> None:
    nothing, something = np.zeros((40, 40), np.uint8), disc(8, 20, 40)
    absent = edge_counts(nothing, nothing, 2)
    assert np.isnan(boundary_f(absent)[1]) and np.isnan(boundary_iou(absent)[1])
    invented = edge_counts(nothing, something, 2)
    assert np.isnan(boundary_f(invented)[1]) and boundary_iou(invented)[1] == 0
    missed = edge_counts(something, nothing, 2)
    assert boundary_f(missed)[1] == 0 and boundary_iou(missed)[1] == 0
    assert edge_counts(np.full((9, 9), 255, np.uint8), np.ones((9, 9), np.uint8), 2).sum() == 0


def test_large_pictures_are_looked_at_small(monkeypatch: pytest.MonkeyPatch) -> None:
    truth, predicted = disc(40), disc(42)
    large = [np.repeat(np.repeat(mask, 3, 0), 3, 1) for mask in (truth, predicted)]
    monkeypatch.setattr(boundary, "SIDE", 200)
    assert np.array_equal(edge_counts(*large, 2), edge_counts(truth, predicted, 2))
    assert shrunk(large[0][:10], 200).shape == (3, 200) and shrunk(truth, 200) is truth
