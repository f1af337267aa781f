from collections.abc import Iterator

import cv2
import numpy as np
import pytest
from scipy import ndimage

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


def labelled(region: np.ndarray, structure: np.ndarray) -> Iterator[tuple[np.ndarray, tuple]]:
    """Each connected piece, and its box."""
    pieces, count = ndimage.label(region, structure)
    for i, (rows, columns) in enumerate(ndimage.find_objects(pieces, count), 1):
        yield pieces == i, (columns.start, rows.start, columns.stop, rows.stop)


def noisy(rng: np.random.Generator, i: int) -> np.ndarray:
    """Noise, blocks, waves, and a face with dust on it, in turn."""
    values = np.array([0, 0, 1, 2, 3, 8, 9, 255], np.uint8)
    if i % 4 == 0:
        return rng.choice(values, rng.integers(1, 30, 2))
    if i % 4 == 1:
        return cv2.resize(rng.choice(values, (9, 8)), (50, 60), interpolation=cv2.INTER_NEAREST)
    if i % 4 == 2:
        waves = cv2.resize(
            rng.random((12, 12), np.float32), (70, 60), interpolation=cv2.INTER_CUBIC
        )
        return np.digitize(waves, [0.3, 0.5, 0.55, 0.6, 0.7]).astype(np.uint8)
    mask = face_mask(80, 70)
    mask[rng.random(mask.shape) < 0.03] = rng.integers(0, 9)
    return mask


@pytest.mark.parametrize("seed", range(12))
def test_specks_and_holes_are_those_of_labelling_every_pixel(seed: int) -> None:
    mask = noisy(np.random.default_rng(seed), seed)
    touching, beside = np.ones((3, 3)), ndimage.generate_binary_structure(2, 1)
    expected = []
    for index in range(1, 9):
        for there, box in labelled(mask != 0 if index == 1 else mask == index, touching):
            is_known = index > 1 or (mask[there] <= 8).any()
            if there.sum() < 8 and is_known:
                expected.append((CLASSES.names[index], int(there.sum()), box))
    assert sorted((p.what, p.area, p.box) for p in specks(mask, 8)) == sorted(expected)
    framed, expected = np.pad(mask, 1), []
    for there, (left, top, right, bottom) in labelled(framed == 0, beside):
        rim = framed[ndimage.binary_dilation(there, touching) & ~there]
        in_face = ((rim >= 2) & (rim <= 8)).mean() > 0.5 if rim.size else False
        enough = there.sum() >= (3 if in_face else 0.01 * (mask > 0).sum())
        if not there[0, 0] and enough and (rim <= 8).all():
            box = (left - 1, top - 1, right - 1, bottom - 1)
            expected.append(("face" if in_face else "body", int(there.sum()), box))
    found = [(p.what, p.area, p.box) for p in holes(mask, 3, 0.01)]
    assert sorted(found) == sorted(expected)
