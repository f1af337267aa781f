"""Tinted lips, measured in CIELAB on a drawn mouth."""

import numpy as np
import pytest

from easyportrait.effects.tint_lips import EFFECT, SHADES
from easyportrait.image.colour import to_lab

from .mouths import Mouth, far

BLUE = (40, 60, 200)


def hue(lab: np.ndarray) -> float:
    return float(np.degrees(np.arctan2(lab[..., 2].mean(), lab[..., 1].mean())))


@pytest.mark.parametrize("shade", SHADES)
def test_full_strength_comes_to_the_wished_hue(shade: str) -> None:
    mouth = Mouth()
    wished = hue(to_lab(np.array([[SHADES[shade]]], np.uint8)))
    out = EFFECT(mouth.image, mouth.parsed(), color=shade, amount=1)
    assert abs(hue(mouth.lab("lips", out)) - wished) < 6


def test_half_goes_about_half_the_way() -> None:
    mouth = Mouth()
    parsing = mouth.parsed()
    start, half, full = (
        mouth.lab("lips", EFFECT(mouth.image, parsing, color=BLUE, amount=amount)).mean(0)
        for amount in (0, 0.5, 1)
    )
    assert 0.45 < far(half, start) / far(full, start) < 0.55


@pytest.mark.parametrize("cell", [1, 4, 7])
def test_teeth_mouth_and_skin_are_left_out(cell: int) -> None:
    mouth = Mouth()
    out = EFFECT(mouth.image, mouth.parsed(cell), color=BLUE, amount=1)
    for part in ("teeth", "inside", "skin"):
        assert far(mouth.lab(part, out), mouth.lab(part)).mean() < 0.5


def test_lines_and_shading_stay() -> None:
    mouth = Mouth()
    mouth.image[:, ::6] = mouth.image[:, ::6] * 0.8
    out = EFFECT(mouth.image, mouth.parsed(), color="red", amount=1)
    before, after = mouth.lab("lips")[:, 0], mouth.lab("lips", out)[:, 0]
    assert np.corrcoef(before, after)[0, 1] > 0.98
    assert np.std(after) > 0.6 * np.std(before)


def test_a_highlight_stays_white() -> None:
    mouth = Mouth()
    mouth.image[106:110, 100:140] = 240
    before = to_lab(mouth.image)[107, 120]
    after = to_lab(EFFECT(mouth.image, mouth.parsed(), color="red", amount=1))[107, 120]
    assert after[0] > before[0] - 12 and np.hypot(*after[1:]) < 30


def test_finish_is_how_much_highlights_stand_out() -> None:
    mouth = Mouth()
    mouth.image[106:110, 100:140] += 40
    parsing = mouth.parsed()
    stands_out = {}
    for finish in ("matte", "natural", "gloss"):
        light = to_lab(EFFECT(mouth.image, parsing, finish=finish, amount=1))[..., 0]
        stands_out[finish] = light[107, 120] - light[112, 120]
    assert stands_out["matte"] < stands_out["natural"] - 2
    assert stands_out["gloss"] > stands_out["natural"] + 2


def test_pale_colours_do_not_lift_lips_out_of_the_shade() -> None:
    dark = Mouth(light=0.6)
    out = EFFECT(dark.image, dark.parsed(), color="white", amount=1)
    assert dark.lab("lips", out)[:, 0].mean() < dark.lab("lips")[:, 0].mean() + 5


def test_a_strong_red_does_not_glow_in_deep_shade() -> None:
    """It loses more of its colour than the light alone takes, whose share is that of L + 16."""
    lit, dark = Mouth(), Mouth(light=0.5)
    bright, dim = (
        m.lab("lips", EFFECT(m.image, m.parsed(), color="red", amount=1)).mean(0)
        for m in (lit, dark)
    )
    light = (dim[0] + 16) / (bright[0] + 16)
    assert np.hypot(*dim[1:]) < 0.9 * light * np.hypot(*bright[1:])
    assert abs(hue(dim) - hue(bright)) < 8


def test_a_grey_photograph_stays_grey() -> None:
    mouth = Mouth()
    mouth.image = np.repeat(mouth.image.mean(2, keepdims=True), 3, axis=2).astype(np.uint8)
    out = EFFECT(mouth.image, mouth.parsed(), color="plum", amount=1)
    assert (np.ptp(out.astype(int), axis=2) <= 1).all()
    assert mouth.lab("lips", out)[:, 0].mean() < mouth.lab("lips")[:, 0].mean() - 5


def test_the_tint_fades_towards_the_edge() -> None:
    mouth = Mouth()
    out = EFFECT(mouth.image, mouth.parsed(), color=BLUE, amount=1)
    column = to_lab(out)[:, 120, 2] - to_lab(mouth.image)[:, 120, 2]
    assert 0 > column[117] > 0.8 * column[112]  # the lower lip's edge is at 118
    assert (out[119:] == mouth.image[119:]).all()
