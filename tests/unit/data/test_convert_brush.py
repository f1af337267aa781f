import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from easyportrait.data.convert import brush
from easyportrait.errors import BadInput

BITS = arrays(bool, st.tuples(st.integers(1, 12), st.integers(1, 12)))

# What label-studio-sdk 2.1.2 (converter.brush.encode_rle) writes: runs of one value, ...
THEIRS = [
    0, 0, 0, 120, 57, 27, 254, 27, 0, 183, 255, 56, 5, 191, 249, 192, 45, 255, 198, 1, 31, 254,
    31, 0, 0,
]  # fmt: skip
DRAWN = np.zeros((6, 5), bool)
DRAWN[1:4, 2:] = DRAWN[4, 1] = True

# ... and of brushes with soft edges, where hardly a value repeats
SOFT = [[91, 15, 110, 96], [102, 248, 130, 221], [54, 131, 140, 103]]
THEIRS_SOFT = [
    0, 0, 0, 48, 57, 27, 252, 107, 113, 135, 198, 221, 27, 4, 108, 209, 252, 71, 5, 30, 236, 102,
    209, 193, 199, 25, 27, 56,
]  # fmt: skip


@settings(deadline=None)
@given(BITS)
def test_there_and_back(bits: np.ndarray) -> None:
    data = brush.packed(bits)
    assert all(0 <= byte <= 255 for byte in data)
    assert np.array_equal(brush.unpacked(data, *bits.shape), bits)


def test_what_label_studio_wrote_is_read() -> None:
    assert np.array_equal(brush.unpacked(THEIRS, 6, 5), DRAWN)
    assert np.array_equal(brush.unpacked(THEIRS_SOFT, 3, 4), np.array(SOFT) >= 128)


def test_a_few_bytes_tell_a_simple_picture_however_large() -> None:
    bits = np.zeros((1080, 1920), bool)
    bits[300:800, 500:1400] = True
    data = brush.packed(bits)
    assert len(data) < 4000
    assert np.array_equal(brush.unpacked(data, 1080, 1920), bits)


def test_values_one_by_one_begin_anywhere_in_a_byte() -> None:
    """A literal run as the format has it: written by hand, bit for bit."""
    values = [0, 0, 0, 7, 1, 2, 3, 200]
    head = f"{8:032b}{7:05b}" + "".join(f"{width - 1:04b}" for width in (3, 4, 8, 16))
    bits = head + "0" + "00" + f"{7:03b}" + "".join(f"{value:08b}" for value in values)
    data = [int(bits[i : i + 8].ljust(8, "0"), 2) for i in range(0, len(bits), 8)]
    assert brush.unpacked(data, 1, 2).tolist() == [[False, True]]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (THEIRS[:-4], "is cut short"),
        ([], "is cut short"),
        (10**6, "is a list of bytes, and this is none"),
        ("no bytes", "is a list of bytes"),
        ([1, 256], "is a list of bytes"),
        (None, "is a list of bytes"),
        (THEIRS_SOFT, r"of 48 values of 8 bits cannot be of 5 x 6 pixels, which have 120 of 8"),
        ([0, 0, 0, 120, 57 ^ 8, *THEIRS[5:]], "values of 7 bits"),
        ([0, 0, 0, 120, 57, 27, 254, 255, 255, 255, 255, 255], "tells more pixels than it has"),
    ],
)
def test_what_is_no_such_is_refused(data: list[int], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        brush.unpacked(data, 6, 5)
