"""Red pupils are found and darkened; whatever else is red stays."""

import numpy as np
import pytest

from easyportrait.effects.remove_red_eye import EFFECT
from tests.unit.effects.eyes import BLUE, BROWN, RED, RED_BROWN, PaintedEye, painted_eye

ORANGE, DEEP = (230, 92, 72), (120, 28, 34)


def fixed(eye: PaintedEye, **knobs: object) -> np.ndarray:
    return EFFECT(eye.image, eye.parsing, **knobs)


@pytest.mark.parametrize("iris", [BROWN, BLUE, RED_BROWN])
@pytest.mark.parametrize("red", [RED, ORANGE, DEEP])
@pytest.mark.parametrize("radius", [5, 14])
def test_a_red_pupil_becomes_dark_and_neutral(radius, red, iris):
    eye = painted_eye(radius, iris=iris, pupil=red, pupil_share=0.55, glint=False)
    inside = (eye.far < 0.4 * radius) & (eye.lids == 1)
    pupil = fixed(eye)[inside].astype(int)
    assert pupil.mean() < 45
    assert np.ptp(pupil, axis=1).mean() < 8


def test_the_iris_and_all_around_stay_bit_for_bit():
    eye = painted_eye(14, iris=BLUE, pupil=RED)
    changed = (fixed(eye) != eye.image).any(-1)
    assert changed.sum() > 0.8 * np.pi * (0.4 * 14) ** 2 * 0.85
    assert not changed[eye.far > 0.6 * 14].any()


def test_the_glint_stays():
    eye = painted_eye(20, pupil=RED, pupil_share=0.6)
    glint = (
        np.hypot(*(np.indices(eye.far.shape) - np.array([eye.y - 5, eye.x + 5])[:, None, None])) < 2
    )
    assert eye.image[glint].min() > 200
    assert (fixed(eye)[glint] == eye.image[glint]).all()


@pytest.mark.parametrize("skin", [(205, 160, 138), (190, 60, 60), (92, 58, 44)])
@pytest.mark.parametrize("iris", [BROWN, RED_BROWN, BLUE, (70, 40, 28)])
@pytest.mark.parametrize("radius", [4, 14])
def test_eyes_without_red_stay_bit_for_bit(radius, iris, skin):
    eye = painted_eye(radius, iris=iris, skin=skin)
    assert (fixed(eye) == eye.image).all()


def test_red_elsewhere_is_none_of_its_business():
    eye = painted_eye(10)
    eye.image[-9:] = (200, 20, 30)  # a shirt, or lips
    eye.image[:4, :30] = (190, 70, 80)
    corner = (eye.lids > 0.9) & (eye.far > 1.5 * 10)
    eye.image[corner] = (190, 70, 72)  # a sore corner of the eye
    assert corner.sum() > 10
    assert (fixed(eye) == eye.image).all()


def test_a_picture_in_red_light_has_no_red_pupils():
    eye = painted_eye(12)
    eye.image[...] = eye.image * np.array([1, 0.25, 0.25])
    assert (fixed(eye) == eye.image).all()


def test_a_little_red_needs_sensitivity():
    eye = painted_eye(12, iris=BLUE, pupil=(70, 36, 40), pupil_share=0.5)
    assert (fixed(eye, sensitivity=0) == eye.image).all()
    assert (fixed(eye, sensitivity=1) != eye.image).any()
