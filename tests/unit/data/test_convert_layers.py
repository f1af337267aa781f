import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from easyportrait.data.convert import polygons
from easyportrait.data.convert.layers import (
    GOES_UNDER,
    PRECEDENCE,
    RANKS,
    Patch,
    Shape,
    checked,
    ellipse,
    outlines,
    painted,
    patches,
    rectangle,
    turned,
    value_of_name,
)
from easyportrait.errors import BadInput
from easyportrait.taxonomy import CLASSES, IGNORE
from tests.conftest import face_mask

MASKS = arrays(
    np.uint8,
    st.tuples(st.integers(1, 12), st.integers(1, 12)),
    elements=st.sampled_from([*range(9), 255]),
)
CORNER = st.floats(-4, 16, allow_nan=False)
CORNERS = st.lists(st.tuples(CORNER, CORNER), min_size=3, max_size=7)


def square(value: int, left: int, top: int, right: int, bottom: int, level: int = 0) -> Shape:
    return Shape(value, rectangle(left, top, right, bottom), level)


def test_every_class_has_its_place_and_what_goes_under_is_lower() -> None:
    assert {*PRECEDENCE} == {*CLASSES.names, "unknown"}
    for low, above in GOES_UNDER.items():
        assert all(RANKS[value_of_name(low)] < RANKS[value_of_name(name)] for name in above)


def test_the_higher_class_wins_in_whatever_order_they_were_drawn() -> None:
    nested = [square(v, i, i, 14 - i, 14 - i) for i, v in enumerate((1, 2, 7, 8, 255))]
    for shapes in (nested, nested[::-1]):
        mask = painted(shapes, (14, 14), 0)
        assert mask[7, :8].tolist() == [1, 2, 7, 8, 255, 255, 255, 255]


def test_a_higher_level_wins_whatever_it_is_and_the_class_decides_within_one() -> None:
    hair = square(1, 0, 0, 6, 3, level=1)
    mask = painted([hair, square(2, 0, 0, 6, 6), square(1, 0, 0, 6, 6)], (6, 6), 0)
    assert (mask[:3] == 1).all() and (mask[3:] == 2).all()


def test_the_later_one_wins_on_request_but_not_over_a_level() -> None:
    shapes = [square(2, 0, 0, 6, 6), square(1, 0, 0, 3, 6), square(8, 5, 0, 6, 6, level=-1)]
    mask = painted(shapes, (6, 6), 0, later_wins=True)
    assert (mask[:, :3] == 1).all() and (mask[:, 3:] == 2).all()


def test_pixels_and_polygons_lie_where_they_should_and_the_rest_is_uncovered() -> None:
    patch = Patch(np.array([[1, 0], [1, 1]], bool), left=3, top=2)
    mask = painted([Shape(4, patch), square(1, 0, 0, 2, 1)], (5, 6), 255)
    expected = np.full((5, 6), 255)
    expected[2:4, 3], expected[3, 4], expected[0, :2] = 4, 4, 1
    assert np.array_equal(mask, expected)


@pytest.mark.parametrize(("left", "top"), [(-1, 0), (0, -1), (4, 0), (0, 4)])
def test_pixels_outside_the_picture_are_refused(left: int, top: int) -> None:
    with pytest.raises(BadInput, match=rf"2 x 2 pixels at {left}, {top} lies outside .* 5 x 5"):
        painted([Shape(1, Patch(np.ones((2, 2), bool), left, top))], (5, 5), 0)


@pytest.mark.parametrize(
    "points", [[], [[1, 2], [3, 4]], [[1, 2], [3, 4], [5, np.nan]], "x", [[1]]]
)
def test_what_is_no_polygon_is_refused(points: object) -> None:
    with pytest.raises(BadInput, match="three points or more"):
        checked(points)


@settings(deadline=None)
@given(CORNERS, st.integers(1, 12), st.integers(1, 12))
def test_filling_looks_at_a_part_and_finds_the_same(
    corners: list[tuple[float, float]], height: int, width: int
) -> None:
    mask = np.zeros((height, width), np.uint8)
    polygons.fill(mask, np.array(corners), 7)
    assert np.array_equal(mask == 7, polygons.inside(np.array(corners), height, width))


@settings(deadline=None)
@given(MASKS)
def test_a_mask_taken_apart_is_put_together_again(mask: np.ndarray) -> None:
    lines = [Shape(value, points) for value, points in outlines(mask)]
    pixels = [Shape(value, patch) for value, patch in patches(mask)]
    for shapes in (lines, lines[::-1], pixels, pixels[::-1]):
        assert np.array_equal(painted(shapes, mask.shape, 0), mask)
    assert np.array_equal(painted(lines, mask.shape, 0, later_wins=True), mask)


def test_outlines_go_on_under_what_lies_over_them() -> None:
    mask = face_mask(480, 480)
    found = {CLASSES.names[value]: points for value, points in outlines(mask)}
    area = {name: polygons.inside(points, 480, 480).sum() for name, points in found.items()}
    assert len(found) == 8
    assert area["person"] == (mask > 0).sum() and area["skin"] == (mask > 1).sum()
    assert area["lips"] == (mask >= 7).sum() and area["left_eye"] == (mask == 5).sum()


def test_what_is_not_known_lies_under_nothing() -> None:
    mask = face_mask(160, 160)
    mask[:, 80:] = 255
    found = [(value, points) for value, points in outlines(mask) if value in (2, IGNORE)]
    skin, unknown = (polygons.inside(points, 160, 160).sum() for _, points in found)
    assert unknown == (mask == 255).sum() and skin == ((mask > 1) & (mask < 255)).sum()


def test_simplified_outlines_have_few_points_and_hardly_move() -> None:
    mask = face_mask(480, 480)
    mask[0, 0] = mask[200, 240] = 1  # a speck, and a hole that is one
    exact, simple = [*outlines(mask)], [*outlines(mask, 1.0)]
    assert sum(len(p) for _, p in simple) < 0.4 * sum(len(p) for _, p in exact)
    assert len(exact) == len(simple) + 1
    found = painted([Shape(v, p) for v, p in simple], mask.shape, 0)
    for value in range(9):
        there, known = found == value, mask == value
        assert (there & known).sum() / (there | known).sum() > 0.95, CLASSES.names[value]


def test_no_gap_opens_where_simplified_outlines_meet() -> None:
    mask = face_mask(300, 300)
    figure = cv2.erode((mask > 0).view(np.uint8), np.ones((7, 7), np.uint8)) > 0
    found = painted([Shape(v, p) for v, p in outlines(mask, 2.0)], mask.shape, 0)
    assert (found[figure] > 0).all()


def test_an_ellipse_is_round_and_a_turn_is_clockwise() -> None:
    disc = polygons.inside(ellipse(20, 20, 15, 15), 40, 40)
    assert disc.sum() == pytest.approx(np.pi * 15**2, rel=0.01)
    tall = turned(ellipse(20, 20, 15, 5), (20, 20), 90)
    assert np.ptp(tall[:, 0]) == pytest.approx(10, abs=0.2)
    assert np.allclose(turned(np.array([[1.0, 0.0]]), (0, 0), 90), [[0, 1]])  # right, then down
