"""Masks that nobody drew, written in every format and read again."""

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from easyportrait.data.convert import FORMATS, WRITERS, convert
from easyportrait.data.convert.samples import How
from easyportrait.image.io import read_mask, write_image

few = settings(settings.get_profile("steady"), max_examples=6)


@st.composite
def masks(draw: st.DrawFn) -> np.ndarray:
    """(H, W) uint8: rectangles one over the other, and a few lone pixels."""
    height, width = draw(st.integers(1, 24)), draw(st.integers(1, 24))
    mask = np.full((height, width), draw(st.sampled_from([0, 1, 255])), np.uint8)
    values = st.sampled_from([*range(9), 255])
    rows, columns = st.integers(0, height), st.integers(0, width)
    for _ in range(draw(st.integers(0, 6))):
        top, left = draw(rows), draw(columns)
        mask[top : draw(rows) + 1, left : draw(columns) + 1] = draw(values)
    for _ in range(draw(st.integers(0, 4))):
        mask[draw(rows) % height, draw(columns) % width] = draw(values)
    return mask


@pytest.mark.parametrize("name", WRITERS)
@few
@given(masks())
def test_there_and_back_is_the_same_mask(name: str, mask: np.ndarray) -> None:
    with tempfile.TemporaryDirectory() as folder:
        source, there, back = (Path(folder, part) for part in ("source", "there", "back"))
        picture = np.zeros((*mask.shape, 3), np.uint8)
        write_image(source / "img_dir/train/a.jpg", picture)
        write_image(source / "ann_dir/train/a.png", mask)
        how = How(archives=FORMATS[name].has_archives)
        assert convert(source, there, "mmseg-joint", name, how if how.archives else None) == 1
        assert convert(there, back, name, "mmseg-joint") == 1
        found = read_mask(back / "ann_dir/train/a.png")
        assert np.array_equal(found, FORMATS[name].back(mask))
