"""What the three effects on the background share, and promise alike."""

import cv2
import numpy as np
import pytest

from easyportrait.effects import EFFECTS
from easyportrait.effects.background import defocused, disc, fitted, matched
from easyportrait.effects.effect import Effect
from easyportrait.errors import BadInput
from easyportrait.parsing import Look, Parsing
from easyportrait.taxonomy import FACE_PARSING
from tests.unit.effects.scenes import greenness, hairy, parsed

GREEN = np.array([20, 200, 40], np.float32)
ON_BACKGROUND = [effect for effect in EFFECTS.values() if "background" in effect.name]
all_three = pytest.mark.parametrize("effect", ON_BACKGROUND, ids=lambda e: e.name)


@all_three
def test_the_person_stays_bit_for_bit(effect: Effect) -> None:
    image, alpha = hairy(GREEN)
    parsing = parsed(image, alpha)
    inside = parsing.person == 1
    assert inside.mean() > 0.1
    assert (effect(image, parsing)[inside][:, :3] == image[inside]).all()


@all_three
def test_a_picture_full_of_a_person_stays_as_it_is(effect: Effect) -> None:
    image, alpha = hairy(GREEN, 200)
    out = effect(image, parsed(image, np.ones_like(alpha)))
    assert (out[..., :3] == image).all() and (out[..., 3:] == 255).all()


@all_three
def test_it_works_on_a_picture_that_was_retouched_before(effect: Effect) -> None:
    image, alpha = hairy(GREEN)
    parsing = parsed(image, alpha)
    inside = parsing.person == 1
    retouched = image // 2
    assert (effect(retouched, parsing)[inside][:, :3] == retouched[inside]).all()


@all_three
def test_a_model_of_faces_alone_is_refused(effect: Effect) -> None:
    image = np.zeros((8, 8, 3), np.uint8)
    look = Look(np.full((8, 4, 4), 1 / 8, np.float32), 0, 0, 8, 8)
    parsing = Parsing(image, look, (), (), FACE_PARSING, "fp-net 1")
    with pytest.raises(BadInput, match=f"{effect.name} needs a model that knows person"):
        effect(image, parsing)


def test_no_green_of_the_wall_stays_around_hair() -> None:
    image, alpha = hairy(GREEN)
    parsing = parsed(image, alpha)
    soft = (parsing.person > 0.15) & (parsing.person < 0.85)
    assert soft.sum() > 1000
    a = parsing.person[..., None]
    naive = (a * image + (1 - a) * 255)[soft]
    assert greenness(naive).mean() > 15
    out = EFFECTS["replace-background"](image, parsing, **{"with": "white"})
    assert greenness(out[soft]).mean() < 0
    assert np.quantile(greenness(out[soft]), 0.95) < 12
    cut = EFFECTS["remove-background"](image, parsing)
    assert greenness(cut[soft][:, :3]).mean() < 0


def test_a_backdrop_of_the_right_size_is_used_as_it_is_and_never_painted_on() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (30, 40, 3), np.uint8)
    out = fitted(picture, 30, 40, "cover")
    assert (out == picture).all() and not np.shares_memory(out, picture)


def test_cover_cuts_the_sides_and_contain_shows_them() -> None:
    wide = np.zeros((100, 300, 3), np.uint8)
    wide[:, :100], wide[:, 100:200], wide[:, 200:] = (255, 0, 0), (0, 255, 0), (0, 0, 255)
    cover = fitted(wide, 100, 100, "cover")
    assert (cover == (0, 255, 0)).all()
    contain = fitted(wide, 300, 300, "contain")
    assert (contain[110:190, 5:95] == (255, 0, 0)).all()
    assert (contain[110:190, 205:295] == (0, 0, 255)).all()
    assert contain[:90, 130:170, 1].min() > 200  # the rest goes on in its colours


@pytest.mark.parametrize("fit", ["cover", "contain"])
@pytest.mark.parametrize("size", [(1, 1), (1, 500), (500, 1), (7, 5)])
def test_any_backdrop_fits_any_picture(fit: str, size: tuple[int, int]) -> None:
    picture = np.full((*size, 3), 77, np.uint8)
    for height, width in ((1, 1), (3, 200), (200, 3)):
        assert (fitted(picture, height, width, fit) == 77).all()


def test_matching_goes_towards_the_backdrop_and_keeps_black_and_white() -> None:
    grey = np.full((64, 64, 3), 120, np.uint8)
    grey[:8], grey[8:16] = 0, 255
    everywhere = np.ones((64, 64), np.float32)
    warm = np.full((9, 9, 3), (250, 170, 90), np.uint8)
    out = matched(grey, everywhere, warm, 1.0).astype(int)
    assert (out[:8] == 0).all() and (out[8:16] == 255).all()
    r, _, b = out[30, 30]
    assert r > 120 > b or r - b > 15
    half = matched(grey, everywhere, warm, 0.5)[30, 30].astype(int)
    assert 0 < half[0] - half[2] < r - b
    dark = matched(grey, everywhere, warm // 16, 1.0)
    assert dark[30, 30].mean() < out[30, 30].mean()
    assert (matched(grey, 0 * everywhere, warm, 1.0) == grey).all()


def test_a_point_becomes_a_disc_of_the_radius() -> None:
    image = np.zeros((300, 300, 3), np.uint8)
    cv2.circle(image, (150, 150), 3, (255, 255, 255), -1)
    lit = defocused(image, np.zeros((300, 300), np.float32), 30, 1.0)[..., 1]
    ys, xs = np.nonzero(lit > lit.max() / 2)
    assert np.ptp(ys) / 2 == pytest.approx(30, abs=4) and np.ptp(xs) / 2 == pytest.approx(30, abs=4)
    assert len(ys) == pytest.approx(np.pi * 30**2, rel=0.15)
    assert lit[145:155, 145:155].min() > 0.9 * lit.max()  # flat, not a bell


def test_light_is_mixed_not_screen_values() -> None:
    stripes = np.zeros((200, 200, 3), np.uint8)
    stripes[:, ::2] = 255
    out = defocused(stripes, np.zeros((200, 200), np.float32), 4, 0.0)
    assert out[50:150, 50:150].mean() == pytest.approx(188, abs=4)


def test_bloom_leaves_even_areas_alone_and_hues_as_they_are() -> None:
    sky = np.full((200, 200, 3), (180, 210, 245), np.uint8)
    nobody = np.zeros((200, 200), np.float32)
    assert np.abs(defocused(sky, nobody, 12, 1.0).astype(int) - sky).max() <= 1
    night = np.full((200, 200, 3), 10, np.uint8)
    cv2.circle(night, (100, 100), 4, (255, 160, 60), -1)
    dull, bright = (defocused(night, nobody, 20, b)[100, 100].astype(int) for b in (0, 1))
    assert bright.sum() > 1.5 * dull.sum()
    assert bright[0] > bright[1] > bright[2]


def test_discs_sum_to_1_and_are_round() -> None:
    for radius in (0.01, 0.4, 1.0, 2.7, 5.0):
        kernel = disc(radius)
        assert kernel.sum() == pytest.approx(1, abs=1e-5)
        assert np.allclose(kernel, kernel.T) and np.allclose(kernel, kernel[::-1])
        assert len(kernel) <= 11
