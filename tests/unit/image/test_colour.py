import numpy as np
import pytest

from easyportrait.image.colour import add_lab, blend, from_lab, from_linear, to_lab, to_linear


def every_grey_and_more() -> np.ndarray:
    rng = np.random.default_rng(0)
    greys = np.repeat(np.arange(256, dtype=np.uint8)[:, None, None], 3, axis=2)
    return np.concatenate([greys, rng.integers(0, 256, (2000, 1, 3), dtype=np.uint8)])


def test_light_and_back_is_the_same() -> None:
    image = every_grey_and_more()
    light = to_linear(image)
    assert light.dtype == np.float32 and light.min() == 0 and light.max() == 1
    assert (from_linear(light) == image).all()


def test_half_the_light_is_188() -> None:
    """The value that every text on gamma names."""
    assert from_linear(np.array([0.5], np.float32)).tolist() == [188]


def test_lab_of_known_colours() -> None:
    """Values of the CSS Color 4 draft's sample code, for D65."""
    image = np.array([[[255, 255, 255], [0, 0, 0], [255, 0, 0], [0, 0, 255]]], np.uint8)
    expected = [[100, 0, 0], [0, 0, 0], [53.24, 80.09, 67.20], [32.30, 79.19, -107.86]]
    assert np.allclose(to_lab(image)[0], expected, atol=0.6)


def test_lab_and_back_is_the_same_but_for_a_step() -> None:
    image = every_grey_and_more()
    assert np.abs(from_lab(to_lab(image)).astype(int) - image).max() <= 1


def test_nothing_laid_over_is_nothing_changed() -> None:
    under = every_grey_and_more()
    over = under[::-1].copy()
    nothing = np.zeros(under.shape[:2], np.float32)
    assert (blend(under, over, nothing) == under).all()
    assert (blend(under, over, nothing + 1) == over).all()
    half = blend(under, over, nothing + 0.5).astype(int)
    assert half == pytest.approx((under.astype(float) + over) / 2, abs=0.5)


def test_a_shift_in_lab_moves_colours_by_it_and_nothing_by_nothing() -> None:
    image = every_grey_and_more()
    change = np.zeros(image.shape, np.float32)
    assert (add_lab(image, change) == image).all()
    change[..., 0] = 4
    middle = (image > 60).all(-1) & (image < 190).all(-1)
    risen = to_lab(add_lab(image, change))[middle] - to_lab(image)[middle]
    assert risen == pytest.approx(np.tile([4, 0, 0], (len(risen), 1)), abs=1)
