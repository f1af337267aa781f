"""The finder, on painted eyes whose iris is known."""

import numpy as np
import pytest

from easyportrait.effects.iris import eye_width, eyes, find_iris
from easyportrait.parsing import Look, Parsing
from easyportrait.taxonomy import CLASSES
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


def pair(left, right):
    """Two eyes of one face in one picture."""
    image = np.hstack([left.image, right.image])
    looks = [e.parsing.frame.probs for e in (left, right)]
    probs = np.concatenate([looks[0], looks[1][[0, 1, 2, 3, 4, 6, 5, 7, 8]]], axis=2)
    height, width = image.shape[:2]
    return image, Parsing(image, Look(probs, 0, 0, width, height), (), (), CLASSES, "test 0")


def test_an_iris_that_cannot_be_told_alone_is_as_large_as_its_twin():
    """So that no face gets one blue eye."""
    clear, covered = painted_eye(16), painted_eye(16)
    covered.image[:] = np.random.default_rng(0).normal(150, 6, covered.image.shape)
    alone = find_iris(covered.image, covered.region)
    (first, second) = sorted(eyes(*pair(clear, covered)), key=lambda eye: eye.window[1].start)
    assert alone is None and first.iris is not None
    assert second.iris is not None
    assert second.iris.radius == pytest.approx(first.iris.radius, rel=0.1)
    assert abs(second.iris.y + second.window[0].start - covered.y) < 0.5 * covered.radius


def test_a_shut_eye_stays_shut_beside_an_open_one():
    irises = [eye.iris for eye in eyes(*pair(painted_eye(16), painted_eye(16, opening=0.12)))]
    assert sum(iris is not None for iris in irises) == 1
