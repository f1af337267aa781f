"""Whiter teeth, measured in CIELAB on a drawn mouth."""

import numpy as np
import pytest

from easyportrait.effects.whiten_teeth import EFFECT

from .mouths import Mouth, far


def test_yellow_goes_out_and_light_comes_in() -> None:
    mouth = Mouth()
    before, after = mouth.lab("teeth"), mouth.lab("teeth", EFFECT(mouth.image, mouth.parsed()))
    change = (after - before).mean(0)
    assert 2 < change[0] < 8  # lighter, no lamp
    assert change[2] < -4 and after[:, 2].mean() > 3  # yellow, but not blue
    assert abs(change[1]) < 2


def test_more_is_more_and_each_step_is_small() -> None:
    mouth = Mouth()
    parsing = mouth.parsed()
    yellow = [
        mouth.lab("teeth", EFFECT(mouth.image, parsing, amount=i / 10))[:, 2].mean()
        for i in range(11)
    ]
    steps = np.diff(yellow)
    assert (steps < 0).all() and steps.min() > 2 * steps.mean()


@pytest.mark.parametrize("part", ["lips", "skin", "inside", "gaps", "gums"])
def test_all_else_stays(part: str) -> None:
    mouth = Mouth()
    after = mouth.lab(part, EFFECT(mouth.image, mouth.parsed(), amount=1))
    assert far(after, mouth.lab(part)).mean() < 1


@pytest.mark.parametrize("cell", [4, 7])
def test_a_coarse_net_does_not_spill_on_lips_and_skin(cell: int) -> None:
    mouth = Mouth()
    out = EFFECT(mouth.image, mouth.parsed(cell), amount=1)
    for part in ("lips", "skin"):
        assert far(mouth.lab(part, out), mouth.lab(part)).max() < 1


def test_braces_stay_metal() -> None:
    mouth = Mouth()
    after = mouth.lab("metal", EFFECT(mouth.image, mouth.parsed(), amount=1))
    assert far(after, mouth.lab("metal")).mean() < 1.5


def test_shading_keeps_its_order_and_most_of_its_range() -> None:
    mouth = Mouth()
    before = mouth.lab("teeth")[:, 0]
    after = mouth.lab("teeth", EFFECT(mouth.image, mouth.parsed(), amount=1))[:, 0]
    assert np.corrcoef(before, after)[0, 1] > 0.99
    assert np.ptp(after) > 0.7 * np.ptp(before)


def test_white_teeth_hardly_change() -> None:
    mouth = Mouth(tooth=(95, 1, 4))
    after = mouth.lab("teeth", EFFECT(mouth.image, mouth.parsed(), amount=1))
    assert far(after, mouth.lab("teeth")).max() < 3 and after[:, 0].max() < 97


def test_teeth_in_the_dark_stay_in_the_dark() -> None:
    dark = Mouth(light=0.5)
    before = dark.lab("teeth")[:, 0].mean()
    after = dark.lab("teeth", EFFECT(dark.image, dark.parsed(), amount=1))[:, 0].mean()
    assert before < 30 and before < after < 1.2 * before


def test_teeth_in_warm_light_stay_warm() -> None:
    """The skin tells the light: all under an orange lamp, teeth become no blue-white."""
    mouth = Mouth(tooth=(75, 16, 34))
    lamp = np.array([1.0, 0.75, 0.45])
    mouth.image = (mouth.image * lamp).astype(np.uint8)
    after = mouth.lab("teeth", EFFECT(mouth.image, mouth.parsed(), amount=1))
    assert 14 < after[:, 2].mean() < mouth.lab("teeth")[:, 2].mean() - 10


def test_a_shut_mouth_stays_bit_for_bit() -> None:
    mouth = Mouth()
    mouth.mask[mouth.mask == 8] = 7
    assert (EFFECT(mouth.image, mouth.parsed()) == mouth.image).all()
