import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from easyportrait.image.letterbox import PAD, Letterbox

SIZES = st.integers(1, 5000)


@given(SIZES, SIZES, st.sampled_from([None, 8, 32]))
def test_the_picture_lies_inside_and_keeps_its_shape(
    height: int, width: int, multiple: int | None
) -> None:
    box = Letterbox.fit(height, width, side=256, multiple=multiple)
    assert box.top >= 0 and box.top + box.height <= box.canvas_height
    assert box.left >= 0 and box.left + box.width <= box.canvas_width
    assert max(box.height, box.width) == 256
    if multiple:
        assert box.canvas_height % multiple == box.canvas_width % multiple == 0
        assert box.canvas_height - box.height < multiple
    else:
        assert box.canvas_height == box.canvas_width == 256
    scale = 256 / max(height, width)
    assert abs(box.height - max(1, height * scale)) <= 0.5
    assert abs(box.width - max(1, width * scale)) <= 0.5


def test_the_margin_is_grey_and_the_picture_is_not() -> None:
    image = np.full((50, 100, 3), 200, np.uint8)
    canvas = Letterbox.fit(50, 100, side=64).apply(image)
    assert canvas.shape == (64, 64, 3)
    assert (
        (canvas[:16] == PAD).all() and (canvas[16:48] == 200).all() and (canvas[48:] == PAD).all()
    )


def test_a_size_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="height=0"):
        Letterbox.fit(0, 10, side=32)
