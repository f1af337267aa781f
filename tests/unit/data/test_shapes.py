import cv2
import numpy as np
import pytest

from easyportrait.data.shapes import holes, specks, swapped
from easyportrait.taxonomy import CLASSES
from tests.conftest import face_mask

APART = 0.3


def turned(mask: np.ndarray, degrees: float) -> np.ndarray:
    height, width = mask.shape
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1)
    return np.asarray(cv2.warpAffine(mask, turn, (width, height), flags=cv2.INTER_NEAREST))


def without(mask: np.ndarray, *names: str) -> np.ndarray:
    """Parts hidden, as by sunglasses or a hand."""
    hidden = [CLASSES.index(name) for name in names]
    return np.where(np.isin(mask, hidden), CLASSES.index("person"), mask).astype(np.uint8)


@pytest.mark.parametrize("degrees", range(0, 360, 30))
@pytest.mark.parametrize("hidden", [(), ("lips", "teeth"), ("left_eye",), ("left_brow", "lips")])
def test_sides_are_judged_by_the_face_however_it_is_turned(
    degrees: int, hidden: tuple[str, ...]
) -> None:
    mask = turned(without(face_mask(), *hidden), degrees)
    assert swapped(mask, APART) == []
    assert swapped(CLASSES.mirror_table[mask], APART) == [
        name for name in ("brow", "eye") if f"left_{name}" not in hidden
    ]
    assert swapped(CLASSES.flip(mask), APART) == []
    assert swapped(mask[:, ::-1], APART) != []


def test_only_the_pair_that_is_wrong_is_named() -> None:
    mask = face_mask()
    swap = np.where((mask == 5) | (mask == 6), CLASSES.mirror_table[mask], mask)
    assert swapped(swap, APART) == ["eye"]


def test_a_face_in_profile_is_left_alone() -> None:
    wrong = CLASSES.mirror_table[face_mask()]
    one_side = without(wrong, "right_brow", "right_eye")
    assert swapped(one_side, APART) == []
    narrow = cv2.resize(wrong, (40, 160), interpolation=cv2.INTER_NEAREST)
    assert swapped(narrow, APART) == [] and swapped(narrow, 0.1) != []


def test_of_two_people_each_is_judged_alone() -> None:
    right, wrong = face_mask(), CLASSES.mirror_table[face_mask()]
    assert swapped(np.hstack([right, right]), APART) == []
    assert swapped(np.hstack([right, wrong]), APART) == ["brow", "eye"]
    # one of whom shows the viewer's right side only: the middle of all right eyes is far left
    half = without(right, "left_eye", "left_brow")
    assert swapped(np.hstack([half, without(right, "right_eye", "right_brow"), right]), APART) == []


def test_glasses_do_not_cut_a_face_in_two() -> None:
    mask = CLASSES.mirror_table[face_mask(800, 800)]
    frame = cv2.rectangle(mask.copy(), (270, 320), (540, 400), 1, 12)
    assert swapped(frame, APART) == ["brow", "eye"]


def test_an_empty_mask_has_nothing_odd() -> None:
    mask = np.zeros((20, 30), np.uint8)
    assert swapped(mask, APART) == [] and specks(mask, 8) == [] and holes(mask, 1, 0) == []


def test_a_speck_is_told_with_its_class_size_and_place() -> None:
    mask = face_mask()
    mask[2:4, 150:153] = 1
    (found,) = specks(mask, 8)
    assert (found.what, found.area, found.box) == ("person", 6, (150, 2, 153, 4))
    assert specks(mask, 6) == []


def test_hair_across_the_skin_is_no_speck() -> None:
    mask = face_mask()
    mask[58:60, 80] = 1
    assert specks(mask, 8) == []


def test_background_in_a_face_is_a_hole_and_the_crook_of_an_arm_is_none() -> None:
    mask = face_mask()
    mask[90:94, 60:64] = 0
    (found,) = holes(mask, 16, 0.05)
    assert (found.what, found.area, found.box) == ("face", 16, (60, 90, 64, 94))
    assert holes(mask, 17, 0.05) == []
    arm = face_mask()
    arm[140:150, 60:70] = 0
    assert holes(arm, 16, 0.05) == []
    assert [hole.what for hole in holes(arm, 16, 0.005)] == ["body"]


def test_background_that_leads_out_or_to_the_unknown_is_no_hole() -> None:
    bay = face_mask()
    bay[60:, 78:82] = 0
    unsure = face_mask()
    unsure[90:98, 60:68] = 255
    unsure[92:96, 62:66] = 0
    edge = np.ones((50, 50), np.uint8)
    edge[:10, 10:30] = 0
    for mask in (bay, unsure, edge):
        assert holes(mask, 1, 0.0) == []
