"""Outlines of small parts, measured on mouths whose true outline is known."""

import numpy as np
import pytest

from easyportrait.effects.edges import cell_at, ramp, refined, sharpened
from easyportrait.parsing import Look, Parsing
from easyportrait.taxonomy import CLASSES

from .mouths import Mouth

WHOLE = slice(0, 140), slice(0, 240)


@pytest.mark.parametrize("cell", [4, 7])
def test_a_coarse_outline_comes_nearer_to_the_truth(cell: int) -> None:
    mouth = Mouth()
    parsing = mouth.parsed(cell)
    truth = mouth.where["lips"].astype(np.float32)
    before = np.abs(parsing.region("lips") - truth).mean()
    after = np.abs(refined(parsing, "lips", within=WHOLE) - truth).mean()
    assert after < 0.4 * before


def test_colours_beat_steepness_alone() -> None:
    mouth = Mouth()
    coarse = mouth.parsed(7).region("lips")
    truth = mouth.where["lips"]
    blind = sharpened(np.full_like(mouth.image, 128), coarse, 7)
    seeing = sharpened(mouth.image, coarse, 7)
    assert np.abs(seeing - truth).mean() < 0.7 * np.abs(blind - truth).mean()


def test_a_part_that_no_colour_tells_apart_is_kept() -> None:
    """Noise all over: the net's own outline stands, only steeper."""
    mouth = Mouth()
    coarse = mouth.parsed(4).region("lips")
    noise = np.random.default_rng(0).integers(0, 256, mouth.image.shape, np.uint8)
    found = sharpened(noise, coarse, 4) > 0.5
    assert (found != (coarse > 0.5)).sum() < 0.02 * mouth.where["lips"].sum()


def test_certainty_stands_and_nothing_comes_from_nothing() -> None:
    parsing = Mouth().parsed(7)
    coarse, fine = parsing.region("teeth"), refined(parsing, "teeth", within=WHOLE)
    assert fine.dtype == np.float32 and fine.min() >= 0 and fine.max() <= 1
    assert (fine[coarse <= 0.05] == 0).all() and (fine[coarse == 1] == 1).all()


def test_only_the_window_is_answered() -> None:
    parsing = Mouth().parsed(4)
    window = slice(20, 120), slice(10, 230)
    part = refined(parsing, "lips", within=window)
    assert part.shape == (100, 220)
    # filters do not see past the window, so only its middle need be the same
    middle = np.abs(part - refined(parsing, "lips", within=WHOLE)[window])[20:-20, 40:-40]
    assert middle.max() < 0.05


def test_the_finest_look_at_the_place_counts() -> None:
    image = np.zeros((100, 100, 3), np.uint8)
    probs = np.zeros((9, 10, 10), np.float32)
    probs[0] = 1
    looks = tuple(Look(probs, 0, 0, side, side, 0.1) for side in (40, 20))
    parsing = Parsing(image, Look(probs, 0, 0, 100, 100), looks, (), CLASSES, "test 0")
    places = (slice(0, 20), slice(0, 20)), (slice(20, 40), slice(20, 40)), (slice(80, 90),) * 2
    assert [cell_at(parsing, place) for place in places] == [2, 4, 10]


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (50, 1), (3, 2)])
@pytest.mark.parametrize("cell", [0.5, 30.0])
def test_tiny_parts_have_edges_too(shape: tuple[int, int], cell: float) -> None:
    image = np.full((*shape, 3), 80, np.uint8)
    assert (sharpened(image, np.ones(shape, np.float32), cell) == 1).all()


def test_a_ramp_is_flat_at_both_ends() -> None:
    values = ramp(np.array([-5, 2, 3, 4, 9], np.float32), 2, 4)
    assert values.tolist() == [0, 0, 0.5, 1, 1]
