import numpy as np
import pytest

from easyportrait.faces import Box, find_faces, holds_face
from easyportrait.models.parser import Parser
from easyportrait.taxonomy import CLASSES, PORTRAIT_SEGMENTATION
from tests.conftest import face_mask, one_hot


def turned(mask: np.ndarray, degrees: float) -> np.ndarray:
    import cv2

    matrix = cv2.getRotationMatrix2D((mask.shape[1] / 2, mask.shape[0] / 2), -degrees, 1)
    return cv2.warpAffine(mask, matrix, mask.shape[::-1], flags=cv2.INTER_NEAREST)


def test_faces_are_found_largest_first_in_picture_pixels() -> None:
    scene = np.hstack([face_mask(160, 160), np.zeros((160, 60), np.uint8)])
    scene[100:140, 170:210] = face_mask(160, 160)[55:135:2, 50:130:2]
    boxes = find_faces(one_hot(scene), (10, 20, 440, 320), CLASSES)
    assert len(boxes) == 2 and boxes[0].height > boxes[1].height
    x, y = boxes[0].centre
    assert abs(x - (10 + 2 * 80)) < 6 and abs(y - (20 + 2 * 80)) < 6
    assert abs(boxes[0].height - 2 * 80) < 8


def test_a_face_cut_by_a_hand_is_one_face() -> None:
    scene = face_mask()
    scene[96:104] = np.where(scene[96:104] >= 2, 1, scene[96:104])
    assert len(find_faces(one_hot(scene), (0, 0, 160, 160), CLASSES)) == 1


def test_stray_skin_is_no_face() -> None:
    scene = np.zeros((60, 60), np.uint8)
    scene[10:12, 10:13] = 2
    assert find_faces(one_hot(scene), (0, 0, 60, 60), CLASSES) == []
    scene[20:50, 20:50] = 2  # skin without any part
    assert not holds_face(one_hot(scene), CLASSES)
    assert holds_face(one_hot(face_mask()), CLASSES)


def test_a_taxonomy_without_faces_has_none() -> None:
    probs = np.full((2, 20, 20), 0.5, np.float32)
    assert find_faces(probs, (0, 0, 20, 20), PORTRAIT_SEGMENTATION) == []


@pytest.mark.parametrize("degrees", [-20.0, 0.0, 25.0])
def test_a_face_tells_its_parts_and_roll(colour_parser: Parser, degrees: float) -> None:
    mask = turned(np.pad(face_mask(320, 320), 40), degrees)
    (found,) = colour_parser.parse(CLASSES.colour(mask), looks=2).faces
    assert set(found.parts) == set(CLASSES.names[3:])
    assert found.parts["left_eye"].centre[0] < found.parts["right_eye"].centre[0]
    assert found.roll == pytest.approx(degrees, abs=4)
    assert found.yaw == pytest.approx(0, abs=12)
    ys, xs = np.nonzero(mask == 7)
    lips = found.parts["lips"]
    assert lips.area == pytest.approx(len(ys), rel=0.35)
    assert lips.centre == pytest.approx((xs.mean(), ys.mean()), abs=4)


def test_a_turned_head_has_a_yaw() -> None:
    from easyportrait.faces import Part, yaw_of

    def at(x: float) -> Part:
        return Part(Box(x, 0, x + 1, 1), (x, 0.0), 1.0)

    box = Box(0, 0, 100, 100)
    right = yaw_of({"left_eye": at(60), "right_eye": at(90), "lips": at(75)}, box)
    left = yaw_of({"left_eye": at(10), "right_eye": at(40), "lips": at(25)}, box)
    assert right is not None and right > 20 and left == pytest.approx(-right)
    assert yaw_of({"lips": at(50)}, box) is None
