import numpy as np
import pytest
from scipy.ndimage import convolve

from easyportrait.evaluate import matte
from easyportrait.evaluate.matte import gradient_error, mad, matte_errors, mse, sad, steepness


def square(side: int = 60) -> np.ndarray:
    mask = np.zeros((side, side), np.uint8)
    mask[15:45, 20:40] = 1
    return mask


def test_a_person_that_is_the_mask_costs_nothing() -> None:
    mask = np.where(square() > 0, 5, 0).astype(np.uint8)  # any class is a person
    errors = matte_errors(square().astype(np.float32), mask)
    assert [score(errors) for score in (sad, mad, mse, gradient_error)] == [0, 0, 0, 0]


def test_differences_are_added_up() -> None:
    off = np.abs(square() - np.float32(0.25))  # by a quarter everywhere
    errors = matte_errors(off, square())
    assert sad(errors) == pytest.approx(3600 * 0.25 / 1000)
    assert mad(errors) == pytest.approx(0.25) and mse(errors) == pytest.approx(0.0625)
    two = errors + matte_errors(square().astype(np.float32), square())
    assert sad(two) == pytest.approx(0.45) and mad(two) == pytest.approx(0.125)


def test_gradients_are_the_papers() -> None:
    """Against a plain convolution with the kernel of Rhemann et al."""
    soft = np.random.default_rng(0).random((40, 50)).astype(np.float32)
    x = np.arange(-4, 5)
    bell = np.exp(-(x**2) / (2 * 1.4**2)) / (1.4 * np.sqrt(2 * np.pi))
    kernel = np.outer(bell, -x * bell / 1.4**2)
    kernel /= np.sqrt((np.abs(kernel) ** 2).sum())
    across, down = (convolve(soft, k, mode="nearest") for k in (kernel, kernel.T))
    assert np.allclose(steepness(soft), np.hypot(across, down), atol=1e-5)
    hard = (soft > 0.5).astype(np.uint8)
    expected = ((steepness(soft) - steepness(hard.astype(np.float32))) ** 2).sum() / 1000
    assert gradient_error(matte_errors(soft, hard)) == pytest.approx(expected, rel=1e-5)


def test_255_does_not_count() -> None:
    mask = square()
    mask[:, 30:] = 255
    person = np.where(mask == 255, 1, mask).astype(np.float32)
    errors = matte_errors(person, mask)
    assert sad(errors) == mse(errors) == gradient_error(errors) == 0
    assert errors[1] == 30 * 60
    nothing = matte_errors(person, np.full_like(mask, 255))
    assert nothing.sum() == 0 and np.isnan(sad(nothing)) and np.isnan(mad(nothing))


def test_an_empty_scene_counts() -> None:
    empty = np.zeros((20, 20), np.uint8)
    assert sad(matte_errors(np.full((20, 20), 0.5, np.float32), empty)) == pytest.approx(0.2)


def test_large_pictures_have_their_gradients_taken_small(monkeypatch: pytest.MonkeyPatch) -> None:
    mask, person = square(), np.roll(square(), 2, 0).astype(np.float32)
    large = [np.repeat(np.repeat(a, 4, 0), 4, 1) for a in (person, mask)]
    monkeypatch.setattr(matte, "SIDE", 60)
    assert gradient_error(matte_errors(*large)) == pytest.approx(
        gradient_error(matte_errors(person, mask)), rel=1e-5
    )
    assert sad(matte_errors(*large)) == pytest.approx(16 * sad(matte_errors(person, mask)))
