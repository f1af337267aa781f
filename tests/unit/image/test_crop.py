import numpy as np

from easyportrait.image.crop import cut


def test_a_rectangle_beyond_the_border_is_grey_there() -> None:
    image = np.full((40, 40, 3), 250, np.uint8)
    crop = cut(image, -20, 10, 40, 40, 40, 40)
    assert (
        (crop[:30, 20:] == 250).all() and (crop[:, :20] == 127).all() and (crop[30:] == 127).all()
    )


def test_a_rectangle_far_larger_than_the_picture_costs_nothing() -> None:
    image = np.full((1, 20000, 3), 250, np.uint8)
    crop = cut(image, -5000, -15000, 30000, 30000, 96, 96)
    assert crop.shape == (96, 96, 3) and (crop == 250).all(2).sum() == 64
    assert (cut(image, 30000, 0, 50, 50, 32, 32) == 127).all()


def test_both_sides_are_scaled_on_their_own() -> None:
    image = np.zeros((40, 60, 3), np.uint8)
    image[:20, :30] = 200
    out = cut(image, 0, 0, 60, 40, 6, 8)
    assert out.shape == (8, 6, 3)
    assert (out[:4, :3] == 200).all() and (out[4:] == 0).all() and (out[:, 3:] == 0).all()
