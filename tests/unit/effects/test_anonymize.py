import cv2
import numpy as np
import pytest

import easyportrait
from easyportrait.effects import EFFECTS
from easyportrait.faces import Box
from easyportrait.parsing import Look, Parsing
from easyportrait.taxonomy import CLASSES
from tests.conftest import face_mask, one_hot, painted

from .faces import parsed

HIDE = EFFECTS["anonymize"]
styles = pytest.mark.parametrize("style", ["pixelate", "blur"])


def one_face() -> tuple[np.ndarray, np.ndarray]:
    """A face of about 160 pixels with room around, with grain everywhere."""
    mask = np.zeros((480, 480), np.uint8)
    mask[80:400, 80:400] = face_mask(320, 320)
    rng = np.random.default_rng(1)
    return np.clip(painted(mask, rng) + rng.normal(0, 20, (480, 480, 1)), 0, 255).astype(
        np.uint8
    ), mask


def steps(image: np.ndarray, there: np.ndarray) -> float:
    """Mean difference between neighbouring pixels, of which both are there."""
    grey = image.astype(np.float32).mean(-1)
    return float(np.abs(np.diff(grey))[there[:, 1:] & there[:, :-1]].mean())


@styles
def test_nothing_fine_is_left_in_a_face(style: str) -> None:
    image, mask = one_face()
    out = HIDE(image, parsed(image, mask), style=style)
    face = mask >= 2
    assert steps(out, face) < 0.1 * steps(image, face)
    if style == "pixelate":
        assert len(np.unique(out[face], axis=0)) < 80, "some 7 x 7 colours"


@styles
def test_what_is_a_third_of_a_face_away_is_untouched(style: str) -> None:
    image, mask = one_face()
    out = HIDE(image, parsed(image, mask), style=style)
    far = cv2.distanceTransform((mask < 2).astype(np.uint8), cv2.DIST_L2, 5) > 160 / 3
    assert far.any() and (out[far] == image[far]).all()


@styles
def test_stronger_is_coarser(style: str) -> None:
    image, mask = one_face()
    parsing, face = parsed(image, mask), mask >= 2
    left = [steps(HIDE(image, parsing, style=style, strength=s), face) for s in (0.5, 1, 2)]
    assert left == sorted(left, reverse=True) and left[2] < left[0]


def test_squares_are_whole() -> None:
    """Each is one colour: a side is as long as the next, wherever the face ends."""
    image, mask = one_face()
    image[:] = np.arange(480, dtype=np.uint8)[None, :, None] // 2 + 10  # no two columns alike
    image[:, :, 1] += np.arange(480, dtype=np.uint8)[:, None] // 8
    out = HIDE(image, parsed(image, mask))
    changed = (out != image).any(-1).astype(np.uint8)
    row = out[240].astype(int)
    edges = np.flatnonzero(np.diff(row.sum(-1)) != 0)
    inside = edges[(edges > 200) & (edges < 280)]
    assert len(set(np.diff(inside))) == 1
    assert changed[240, 200:280].mean() > 0.9


def test_faces_cheek_to_cheek_are_hidden_each_as_coarsely_as_it_is_large() -> None:
    """A small face beside a large one is not flooded with the large one's squares."""
    mask = np.zeros((320, 500), np.uint8)
    mask[:, :320] = face_mask(320, 320)
    mask[130:230, 225:325] = face_mask(100, 100)
    image = painted(mask, np.random.default_rng(3))
    boxes = (Box(100, 80, 220, 240), Box(256, 155, 294, 206))
    parsing = Parsing(image, Look(one_hot(mask), 0, 0, 500, 320), (), boxes, CLASSES, "test 0")
    out = HIDE(image, parsing)
    small = out[160:200, 262:288]
    assert len(np.unique(small.reshape(-1, 3), axis=0)) > 9


@styles
def test_the_net_itself_finds_no_eyes_any_more(style: str) -> None:
    image = easyportrait.demo_image()
    before = easyportrait.parse(image)
    assert {"left_eye", "right_eye"} <= before.faces[0].parts.keys()
    out = HIDE(image, before, style=style)
    after = easyportrait.parse(out)
    assert not any({"left_eye", "right_eye"} & face.parts.keys() for face in after.faces)
