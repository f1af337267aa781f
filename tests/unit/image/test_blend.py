import numpy as np
import pytest

from easyportrait.errors import ShapeMismatch
from easyportrait.image.blend import overlay
from easyportrait.taxonomy import CLASSES
from tests.conftest import face_mask


def test_classes_get_their_colour_and_the_background_stays() -> None:
    mask = face_mask()
    image = np.random.default_rng(0).integers(0, 255, (160, 160, 3), np.uint8)
    before = image.copy()
    laid = overlay(image, mask)
    assert np.array_equal(laid[mask == 0], image[mask == 0])
    assert np.array_equal(image, before)
    skin = np.array(CLASSES["skin"].rgb)
    distance = np.abs(laid[mask == 2].astype(int) - skin).mean()
    assert distance < 0.7 * np.abs(image[mask == 2].astype(int) - skin).mean()
    assert np.array_equal(
        overlay(image, mask, strength=1)[mask > 0], CLASSES.colour(mask)[mask > 0]
    )


def test_another_size_is_refused() -> None:
    with pytest.raises(ShapeMismatch, match=r"\(4, 4\).*\(3, 4\)"):
        overlay(np.zeros((4, 4, 3), np.uint8), np.zeros((3, 4), np.uint8))
