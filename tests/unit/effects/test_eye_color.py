"""The iris changes its colour and nothing else does."""

import numpy as np
import pytest

from easyportrait.effects.eye_color import COLORS, EFFECT
from easyportrait.image.colour import to_lab
from tests.unit.effects.eyes import BLUE, BROWN, PaintedEye, painted_eye

DARK = (52, 34, 26)


def iris_of(eye: PaintedEye) -> np.ndarray:
    return (eye.far > 0.6 * eye.radius) & (eye.far < 0.85 * eye.radius) & (eye.lids == 1)


def coloured(eye: PaintedEye, **knobs: object) -> np.ndarray:
    return EFFECT(eye.image, eye.parsing, **knobs)


def hue(colour: np.ndarray) -> float:
    return float(np.degrees(np.arctan2(colour[2], colour[1])))


@pytest.mark.parametrize("name", ["blue", "green", "violet", "amber"])
@pytest.mark.parametrize("own", [BROWN, BLUE, DARK])
def test_the_iris_takes_the_hue_that_was_asked_for(own, name):
    eye = painted_eye(12, iris=own)
    lab = to_lab(coloured(eye, color=name, amount=1))[iris_of(eye)].mean(0)
    wished = to_lab(np.array([[COLORS[name]]], np.uint8))[0, 0]
    assert abs((hue(lab) - hue(wished) + 180) % 360 - 180) < 15
    assert np.hypot(*lab[1:]) > 0.4 * np.hypot(*wished[1:])


def test_any_css_colour_will_do():
    eye = painted_eye(12)
    lab = to_lab(coloured(eye, color="#c03030", amount=1))[iris_of(eye)].mean(0)
    assert lab[1] > 20


@pytest.mark.parametrize("radius", [6, 14])
def test_pupil_white_lids_and_skin_stay_bit_for_bit(radius):
    eye = painted_eye(radius, iris=BLUE, gaze=(0.3, 0), opening=0.8, glint=False)
    same = (coloured(eye, color="brown", amount=1) == eye.image).all(-1)
    assert same[(eye.far < 0.25 * radius)].all()
    assert same[(eye.far > 1.12 * radius + 0.7)].all()
    assert same[eye.lids == 0].mean() > 0.99
    assert not same[iris_of(eye)].all()


def test_the_glint_stays():
    eye = painted_eye(20, pupil_share=0.2)
    glint = (
        np.hypot(*(np.indices(eye.far.shape) - np.array([eye.y - 5, eye.x + 5])[:, None, None])) < 2
    )
    assert (coloured(eye, amount=1)[glint] == eye.image[glint]).all()


def test_a_window_that_a_dark_iris_mirrors_stays_as_well():
    """Though it covers a quarter of what is tinted, and is no brighter than the skin."""
    eye = painted_eye(20, iris=DARK, glint=False)
    y, x = (np.indices(eye.far.shape)[i] - (eye.y, eye.x)[i] for i in (0, 1))
    window = (abs(x - 11) < 6) & (abs(y) < 10) & (eye.lids == 1)
    eye.image[window] = (150, 150, 152)
    inner = (abs(x - 11) < 5) & (abs(y) < 9) & (eye.far < 17)
    assert (coloured(eye, amount=1)[inner] == eye.image[inner]).all()


def test_texture_and_the_dark_rim_stay():
    eye = painted_eye(20, iris=DARK)
    before, after = (to_lab(image)[..., 0] for image in (eye.image, coloured(eye, amount=1)))
    inside = iris_of(eye)
    assert np.corrcoef(before[inside], after[inside])[0, 1] > 0.6
    rim = (eye.far > 0.93 * 20) & (eye.far < 20) & (eye.lids == 1)
    assert after[rim].mean() < after[inside].mean() - 2


def test_dark_eyes_get_lighter_but_not_light():
    eye = painted_eye(12, iris=DARK)
    before, after = (
        to_lab(i)[iris_of(eye), 0].mean() for i in (eye.image, coloured(eye, amount=1))
    )
    assert before + 5 < after < to_lab(np.array([[COLORS["blue"]]], np.uint8))[0, 0, 0]


def test_in_the_dark_they_do_not_glow():
    eye = painted_eye(12, light=0.25)
    lab = to_lab(coloured(eye, amount=1))
    assert lab[iris_of(eye), 0].mean() < lab[(eye.lids == 1) & (eye.far > 15), 0].mean()
    assert np.hypot(*lab[iris_of(eye), 1:].T).mean() < 15


def test_half_the_amount_is_half_the_way():
    eye = painted_eye(12)
    one, half = (coloured(eye, amount=a).astype(float) - eye.image for a in (1, 0.5))
    assert np.abs(half - one / 2).max() <= 1


def test_an_eye_without_an_iris_stays():
    eye = painted_eye(10, opening=0.1)
    assert (coloured(eye) == eye.image).all()
