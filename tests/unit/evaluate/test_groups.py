import cv2
import numpy as np
import pytest

from easyportrait.evaluate.groups import ATTRIBUTES, UNKNOWN, Attribute, attributes_of, grouped
from easyportrait.taxonomy import CLASSES
from tests.conftest import face_mask

NAMED = {one.name: one for one in ATTRIBUTES}


def turned(mask: np.ndarray, degrees: float) -> np.ndarray:
    height, width = mask.shape
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), -degrees, 1)
    return cv2.warpAffine(mask, turn, (width, height), flags=cv2.INTER_NEAREST)


def test_a_picture_and_its_mask_tell_every_attribute() -> None:
    mask = face_mask(320, 240)
    image = np.full((320, 240, 3), 100, np.uint8)
    image[mask == CLASSES.index("skin")] = 180
    found = attributes_of(image, mask)
    assert set(found) == set(NAMED)
    assert found["skin_luma"] == 180 and 100 < found["brightness"] < 180
    assert found["shorter_side"] == 240 and found["faces"] == 1
    assert found["face_height"] == pytest.approx(120 / 320, abs=0.05)
    assert found["yaw"] == pytest.approx(0, abs=3) and found["roll"] == pytest.approx(0, abs=1)


@pytest.mark.parametrize("degrees", [-25, 25])
def test_roll_is_to_either_side(degrees: float) -> None:
    mask = turned(face_mask(), degrees)
    found = attributes_of(np.zeros((160, 160, 3), np.uint8), mask)
    assert found["roll"] == pytest.approx(25, abs=3)


def test_a_mask_that_does_not_tell_has_none() -> None:
    nothing = attributes_of(np.zeros((9, 12, 3), np.uint8), np.zeros((9, 12), np.uint8))
    assert nothing == {
        "brightness": 0, "skin_luma": None, "shorter_side": 9, "faces": 0, "face_height": None,
        "yaw": None, "roll": None,
    }  # fmt: skip


def pictures(name: str, *values: float | None) -> list[dict[str, float | None]]:
    return [{name: value} for value in values]


def test_quarters_are_of_the_set() -> None:
    found = grouped(NAMED["brightness"], pictures("brightness", *range(0, 80, 10)))
    assert [group.name for group in found] == [
        "under 18", "18 to 35", "35 to 52", "52 and more"
    ]  # fmt: skip
    assert [group.members.sum() for group in found] == [2, 2, 2, 2]
    assert (found[0].low, found[0].high) == (None, 17.5)
    assert np.logical_or.reduce([group.members for group in found]).all()


def test_equal_values_stay_together() -> None:
    found = grouped(NAMED["shorter_side"], pictures("shorter_side", 720, *[1080] * 9, 2160))
    assert [(g.name, g.members.sum()) for g in found] == [("under 1080", 1), ("1080 and more", 10)]
    assert grouped(NAMED["shorter_side"], pictures("shorter_side", 1080, 1080)) == []


def test_fixed_edges_have_names_and_a_value_on_one_belongs_above() -> None:
    found = grouped(NAMED["yaw"], pictures("yaw", 0, 9.9, 10, 45, None))
    assert [(g.name, g.members.tolist().index(True)) for g in found] == [
        ("frontal, under 10", 0), ("10 to 20", 2), ("20 and more", 3), (UNKNOWN, 4),
    ]  # fmt: skip
    assert [g.members.sum() for g in found] == [2, 1, 1, 1]
    assert (found[1].low, found[1].high, found[3].low) == (10, 20, None)


def test_shares_are_written_in_per_cent_and_nothing_known_is_nothing_to_compare() -> None:
    found = grouped(NAMED["face_height"], pictures("face_height", 0.1, 0.2, 0.3, 0.4))
    assert found[0].name == "under 18"
    assert grouped(NAMED["roll"], pictures("roll", None, None)) == []
    half = grouped(NAMED["brightness"], pictures("brightness", 5, None))
    assert [group.name for group in half] == ["5 and more", UNKNOWN]


@pytest.mark.parametrize("one", ATTRIBUTES, ids=lambda one: one.name)
def test_fixed_groups_have_a_name_each(one: Attribute) -> None:
    assert (one.edges is None) == (not one.names)
    assert one.edges is None or len(one.names) == len(one.edges) + 1
