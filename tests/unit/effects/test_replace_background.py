import numpy as np

from easyportrait.effects import EFFECTS
from easyportrait.effects.background import before
from easyportrait.image.colour import from_linear, to_linear
from tests.unit.effects.scenes import hairy, parsed

REPLACE = EFFECTS["replace-background"]
GREY = np.array([120, 120, 125], np.float32)


def test_without_a_person_it_is_the_backdrop() -> None:
    image, alpha = hairy(GREY, 200)
    picture = np.random.default_rng(1).integers(0, 256, image.shape, np.uint8)
    kept = picture.copy()
    out = REPLACE(image, parsed(image, 0 * alpha), **{"with": picture})
    assert (out == kept).all() and (picture == kept).all()
    assert not np.shares_memory(out, picture)


def test_a_colour_is_where_nobody_is() -> None:
    image, alpha = hairy(GREY)
    parsing = parsed(image, alpha)
    out = REPLACE(image, parsing, **{"with": "#102030"})
    assert (out[parsing.person == 0] == (16, 32, 48)).all()


def test_with_the_true_matte_it_comes_near_the_true_mixture() -> None:
    image, alpha = hairy(GREY)
    wall = np.full_like(image, 235)
    brown = to_linear(np.full_like(image, (90, 60, 40)))
    wanted = from_linear(to_linear(wall) + alpha[..., None] * (brown - to_linear(wall)))
    out = before(image, alpha, wall.copy())
    naive = from_linear(to_linear(wall) + alpha[..., None] * (to_linear(image) - to_linear(wall)))
    edge = (alpha > 0.05) & (alpha < 0.95)
    error, worse = (np.abs(p[edge].astype(int) - wanted[edge]).mean() for p in (out, naive))
    assert error < 4 and error < 0.5 * worse


def test_light_wraps_round_the_edge_alone() -> None:
    image, alpha = hairy(GREY)
    parsing = parsed(image, alpha)
    none, full = (REPLACE(image, parsing, **{"with": "white", "wrap": w}) for w in (0, 1))
    changed = (none != full).any(-1)
    assert changed.any() and (none[changed].astype(int) <= full[changed]).all()
    assert ((parsing.person > 0) & (parsing.person < 1))[changed].all()
    dark = [REPLACE(image, parsing, **{"with": "black", "wrap": w}) for w in (0, 1)]
    assert (dark[0] == dark[1]).all()


def test_matching_changes_the_person_towards_the_backdrop() -> None:
    image, alpha = hairy(GREY)
    parsing = parsed(image, alpha)
    inside = parsing.person == 1
    blue = [REPLACE(image, parsing, **{"with": "#4060ff", "match": m})[inside] for m in (0, 1)]
    cast = [part[:, 2].mean() - part[:, 0].mean() for part in blue]
    assert cast[1] > cast[0] + 5
