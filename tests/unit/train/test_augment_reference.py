"""Whole frames, padded and resized; colours changed within what is stated."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from easyportrait.data.portraits import Portrait
from easyportrait.train.augment_reference import framed, recolour, sample
from easyportrait.train.recipe import Recipe, Reference
from tests.conftest import face_mask, painted

STATED = Recipe.load("v1/segformer-b0").augment
assert isinstance(STATED, Reference)
NOTHING = STATED.scaled(0.0)


def drawn(height: int, width: int) -> Portrait:
    mask = face_mask(height, width)
    return Portrait("p", painted(mask, np.random.default_rng(0)), mask)


@pytest.mark.parametrize(("pad", "edge"), [(384, 384), (0, 192), (100, 192)])
def test_the_picture_lies_upper_left_and_the_rest_is_unknown(pad: int, edge: int) -> None:
    scene = framed(drawn(96, 192), 96, pad)
    height, width = 96 * 96 // edge, 192 * 96 // edge
    assert (scene.mask[:height, :width] != 255).all()
    assert (scene.mask[height:] == 255).all() and (scene.mask[:, width:] == 255).all()
    assert not scene.image[height + 1 :].any() and not scene.image[:, width + 1 :].any()


def test_a_picture_is_never_mirrored_turned_or_moved() -> None:
    portrait = drawn(128, 128)
    for seed in range(8):
        scene = sample(np.random.default_rng(seed), portrait, 128, replace(STATED, pad=0))
        assert np.array_equal(scene.mask, portrait.mask)


def test_the_same_chance_gives_the_same_sample_and_the_portrait_stays() -> None:
    portrait = drawn(96, 96)
    before = portrait.image.copy()
    one, two = (sample(np.random.default_rng(3), portrait, 96, STATED) for _ in range(2))
    assert np.array_equal(one.image, two.image)
    assert np.array_equal(portrait.image, before)


def test_no_strength_is_no_change() -> None:
    image = drawn(64, 64).image
    for seed in range(16):
        assert np.array_equal(recolour(np.random.default_rng(seed), image, NOTHING), image)


def extremes(**changes: object) -> tuple[np.ndarray, np.ndarray]:
    """(H, W, 3) the least and the most of every value over many draws of one grey-blue."""
    image = np.full((1, 1, 3), (90, 100, 140), np.uint8)
    how = replace(NOTHING, **changes)
    many = np.stack([recolour(np.random.default_rng(s), image, how) for s in range(400)])
    return many.min(0)[0, 0].astype(int), many.max(0)[0, 0].astype(int)


def test_each_change_stays_within_its_range_and_uses_it() -> None:
    least, most = extremes(brightness=16.0)
    assert np.abs(least - [74, 84, 124]).max() <= 1 and np.abs(most - [106, 116, 156]).max() <= 1
    least, most = extremes(contrast=(0.5, 1.0))
    assert np.abs(least - [45, 50, 70]).max() <= 1 and most.tolist() == [90, 100, 140]
    least, most = extremes(saturation=(0.5, 1.0))
    assert most[2] == 140 and 110 <= most[0] <= 116  # half as colourful, as bright
    assert np.abs(least - [90, 100, 140]).max() <= 2


def test_hue_is_turned_both_ways_by_so_much_of_180() -> None:
    image = np.full((1, 1, 3), (60, 120, 200), np.uint8)
    how = replace(NOTHING, hue=9.0)
    turned = [
        int(
            cv2.cvtColor(recolour(np.random.default_rng(s), image, how), cv2.COLOR_RGB2HSV)[0, 0, 0]
        )
        for s in range(300)
    ]
    middle = int(cv2.cvtColor(image, cv2.COLOR_RGB2HSV)[0, 0, 0])
    assert min(turned) - middle in (-9, -10) and max(turned) - middle in (9, 10)
