import cv2
import numpy as np
import pytest

from easyportrait.effects import EFFECTS
from easyportrait.effects.shape_light import lit
from easyportrait.errors import BadInput
from easyportrait.image.colour import to_lab, to_linear
from easyportrait.parsing import Look, Parsing
from easyportrait.taxonomy import FACE_PARSING

from .faces import parsed, plain

LIGHT = EFFECTS["shape-light"]


def grey(size: int = 240) -> tuple[np.ndarray, np.ndarray]:
    """A person and a background of one colour: all that is seen afterwards is the light."""
    _, mask = plain(size)
    return np.full((size, size, 3), 128, np.uint8), mask


def stops(image: np.ndarray, out: np.ndarray) -> np.ndarray:
    """(H, W): by how many stops each pixel is brighter."""
    return np.log2(to_linear(out)[..., 1] / to_linear(image)[..., 1])


@pytest.mark.parametrize("side", ["left", "right", "top"])
def test_the_lit_side_is_brighter_and_the_other_darker(side: str) -> None:
    image, mask = grey()
    light = stops(image, LIGHT(image, parsed(image, mask), amount=1, side=side))
    here, there = {
        "left": ((slice(100, 140), slice(82, 92)), (slice(100, 140), slice(148, 158))),
        "right": ((slice(100, 140), slice(148, 158)), (slice(100, 140), slice(82, 92))),
        "top": ((slice(68, 78), slice(110, 130)), (slice(165, 175), slice(110, 130))),
    }[side]
    assert light[here].mean() > 0.1 and light[there].mean() < -0.1
    assert 0.5 < light[here].mean() - light[there].mean() < 2


def test_amounts_are_the_lighting_ratios_that_they_promise() -> None:
    image, mask = grey()
    parsing = parsed(image, mask)
    (face,) = parsing.faces
    (x, y), width = map(round, face.box.centre), face.box.width
    for amount, ratio in ((0.5, 2), (1, 4)):
        out = to_linear(LIGHT(image, parsing, amount=amount))[..., 1]
        near, far = (
            out[y - 5 : y + 6, c - 3 : c + 4].mean()
            for c in (round(x - 0.35 * width), round(x + 0.35 * width))
        )
        assert near / far == pytest.approx(ratio, rel=0.2)


def test_what_is_burnt_out_does_not_turn_grey_in_the_shade() -> None:
    white = np.full((2, 2, 3), 255, np.uint8)
    assert (lit(white, np.full((2, 2), 0.4, np.float32)) == 255).all()
    ramp = np.repeat(np.arange(256, dtype=np.uint8)[:, None, None], 3, -1)
    shaded = lit(ramp, np.full((256, 1), 0.4, np.float32))[:, 0, 0].astype(int)
    assert (np.diff(shaded) >= 0).all() and (shaded <= np.arange(256)).all()
    skin = np.full((1, 1, 3), (250, 190, 160), np.uint8)  # bright, and no white
    light = to_linear(lit(skin, np.full((1, 1), 0.4, np.float32))) / to_linear(skin)
    assert light == pytest.approx(0.4, abs=0.03)


def test_the_sides_are_mirror_images() -> None:
    image, mask = grey(241)  # whose middle is a pixel
    left = LIGHT(image, parsed(image, mask), amount=1, side="left").astype(int)
    twins = np.array([0, 1, 2, 4, 3, 6, 5, 7, 8], np.uint8)
    mirrored = parsed(image, twins[mask[:, ::-1]])
    right = LIGHT(image, mirrored, amount=1, side="right").astype(int)
    assert np.abs(left - right[:, ::-1]).max() <= 1


def test_a_steeper_angle_sculpts_more_and_more_amount_too() -> None:
    image, mask = grey()
    parsing = parsed(image, mask)

    def spread(**knobs: float) -> float:
        return float(stops(image, LIGHT(image, parsing, **knobs))[mask == 2].std())

    assert spread(angle=15) < spread(angle=45) < spread(angle=75)
    assert 0 < spread(amount=0.2) < spread(amount=0.6) < spread(amount=1)


def test_the_light_has_no_edge_in_the_person() -> None:
    """Between neighbouring pixels it never changes by more than a tenth of a stop, which is
    four steps of this grey."""
    image, mask = grey()
    light = stops(image, LIGHT(image, parsed(image, mask), amount=1, angle=75))
    inside = cv2.erode((mask > 0).astype(np.uint8), np.ones((15, 15))) > 0
    step = np.maximum(np.abs(np.diff(light, axis=0))[:, 1:], np.abs(np.diff(light, axis=1))[1:])
    assert step[inside[1:, 1:]].max() < 1 / 10


def test_nothing_is_cut_at_white_that_was_not() -> None:
    every = np.stack(np.meshgrid(*[np.arange(0, 255, 2, dtype=np.uint8)] * 2), -1)
    image = np.dstack([every, np.full(every.shape[:2], 60, np.uint8)])
    out = lit(image, np.full(image.shape[:2], 4, np.float32))
    assert (out >= image).all()
    assert out[image.max(-1) < 240].max() < 255, "and above only by rounding"
    strongest = out.max(-1)[np.arange(128), np.arange(128)].astype(int)
    assert (np.diff(strongest) >= 0).all(), "what was brighter stays brighter"
    white = np.full((2, 2, 3), 255, np.uint8)
    assert (lit(white, np.full((2, 2), 4, np.float32)) == 255).all()


def test_hue_stays() -> None:
    image = np.full((8, 8, 3), (150, 100, 80), np.uint8)
    for gain in (0.5, 2.0):
        a, b = (to_lab(lit(image, np.full((8, 8), gain, np.float32)))[0, 0, i] for i in (1, 2))
        was = to_lab(image)[0, 0]
        assert np.degrees(np.arctan2(b, a)) == pytest.approx(
            np.degrees(np.arctan2(was[2], was[1])), abs=4
        )


def test_the_background_stays_unless_it_is_to_be_dimmed() -> None:
    image, mask = grey()
    parsing = parsed(image, mask)
    far = cv2.dilate((mask > 0).astype(np.uint8), np.ones((25, 25))) == 0
    assert (LIGHT(image, parsing, amount=1)[far] == image[far]).all()
    dimmed = stops(image, LIGHT(image, parsing, amount=1, background=0.5))
    assert dimmed[far] == pytest.approx(-1, abs=0.03)
    face = mask == 2
    bright = stops(image, LIGHT(image, parsing, amount=1))
    assert dimmed[face].mean() == pytest.approx(bright[face].mean(), abs=0.02)


def test_a_model_of_faces_alone_is_refused() -> None:
    image = np.full((8, 8, 3), 128, np.uint8)
    probs = np.full((8, 8, 8), 1 / 8, np.float32)
    faces = Parsing(image, Look(probs, 0, 0, 8, 8), (), (), FACE_PARSING, "test 0")
    with pytest.raises(BadInput, match="shape-light needs a model that knows person"):
        LIGHT(image, faces)
