import numpy as np
import pytest

from easyportrait.effects import EFFECTS
from easyportrait.parsing import Parsing
from tests.unit.effects.scenes import sharp

BLUR = EFFECTS["blur-background"]


def scene(person: tuple[int, int, int] = (255, 0, 0)) -> tuple[np.ndarray, Parsing]:
    """A red square before a wall of grey noise."""
    rng = np.random.default_rng(0)
    image = np.repeat(rng.integers(60, 140, (300, 400, 1), np.uint8), 3, axis=2)
    mask = np.zeros((300, 400), np.uint8)
    mask[80:, 120:280] = 1
    image[mask == 1] = person
    return image, sharp(mask, image)


def test_without_a_person_all_is_blurred() -> None:
    image, _ = scene()
    out = BLUR(image, sharp(np.zeros((300, 400), np.uint8), image))
    wall = np.s_[:70, :]
    assert out[wall].std() < 0.4 * image[wall].std()


def test_nothing_of_the_person_comes_into_the_background() -> None:
    image, parsing = scene()
    behind = parsing.person == 0
    out = BLUR(image, parsing, amount=1.0).astype(int)
    red = out[..., 0] - out[..., 1]
    assert red[behind].max() <= 1
    beside = out[200, 90:118].mean()
    far = out[200, :40].mean()
    assert beside == pytest.approx(far, abs=8)


def test_more_is_blurrier() -> None:
    image, parsing = scene()
    rough = [BLUR(image, parsing, amount=a)[:70].std() for a in (0, 0.02, 0.2, 0.5, 1)]
    assert rough == sorted(rough, reverse=True)


def test_a_larger_picture_looks_the_same() -> None:
    """The radius is a share of the picture, so a print looks like its preview."""
    image, parsing = scene()
    large = image.repeat(2, 0).repeat(2, 1)
    mask = (parsing.person > 0.5).astype(np.uint8).repeat(2, 0).repeat(2, 1)
    small = BLUR(image, parsing)
    shrunk = BLUR(large, sharp(mask, large))[::2, ::2]
    behind = parsing.person == 0
    assert np.abs(small[behind].astype(int) - shrunk[behind]).mean() < 3
