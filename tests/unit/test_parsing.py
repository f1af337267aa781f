import dataclasses

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from easyportrait.errors import BadInput, ShapeMismatch
from easyportrait.parsing import Look, Parsing
from easyportrait.taxonomy import CLASSES, FACE_PARSING


def softmax(x: np.ndarray) -> np.ndarray:
    e = np.exp(x - x.max(0))
    return (e / e.sum(0)).astype(np.float32)


def random_probs(rng: np.random.Generator, h: int, w: int, sharpness: float = 6) -> np.ndarray:
    """Blobs of classes, some sure and some not, as nets answer."""
    return softmax(sharpness * cv2.blur(rng.normal(size=(h, w, 9)), (3, 3)).transpose(2, 0, 1))


def parsing_of(height: int, width: int, frame: Look, *faces: Look) -> Parsing:
    image = np.zeros((height, width, 3), np.uint8)
    return Parsing(image, frame, faces, (), CLASSES, "test 0")


def whole(probs: np.ndarray, height: int, width: int) -> Look:
    return Look(probs, 0, 0, width, height)


def brought_up(parsing: Parsing) -> np.ndarray:
    return np.stack([parsing.region(name) for name in CLASSES.names])


def test_one_look_is_opencvs_linear_resize() -> None:
    probs = random_probs(np.random.default_rng(0), 24, 32)
    parsing = parsing_of(90, 121, whole(probs, 90, 121))
    expected = cv2.resize(probs.transpose(1, 2, 0), (121, 90), interpolation=cv2.INTER_LINEAR)
    assert np.allclose(brought_up(parsing).transpose(1, 2, 0), expected, atol=1e-5)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 1000), st.integers(1, 200), st.integers(1, 200), st.floats(1, 30))
def test_labels_are_the_argmax_of_all_probabilities(
    seed: int, height: int, width: int, sharpness: float
) -> None:
    """The shortcuts in tiles change nothing: with two looks, at any size and place."""
    rng = np.random.default_rng(seed)
    frame = whole(random_probs(rng, 12, 16, sharpness), height, width)
    side = float(rng.uniform(10, 150))
    face = Look(
        random_probs(rng, 20, 20, sharpness),
        rng.uniform(-40, 80),
        rng.uniform(-40, 80),
        side,
        side,
        0.1,
    )
    parsing = parsing_of(height, width, frame, face)
    probs = brought_up(parsing)
    best = probs.max(0)
    chosen = np.take_along_axis(probs, parsing.labels[None].astype(int), 0)[0]
    assert np.allclose(chosen, best, atol=1e-6)


def test_labels_invent_no_class() -> None:
    probs = np.zeros((9, 8, 8), np.float32)
    probs[0, :, :4] = probs[7, :, 4:] = 1
    labels = parsing_of(200, 200, whole(probs, 200, 200)).labels
    assert set(np.unique(labels)) == {0, 7}
    assert labels.dtype == np.uint8 and not labels.flags.writeable


def test_probabilities_sum_to_one_everywhere_under_two_looks() -> None:
    rng = np.random.default_rng(3)
    face = Look(random_probs(rng, 16, 16), 20.5, -10.2, 60, 60, 0.1)
    parsing = parsing_of(100, 120, whole(random_probs(rng, 10, 12), 100, 120), face)
    assert np.allclose(brought_up(parsing).sum(0), 1, atol=1e-5)


def test_a_face_look_decides_inside_and_fades_out_at_its_border() -> None:
    frame, face = np.zeros((9, 8, 8), np.float32), np.zeros((9, 8, 8), np.float32)
    frame[1], face[2] = 1, 1
    parsing = parsing_of(100, 100, whole(frame, 100, 100), Look(face, 20, 20, 60, 60, 0.1))
    skin = parsing.region("skin")
    assert skin[50, 50] == 1 and skin[10, 10] == 0 and skin[50, 85] == 0
    ramp = skin[50, 20:27]
    assert (np.diff(ramp) > 0).all() and ramp[0] < 0.2
    assert np.array_equal(parsing.region("person"), 1 - skin)


def test_region_adds_classes_and_names_unknown_ones() -> None:
    probs = random_probs(np.random.default_rng(1), 8, 8)
    parsing = parsing_of(30, 40, whole(probs, 30, 40))
    both = parsing.region("skin", "lips")
    assert both.shape == (30, 40) and both.dtype == np.float32
    assert np.allclose(both, parsing.region("skin") + parsing.region("lips"), atol=1e-6)
    assert np.array_equal(both, parsing.region("lips", "skin", "lips"))
    with pytest.raises(BadInput, match="'nose'"):
        parsing.region("nose")
    with pytest.raises(BadInput, match="at least one"):
        parsing.region()


def test_it_is_checked_when_made_and_frozen() -> None:
    probs = random_probs(np.random.default_rng(1), 8, 8)
    with pytest.raises(ShapeMismatch, match=r"\(8, h, w\)"):
        Parsing(np.zeros((9, 9, 3), np.uint8), whole(probs, 9, 9), (), (), FACE_PARSING, "test")
    with pytest.raises(ShapeMismatch, match="float32"):
        Parsing(np.zeros((9, 9, 3), np.float32), whole(probs, 9, 9), (), (), CLASSES, "test")
    parsing = parsing_of(9, 9, whole(probs, 9, 9))
    with pytest.raises(dataclasses.FrozenInstanceError):
        parsing.model = "other"  # type: ignore[misc]
    assert repr(parsing) == "<Parsing 9x9, 0 faces, by test 0>"


def test_an_empty_scene_has_no_person_and_no_face() -> None:
    probs = np.full((9, 12, 12), 0.02, np.float32)
    probs[0] = 0.84
    image = np.random.default_rng(0).integers(0, 255, (80, 80, 3), np.uint8)
    parsing = Parsing(image, whole(probs, 80, 80), (), (), CLASSES, "test")
    assert not parsing.person.any()
    assert not parsing.cutout().any()
    assert parsing.faces == () and not parsing.labels.any()


def test_a_model_of_faces_alone_has_no_cutout() -> None:
    probs = np.full((8, 4, 4), 1 / 8, np.float32)
    image = np.zeros((8, 8, 3), np.uint8)
    parsing = Parsing(image, whole(probs, 8, 8), (), (), FACE_PARSING, "fp-net 1")
    with pytest.raises(BadInput, match="fp-net 1 parses faces only"):
        parsing.cutout()


def test_asked_at_fewer_pixels_it_samples_the_same_probabilities() -> None:
    rng = np.random.default_rng(4)
    face = Look(random_probs(rng, 20, 20), 100, 150, 240, 240, 0.1, 0.8)
    parsing = parsing_of(540, 360, whole(random_probs(rng, 18, 12), 540, 360), face)
    sampled = parsing.asked_at(180, 120)
    assert sampled.size == (180, 120) and sampled.labels.shape == (180, 120)
    for name in ("skin", "teeth"):
        middles = parsing.region(name)[1::3, 1::3]  # of 3 x 3 pixels each
        assert np.allclose(sampled.region(name), middles, atol=1e-5)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 1000), st.integers(1, 150), st.integers(1, 150))
def test_windows_hold_all_of_a_region_and_do_not_touch(seed: int, height: int, width: int) -> None:
    rng = np.random.default_rng(seed)
    side = float(rng.uniform(10, 150))
    face = Look(
        random_probs(rng, 20, 20), rng.uniform(-40, 80), rng.uniform(-40, 80), side, side, 0.1
    )
    parsing = parsing_of(height, width, whole(random_probs(rng, 12, 16), height, width), face)
    region = parsing.region("lips", "teeth")
    inside = np.zeros((height, width), int)
    for rows, columns in parsing.windows("lips", "teeth", above=0.3):
        assert 0 <= rows.start < rows.stop <= height and 0 <= columns.start < columns.stop <= width
        inside[max(0, rows.start - 1) : rows.stop, max(0, columns.start - 1) : columns.stop] += 1
        part = parsing.region("lips", "teeth", within=(rows, columns))
        assert np.allclose(part, region[rows, columns], atol=1e-6)
    assert inside.max(initial=0) <= 1
    assert region[inside == 0].max(initial=0) <= 0.3 + 1e-6


def test_windows_of_faces_that_meet_when_widened_are_one() -> None:
    labels = np.zeros((20, 60), np.uint8)
    labels[5:15, 5:15] = labels[5:15, 35:45] = 2
    parsing = parsing_of(20, 60, whole(np.eye(9, dtype=np.float32)[:, labels], 20, 60))
    assert len(parsing.windows("skin")) == 2
    assert len(parsing.windows("skin", margin=1.0)) == 1
    assert parsing.windows("teeth") == []
