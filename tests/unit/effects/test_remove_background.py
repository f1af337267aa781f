import numpy as np

from easyportrait.effects import EFFECTS
from tests.unit.effects.scenes import hairy, parsed

REMOVE = EFFECTS["remove-background"]


def test_without_a_person_all_is_transparent() -> None:
    image, alpha = hairy(np.array([90, 120, 90], np.float32), 200)
    out = REMOVE(image, parsed(image, 0 * alpha))
    assert out.shape == (200, 200, 4) and not out.any()


def test_its_transparency_is_the_person_of_the_parsing() -> None:
    image, alpha = hairy(np.array([90, 120, 90], np.float32))
    parsing = parsed(image, alpha)
    out = REMOVE(image, parsing)
    assert (out[..., 3] == (parsing.person * 255 + 0.5).astype(np.uint8)).all()
    assert (out == parsing.cutout()).all()
