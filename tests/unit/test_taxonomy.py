import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from easyportrait.errors import BadInput, ShapeMismatch
from easyportrait.taxonomy import (
    CLASSES,
    FACE_PARSING,
    IGNORE,
    PORTRAIT_SEGMENTATION,
    SOURCES,
    Label,
    Taxonomy,
    to_task,
)

MASKS = arrays(
    np.uint8,
    st.tuples(st.integers(1, 9), st.integers(1, 9)),
    elements=st.sampled_from([*range(9), IGNORE]),
)


def test_the_nine_classes_are_the_published_ones() -> None:
    published = {
        "background": (0, 0, 0), "person": (223, 87, 188), "skin": (160, 221, 255),
        "left_brow": (130, 106, 237), "right_brow": (200, 121, 255),
        "left_eye": (255, 183, 255), "right_eye": (0, 144, 193),
        "lips": (113, 137, 255), "teeth": (230, 232, 230),
    }  # fmt: skip
    assert {label.name: label.rgb for label in CLASSES.labels} == published
    assert CLASSES.names == tuple(published)


def test_flip_moves_the_pixels_and_swaps_the_sides() -> None:
    row = np.array([[3, 5, 0, 2, 7, 8, 255, 6]], np.uint8)
    assert CLASSES.flip(row).tolist() == [[5, 255, 8, 7, 2, 0, 6, 4]]


@given(MASKS)
def test_flipping_twice_is_nothing(mask: np.ndarray) -> None:
    before = mask.copy()
    assert np.array_equal(CLASSES.flip(CLASSES.flip(mask)), mask)
    assert np.array_equal(mask, before)


@given(MASKS)
def test_flipping_scores_is_flipping_labels(mask: np.ndarray) -> None:
    known = np.where(mask == IGNORE, 0, mask).astype(np.uint8)
    scores = (known == np.arange(9)[:, None, None]).astype(np.float32)
    assert np.array_equal(CLASSES.flip_channels(scores).argmax(0), CLASSES.flip(known))


def test_a_one_way_mirror_is_refused() -> None:
    with pytest.raises(ValueError, match="'a' mirrors 'b', which mirrors None"):
        Taxonomy("bad", (Label("a", (0, 0, 0), mirror="b"), Label("b", (1, 1, 1))))


def test_a_repeated_name_is_refused() -> None:
    with pytest.raises(ValueError, match="repeats"):
        Taxonomy("bad", (Label("a", (0, 0, 0)), Label("a", (1, 1, 1))))


def test_an_unknown_class_names_those_there_are() -> None:
    with pytest.raises(BadInput, match=r"'tooth'.*lips, teeth"):
        CLASSES.index("tooth")


def test_tasks_are_views_with_the_same_colours() -> None:
    assert PORTRAIT_SEGMENTATION.names == ("background", "person")
    assert len(FACE_PARSING) == 8 and "person" not in FACE_PARSING.names
    for task in (PORTRAIT_SEGMENTATION, FACE_PARSING):
        assert all(CLASSES[label.name] is label for label in task.labels)


def test_task_mappings_are_total_and_keep_unknown() -> None:
    mask = np.array([[*range(9), IGNORE]], np.uint8)
    assert to_task("ps")(mask).tolist() == [[0, 1, 1, 1, 1, 1, 1, 1, 1, 255]]
    assert to_task("fp")(mask).tolist() == [[0, 0, 1, 2, 3, 4, 5, 6, 7, 255]]
    assert to_task("joint")(mask).tolist() == mask.tolist()
    with pytest.raises(BadInput, match=r"'face'.*joint, ps, fp"):
        to_task("face")


@pytest.mark.parametrize("name", SOURCES)
def test_a_foreign_mask_becomes_our_classes_or_unknown(name: str) -> None:
    every = np.arange(256, dtype=np.uint8)[None]
    ours = set(SOURCES[name](every).ravel().tolist())
    assert ours <= {*range(9), IGNORE}
    assert SOURCES[name](np.array([[255]], np.uint8)).tolist() == [[IGNORE]]
    with pytest.raises(ShapeMismatch, match="int64"):
        SOURCES[name](np.zeros((2, 2), np.int64))


def test_the_subjects_left_becomes_the_viewers_right() -> None:
    l_eye, r_brow = 4, 7  # CelebAMask-HQ's numbering
    mapped = SOURCES["celebamask-hq"](np.array([[l_eye, r_brow]], np.uint8))
    assert mapped.tolist() == [[CLASSES.index("right_eye"), CLASSES.index("left_brow")]]
    lapa = SOURCES["lapa"](np.array([[2, 5]], np.uint8))  # already the viewer's
    assert lapa.tolist() == [[CLASSES.index("left_brow"), CLASSES.index("right_eye")]]


def test_what_two_classes_cannot_tell_stays_unknown() -> None:
    assert SOURCES["mmseg-ps"](np.array([[0, 1]], np.uint8)).tolist() == [[0, IGNORE]]
    assert SOURCES["mmseg-fp"](np.array([[0, 1, 7]], np.uint8)).tolist() == [[IGNORE, 2, 8]]


def test_the_palette_covers_every_value_a_mask_can_hold() -> None:
    assert CLASSES.colour(np.array([[8, 255]], np.uint8)).tolist() == [
        [[230, 232, 230], [255, 255, 255]]
    ]
