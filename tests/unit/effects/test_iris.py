"""The finder, on painted eyes whose iris is known."""

import numpy as np
import pytest

from easyportrait.effects.iris import eye_width, eyes, find_iris
from tests.unit.effects.eyes import BLUE, BROWN, RED, painted_eye

GAZES = [(0, 0), (0.6, 0), (-0.6, 0.1), (0.2, -0.25)]


def off(eye) -> float:
    """The larger error of radius and middle, as a share of the radius."""
    found = find_iris(eye.image, eye.region)
    assert found is not None
    away = np.hypot(found.x - eye.x, found.y - eye.y)
    return max(abs(found.radius - eye.radius), away) / eye.radius


@pytest.mark.parametrize("gaze", GAZES)
@pytest.mark.parametrize("radius", [3, 4.4, 8.3, 20, 60])
def test_it_finds_irises_of_any_size_wherever_they_look(radius, gaze):
    assert off(painted_eye(radius, gaze=gaze)) < 0.08


@pytest.mark.parametrize("opening", [0.85, 0.7, 0.55])
@pytest.mark.parametrize("radius", [6, 18])
def test_lids_may_hide_half_of_it(radius, opening):
    assert off(painted_eye(radius, opening=opening)) < 0.08


@pytest.mark.parametrize(
    "look", [{"iris": BLUE}, {"pupil": RED, "pupil_share": 0.7}, {"light": 0.3}]
)
def test_any_colour_and_light_will_do(look):
    assert off(painted_eye(9, **look)) < 0.08


def test_a_reflection_over_the_rim_does_not_pull_it():
    eye = painted_eye(12)
    eye.image[round(eye.y) - 4 : round(eye.y) + 3, round(eye.x) + 7 : round(eye.x) + 15] = (
        240,
        245,
        255,
    )
    assert off(eye) < 0.08


@pytest.mark.parametrize("share", [0.3, 0.5, 0.65])
def test_it_tells_the_pupil_too(share):
    eye = painted_eye(15, iris=BLUE, pupil_share=share)
    found = find_iris(eye.image, eye.region)
    assert found is not None and found.pupil / eye.radius == pytest.approx(share, abs=0.08)


def test_no_iris_is_none():
    eye = painted_eye(10)
    flat = np.full_like(eye.image, 128)
    noise = np.random.default_rng(0).normal(128, 3, eye.image.shape).astype(np.uint8)
    white = painted_eye(10, iris=(222, 214, 210), pupil=(222, 214, 210), glint=False)
    assert find_iris(flat, eye.region) is None
    assert find_iris(noise, eye.region) is None
    assert find_iris(white.image, white.region) is None
    assert find_iris(eye.image, 0 * eye.region) is None
    assert find_iris(eye.image, 0.4 * eye.region) is None


def test_a_shut_eye_has_none():
    eye = painted_eye(10, opening=0.12)
    open_one = painted_eye(10)
    assert find_iris(eye.image, eye.region) is None
    assert find_iris(eye.image, open_one.region) is None


def test_the_width_of_an_eye_does_not_depend_on_its_tilt():
    eye = painted_eye(12)
    assert eye_width(eye.region) == pytest.approx(eye_width(eye.region.T), rel=0.01)
    assert eye_width(eye.region) == pytest.approx(4.2 * 12, rel=0.15)


def test_what_the_lids_leave_open_follows_the_picture():
    eye = painted_eye(12, iris=BROWN)
    (found,) = eyes(eye.image, eye.parsing)
    lids = eye.lids[found.window]
    coarse = eye.region[found.window]
    assert np.abs(found.open - lids).mean() < np.abs(coarse - lids).mean()
