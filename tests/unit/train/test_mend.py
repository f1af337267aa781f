import numpy as np

from easyportrait.train.mend import mend
from tests.conftest import face_mask, painted


def test_a_brow_painted_beside_its_hair_is_moved_onto_it() -> None:
    true = face_mask(240, 240)
    image = painted(true, np.random.default_rng(0))
    wrong = np.where(np.isin(true, (3, 4)), 2, true).astype(np.uint8)
    brows = np.isin(true, (3, 4))
    wrong[np.roll(brows, -4, 0) & (wrong == 2)] = np.roll(true, -4, 0)[
        np.roll(brows, -4, 0) & (wrong == 2)
    ]

    def overlap(mask: np.ndarray) -> float:
        found = np.isin(mask, (3, 4))
        return float((found & brows).sum() / (found | brows).sum())

    mended = mend(image, wrong, 120)
    assert overlap(mended) > overlap(wrong) + 0.2
    assert np.array_equal(mended == 7, true == 7) and np.array_equal(mended == 5, true == 5)
    assert np.array_equal(mend(image, true, 120), true)


def bearded() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    mask = face_mask(320, 320)
    image = painted(mask, np.random.default_rng(1))
    rows = np.arange(320)[:, None] > 178
    beard = rows & (mask == 2)
    image[beard] = image[beard] // 4
    return image, mask, beard


def test_a_beard_becomes_person() -> None:
    image, mask, beard = bearded()
    mended = mend(image, mask, 160)
    assert (mended[beard] == 1).mean() > 0.8
    assert (mended[(mask == 2) & ~beard] == 2).mean() > 0.95


def test_a_shadow_on_one_side_is_no_beard() -> None:
    image, mask, beard = bearded()
    clean = painted(mask, np.random.default_rng(1))
    clean[:, :160] = image[:, :160]
    assert not (mend(clean, mask, 160)[beard] == 1).any()


def test_a_mask_without_a_face_is_left_alone() -> None:
    mask = np.ones((40, 40), np.uint8)
    assert np.array_equal(mend(np.zeros((40, 40, 3), np.uint8), mask, 20), mask)
