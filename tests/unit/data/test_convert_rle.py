import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pycocotools import mask as theirs

from easyportrait.data.convert import polygons, rle
from easyportrait.errors import BadInput
from tests.conftest import face_mask

# pycocotools' own, on NumPy 2
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

BITS = arrays(bool, st.tuples(st.integers(1, 12), st.integers(1, 12)))
CORNER = st.floats(-4, 16, allow_nan=False)
CORNERS = st.lists(st.tuples(CORNER, CORNER), min_size=3, max_size=7)


@given(BITS)
def test_runs_are_those_of_pycocotools(bits: np.ndarray) -> None:
    encoded = theirs.encode(np.asfortranarray(bits.view(np.uint8)))
    counts = rle.runs(bits)
    assert rle.packed(counts) == encoded["counts"].decode()
    assert np.array_equal(rle.unpacked(encoded["counts"].decode()), counts)
    assert np.array_equal(rle.filled(counts, *bits.shape), bits)


@given(st.lists(st.integers(0, 1 << 40), min_size=1, max_size=20))
def test_large_numbers_survive_packing(counts: list[int]) -> None:
    assert rle.unpacked(rle.packed(np.array(counts))).tolist() == counts


@given(CORNERS, st.integers(1, 12), st.integers(1, 12))
def test_polygons_fill_as_those_of_pycocotools(
    corners: list[tuple[float, float]], height: int, width: int
) -> None:
    flat = [n for corner in corners for n in corner]
    encoded = theirs.frPyObjects([flat], height, width)[0]
    ours = polygons.inside(np.array(corners), height, width)
    assert np.array_equal(ours, theirs.decode(encoded).astype(bool))


@given(BITS)
def test_a_polygon_around_pixels_holds_just_these(bits: np.ndarray) -> None:
    found = np.zeros_like(bits)
    for points in polygons.around(bits):
        piece = polygons.inside(points, *bits.shape)
        assert not (piece & found).any()
        found |= piece
    assert np.array_equal(found, bits)


def test_a_face_has_a_polygon_a_piece_also_after_six_decimals() -> None:
    mask = face_mask(1080, 720)
    for value, pieces in ((1, 1), (2, 1), (3, 1), (7, 1), (8, 1)):
        outlines = [np.round(p / (720, 1080), 6) for p in polygons.around(mask == value)]
        assert len(outlines) == pieces
        (points,) = outlines
        assert np.array_equal(polygons.inside(points * (720, 1080), 1080, 720), mask == value)


@pytest.mark.parametrize("text", ["", "P", "~1", "1\u00e9", "1 1", "oooooooooooooo1"])
def test_damaged_text_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="run-length encoding"):
        rle.filled(rle.unpacked(text), 3, 4)


@pytest.mark.parametrize(
    ("segmentation", "message"),
    [
        ({"size": [4, 3], "counts": [12]}, r"of size \[4, 3\], its picture of \[3, 4\]"),
        ({"size": [3, 4], "counts": [11]}, "of 11 pixels cannot be of 3 x 4"),
        ({"size": [3, 4], "counts": [-1, 13]}, "cannot be of 3 x 4"),
        ({"size": [3, 4], "counts": [2**62] * 4 + [12]}, "of 18446744073709551628 pixels cannot"),
        ({"size": [3, 4], "counts": [10**400]}, "are text or integers, got"),
        ({"size": [3, 4], "counts": ["12"]}, "are text or integers, got"),
        ({"size": [3, 4]}, "are text or integers, got None"),
    ],
)
def test_an_encoding_of_something_else_is_refused(segmentation: dict, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        rle.from_segmentation(segmentation, 3, 4)
