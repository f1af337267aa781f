from dataclasses import replace

import numpy as np
import pytest

from easyportrait.data.portraits import Portrait
from easyportrait.taxonomy import CLASSES
from easyportrait.train.augment import (
    Scene,
    occlude,
    other_background,
    put_object,
    relight,
    sample,
    warp_mask,
    wear,
)
from easyportrait.train.recipe import Recipe, Scenes
from tests.conftest import face_mask, painted

HOW = Recipe.load("embedded").augment
KINDS = ("face", "frame", "crowd", "empty")


def only(kind: str, **changes: object) -> Scenes:
    return replace(HOW, **({k: float(k == kind) for k in KINDS} | changes))


def drawn(seed: int = 0) -> Portrait:
    rng = np.random.default_rng(seed)
    mask = face_mask(200, 160)
    return Portrait("p", painted(mask, rng), mask)


def one(kind: str, seed: int, **changes: object) -> Scene:
    rng = np.random.default_rng(seed)
    return sample(rng, drawn, 96, only(kind, **changes))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(6))
def test_every_kind_of_sample_is_a_picture_and_its_mask(kind: str, seed: int) -> None:
    scene = one(kind, seed)
    assert scene.image.shape == (96, 96, 3) and scene.image.dtype == np.uint8
    assert scene.mask.shape == (96, 96) and scene.mask.dtype == np.uint8
    assert set(np.unique(scene.mask)) <= {*range(9), 255}
    again = one(kind, seed)
    assert np.array_equal(scene.image, again.image) and np.array_equal(scene.mask, again.mask)


def test_an_empty_scene_has_nobody_and_a_crowd_has_several() -> None:
    assert not any(
        np.isin(one("empty", seed, occlude=0.0).mask, range(1, 9)).any() for seed in range(5)
    )
    import cv2

    counts = [
        cv2.connectedComponents(
            np.isin(one("crowd", s, occlude=0.0).mask, range(2, 9)).astype(np.uint8)
        )[0]
        - 1
        for s in range(8)
    ]
    assert max(counts) >= 2


def test_left_stays_the_viewers_left_through_every_mirror() -> None:
    """In upright samples, mirrored or not, the left eye lies left of the right eye."""
    seen = 0
    for seed in range(30):
        mask = one("face", seed, occlude=0.0, turn=5.0).mask
        left, right = np.nonzero(mask == 5)[1], np.nonzero(mask == 6)[1]
        if len(left) and len(right):
            seen += 1
            assert left.mean() < right.mean()
    assert seen > 10


def test_picture_and_mask_move_together() -> None:
    """A picture painted in its classes' colours still agrees with its mask when moved."""
    mask = face_mask(200, 160)
    portrait = Portrait("p", CLASSES.colour(mask), mask)
    still = only("frame", new_background=0.0, objects=0.0, occlude=0.0, grey=0.0, saturation=0.0,
                 white_balance=0.0, warm=0.0, gamma=0.0, gain=0.0, contrast=0.0, dark=0.0,
                 side_light=0.0, shrink=0.0, blur=0.0, noise=0.0, jpeg=0.0)  # fmt: skip
    for seed in range(6):
        scene = sample(np.random.default_rng(seed), lambda: portrait, 128, still)
        person = np.isin(scene.mask, range(1, 9))
        twin = CLASSES.colour(CLASSES.mirror_table[scene.mask])
        near = [
            np.abs(scene.image.astype(int) - c).max(2) < 60
            for c in (CLASSES.colour(scene.mask).astype(int), twin.astype(int))
        ]
        assert (near[0] | near[1])[person].mean() > 0.85


def test_another_background_keeps_the_person_and_the_doubt() -> None:
    portrait = drawn()
    mask = portrait.mask.copy()
    mask[:10] = 255
    portrait = Portrait("p", portrait.image, mask)
    changed = other_background(np.random.default_rng(5), portrait, drawn)
    inside = np.zeros(mask.shape, bool)
    inside[90:110, 70:90] = True
    assert np.abs(changed.image[inside].astype(int) - portrait.image[inside]).max() <= 1
    assert np.abs(changed.image[:4].astype(int) - portrait.image[:4]).mean() < 12
    corner = np.s_[100:130, :10]
    assert np.abs(changed.image[corner].astype(int) - portrait.image[corner]).mean() > 5
    assert changed.mask is mask


def test_what_hides_a_person_is_theirs_and_what_hides_the_wall_is_unknown() -> None:
    mask = face_mask()
    scene = Scene(painted(mask, np.random.default_rng(0)), mask)
    for seed in range(8):
        after = occlude(np.random.default_rng(seed), scene, drawn).mask
        changed = after != mask
        assert set(np.unique(after[changed])) <= {1, 255}
        assert (mask[changed & (after == 255)] == 0).all()


def test_things_in_the_background_leave_everybody_alone() -> None:
    mask = face_mask()
    scene = Scene(painted(mask, np.random.default_rng(0)), mask)
    moved = 0
    for seed in range(10):
        after = put_object(np.random.default_rng(seed), scene, drawn)
        assert after.mask is mask
        assert np.abs(after.image.astype(int) - scene.image)[mask > 0].max() <= 1
        moved += int((np.abs(after.image.astype(int) - scene.image) > 20).any())
    assert moved > 5


def test_light_and_wear_leave_their_argument_alone() -> None:
    image = drawn().image[:160]
    before = image.copy()
    for seed in range(10):
        for step in (relight, wear):
            out = step(np.random.default_rng(seed), image, HOW)
            assert out.shape == image.shape and out.dtype == np.uint8
    assert np.array_equal(image, before)


def test_eyes_and_lips_drawn_half_a_pixel_off_are_taken_from_where_they_belong() -> None:
    mask = np.full((40, 40), 2, np.uint8)
    mask[10:14, 10:18], mask[25:29, 12:28], mask[5:8, 10:18] = 5, 7, 3
    twice = np.array([[2, 0, 0.5], [0, 2, 0.5]], np.float32)  # pixel middles stay in place
    image = np.zeros((40, 40, 3), np.uint8)
    plain, moved = (
        warp_mask(Portrait("p", image, mask, drawn_off=off), twice, 80, 0) for off in (0.0, 0.5)
    )
    for part in (5, 7):
        assert np.array_equal(moved[:-1, :-1] == part, plain[1:, 1:] == part)
    assert np.array_equal(moved == 3, plain == 3)
