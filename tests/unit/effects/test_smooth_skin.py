import cv2
import numpy as np
import pytest

from easyportrait.effects import EFFECTS
from easyportrait.image.colour import to_lab

from .faces import DARK, LIGHT, parsed, plain

SMOOTH = EFFECTS["smooth-skin"]
FACE = 160  # height of the painted face in a picture of 320 pixels


def uneven(width: float, strength: float, size: int = 320) -> np.ndarray:
    """(size, size) noise of about that width and standard deviation."""
    noise = np.random.default_rng(4).normal(0, 1, (size, size)).astype(np.float32)
    noise = cv2.GaussianBlur(noise, (0, 0), width) if width else noise
    return strength * noise / noise.std()


def with_noise(image: np.ndarray, noise: np.ndarray) -> np.ndarray:
    return np.clip(image + noise[..., None] + 0.5, 0, 255).astype(np.uint8)


def left_of(image: np.ndarray, out: np.ndarray, there: tuple[slice, slice]) -> float:
    """Which share of the contrast in a place is left."""
    return float(to_lab(out)[there][..., 0].std() / to_lab(image)[there][..., 0].std())


CHEEK = slice(155, 172), slice(110, 136)  # skin, clear of eyes and lips


@pytest.mark.parametrize("skin", [LIGHT, DARK])
def test_blotches_go_and_pores_stay(skin: tuple[int, int, int]) -> None:
    image, mask = plain(skin=skin)
    blotched, pored = with_noise(image, uneven(2, 4)), with_noise(image, uneven(0, 4))
    calm = SMOOTH(blotched, parsed(blotched, mask), amount=1)
    fine = SMOOTH(pored, parsed(pored, mask), amount=1, detail=1)
    assert left_of(blotched, calm, CHEEK) < 0.55
    assert left_of(pored, fine, CHEEK) > 0.85
    bare = SMOOTH(pored, parsed(pored, mask), amount=1, detail=0)
    assert 0.15 < left_of(pored, bare, CHEEK) < 0.6, "less, but no wax"


def test_more_is_calmer() -> None:
    image, mask = plain()
    image = with_noise(image, uneven(3, 4))
    parsing = parsed(image, mask)
    left = [left_of(image, SMOOTH(image, parsing, amount=a), CHEEK) for a in (0, 0.3, 0.6, 1)]
    assert left[0] == 1 and left == sorted(left, reverse=True) and left[3] < left[1] - 0.2


def test_a_blemish_is_calmed_and_a_mole_is_not() -> None:
    image, mask = plain()
    clear = image.copy()
    pimple, mole = (125, 165), (195, 165)
    cv2.circle(image, pimple, 2, (185, 125, 112), -1, cv2.LINE_AA)
    cv2.circle(image, mole, 2, (95, 60, 50), -1, cv2.LINE_AA)
    out = SMOOTH(image, parsed(image, mask), amount=1)

    def off(picture: np.ndarray, at: tuple[int, int]) -> float:
        return float(np.linalg.norm(to_lab(picture)[at[1], at[0]] - to_lab(clear)[at[1], at[0]]))

    assert off(out, pimple) < 0.5 * off(image, pimple)
    assert off(out, mole) > 0.8 * off(image, mole)


def test_a_deep_wrinkle_is_softened_and_not_erased() -> None:
    image, mask = plain()
    clear = image.copy()
    cv2.line(image, (140, 95), (180, 95), (150, 112, 96), 1, cv2.LINE_AA)  # on the forehead
    out = SMOOTH(image, parsed(image, mask), amount=1)
    before = to_lab(clear)[95, 145:176, 0].mean() - to_lab(image)[95, 145:176, 0].mean()
    after = to_lab(clear)[95, 145:176, 0].mean() - to_lab(out)[95, 145:176, 0].mean()
    assert 0.3 * before < after < 0.98 * before


def test_redness_is_evened_as_far_as_tone_says() -> None:
    image, mask = plain()
    clear = to_lab(image)
    red = np.zeros(mask.shape, np.float32)
    cv2.circle(red, (160, 172), 8, 1, -1)
    red = cv2.GaussianBlur(red, (0, 0), 3)
    image = np.clip(image + red[..., None] * [18, -10, -8] + 0.5, 0, 255).astype(np.uint8)
    parsing = parsed(image, mask)

    def redness(tone: float) -> float:
        out = to_lab(SMOOTH(image, parsing, amount=1, tone=tone))
        return float((out - clear)[166:178, 154:166, 1].mean())

    assert redness(0) > redness(0.5) + 0.5 > redness(1) + 1
    assert redness(1) > 0, "evened, not turned"


def test_what_is_no_skin_stays_bit_for_bit() -> None:
    """Coarse answers too: eyes, brows, lips and teeth, and a rim around each."""
    image, mask = plain()
    image = with_noise(image, uneven(2, 5))
    out = SMOOTH(image, parsed(image, mask, cells=160), amount=1, detail=0, tone=1)
    rest = cv2.dilate((mask != 2).astype(np.uint8), np.ones((3, 3))) > 0
    assert (out[rest] == image[rest]).all()
    assert (out[~rest] != image[~rest]).any()


def test_glasses_and_beard_that_the_net_took_for_skin_stay_crisp() -> None:
    image, mask = plain()
    image = with_noise(image, uneven(3, 3))
    frame = np.zeros(mask.shape, np.uint8)
    cv2.circle(frame, (160, 160), 11, 1, 3)
    image[frame > 0] = (30, 28, 30)
    hair = np.random.default_rng(2).random((20, 40)) < 0.4
    image[210:230, 140:180][hair] = (70, 50, 40)
    out = SMOOTH(image, parsed(image, mask), amount=1)
    assert np.abs(out[frame > 0].astype(int) - image[frame > 0]).max() <= 2
    beard = slice(214, 226), slice(145, 175)
    assert left_of(image, out, beard) > 0.97


def test_a_large_photograph_and_a_small_one_come_out_alike() -> None:
    image, mask = plain(200)
    image = with_noise(image, uneven(3, 4, 200))
    small = SMOOTH(image, parsed(image, mask), amount=1)
    larger = cv2.resize(image, (1000, 1000), interpolation=cv2.INTER_CUBIC)
    out = SMOOTH(larger, parsed(larger, cv2.resize(mask, (1000, 1000), interpolation=0)), amount=1)
    back = cv2.resize(out, (200, 200), interpolation=cv2.INTER_AREA).astype(int)
    softened = cv2.resize(larger, (200, 200), interpolation=cv2.INTER_AREA).astype(int)
    change, expected = back - softened, small.astype(int) - image
    inside = mask == 2
    assert np.abs(change - expected)[inside].mean() < 0.4 * np.abs(expected)[inside].mean()
