import numpy as np
import pytest

from easyportrait.errors import ShapeMismatch
from easyportrait.evaluate.flicker import flicker
from easyportrait.taxonomy import CLASSES
from tests.conftest import face_mask


def test_what_stands_still_does_not_flicker() -> None:
    assert flicker(iter([face_mask()] * 3), CLASSES) == 0
    assert np.isnan(flicker([face_mask()], CLASSES))


def test_it_is_the_mean_over_pairs_of_what_changes() -> None:
    a = np.array([[0, 0, 0, 0]], np.uint8)
    b = np.array([[0, 0, 1, 1]], np.uint8)  # background 2/4, person 0/2
    assert flicker([a, b], CLASSES) == pytest.approx(0.75)
    assert flicker([a, b, b], CLASSES) == pytest.approx(0.375)


def test_more_noise_flickers_more() -> None:
    rng = np.random.default_rng(0)

    def noisy(share: float) -> list[np.ndarray]:
        frames = []
        for _ in range(4):
            mask = face_mask()
            where = rng.random(mask.shape) < share
            frames.append(np.where(where, rng.integers(0, 9, mask.shape), mask).astype(np.uint8))
        return frames

    assert 0 < flicker(noisy(0.01), CLASSES) < flicker(noisy(0.1), CLASSES) < 1


def test_frames_are_of_one_size() -> None:
    with pytest.raises(ShapeMismatch):
        flicker([face_mask(80, 80), face_mask(90, 80)], CLASSES)
