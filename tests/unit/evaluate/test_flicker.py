import numpy as np
import pytest

from easyportrait.errors import ShapeMismatch
from easyportrait.evaluate.flicker import flicker, unrest
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


def test_only_still_pixels_are_compared() -> None:
    """A square that moves and a border that trembles: the border alone counts."""
    frames = []
    for at in range(6):
        image, labels = np.full((60, 100, 3), 80, np.uint8), np.zeros((60, 100), np.uint8)
        image[5:25, 5 + 10 * at : 25 + 10 * at] = 200
        labels[5:25, 5 + 10 * at : 25 + 10 * at] = 1  # follows it
        labels[50 : 52 + at % 2, 50:60] = 2  # ten pixels that come and go
        frames.append((image, labels, (labels > 0).astype(np.float32) / 2))
    found = unrest(iter(frames))
    still = found.still * 60 * 100
    assert 0.6 < found.still < 0.95
    assert found.labels * still == pytest.approx(10)
    assert found.person * still == pytest.approx(5)


def test_where_nothing_is_still_there_is_no_flicker_to_speak_of() -> None:
    rng = np.random.default_rng(0)
    shape = 40, 40, 3
    frames = [
        (
            rng.choice([0, 255], shape).astype(np.uint8) // (i + 1),
            face_mask(40, 40),
            np.zeros((40, 40), np.float32),
        )
        for i in range(2)
    ]
    assert np.isnan(unrest(frames).labels) and unrest(frames).still == 0
    assert np.isnan(unrest(frames[:1]).still)
