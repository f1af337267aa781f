import numpy as np
import pytest
from scipy import stats as scipy

from easyportrait.data.distributions import (
    BRIGHTNESS,
    FACE_HEIGHT,
    FACES,
    QUANTITIES,
    RARE,
    SHORTER_SIDE,
    USER_PICTURES,
    Distribution,
    apart,
    difference,
)
from easyportrait.data.measures import Measures
from tests.unit.data.numbers import measured


def test_the_distance_is_scipys() -> None:
    rng = np.random.default_rng(0)
    for _ in range(30):
        a, b = (rng.integers(-5, 6, rng.integers(1, 40)).astype(float) for _ in "ab")  # with ties
        assert apart(a, b) == pytest.approx(scipy.ks_2samp(a, b, method="asymp").statistic)
        assert apart(a, b) == apart(b, a) and apart(a, a) == 0


def test_chance_passes_the_level_once_in_a_thousand() -> None:
    assert scipy.kstwobign.isf(0.001) == pytest.approx(RARE, abs=0.005)
    rng = np.random.default_rng(0)
    draws = [apart(*rng.normal(size=(2, 60))) for _ in range(2000)]
    assert np.mean(np.array(draws) > RARE * np.sqrt(2 / 60)) <= 0.003


def test_splits_differ_if_their_users_do_and_not_if_only_pictures_are_many() -> None:
    rng = np.random.default_rng(1)

    def split(users: int, each: int, light: float) -> list[Measures]:
        owns = rng.normal(light, 20, users)
        return [
            measured(f"{u}-{i}", f"{light}{u}", float(owns[u]))
            for u in range(users)
            for i in range(each)
        ]

    def compared(a: list[Measures], b: list[Measures]) -> bool:
        found = difference(BRIGHTNESS, "train", "val", BRIGHTNESS.sample(a), BRIGHTNESS.sample(b))
        assert found is not None
        return found.is_telling

    assert compared(split(150, 2, 100), split(150, 2, 130))
    assert not compared(split(150, 2, 100), split(150, 2, 100.5))
    few = split(4, 500, 100), split(4, 500, 140)  # 2,000 pictures, and yet four people
    assert not compared(*few)


def test_too_few_are_never_telling_and_none_cannot_be_compared() -> None:
    one = BRIGHTNESS.sample([measured()])
    found = difference(BRIGHTNESS, "train", "val", one, BRIGHTNESS.sample([measured(brightness=9)]))
    assert found is not None and found.distance == 1 and found.chance == 1
    assert not found.is_telling
    assert difference(BRIGHTNESS, "train", "val", one, BRIGHTNESS.sample([])) is None


def test_draws_are_users_and_pictures_of_nobody_known_count_each() -> None:
    pictures = [measured("a", "u"), measured("b", "u"), measured("c", None), measured("d", None)]
    assert BRIGHTNESS.sample(pictures).draws == 3
    none = [measured("e", "v", faces=())]
    assert FACE_HEIGHT.sample(pictures + none).draws == 3  # who shows no face says nothing of it
    assert FACES.sample(pictures + none).values.tolist() == [1, 1, 1, 1, 0]
    assert USER_PICTURES.sample(pictures + none).values.tolist() == [2, 1]


def test_a_distribution_is_numpys_numbers_and_counts_everything() -> None:
    values = np.array([-3.0, 0.0, 1.0, 1.0, 2.0, 9.0])
    found = Distribution.of(values, np.array([0.0, 1.0, 2.0, 3.0]))
    assert found.counts == (2, 2, 2)  # what lies beyond is in the outermost
    assert (found.n, found.least, found.median, found.most) == (6, -3, 1, 9)
    assert found.mean == pytest.approx(values.mean(), abs=1e-6)
    assert found.sd == pytest.approx(values.std(), abs=1e-6)
    assert found.p5 == pytest.approx(np.quantile(values, 0.05))
    nothing = Distribution.of(np.array([]), np.array([0.0, 1.0]))
    assert (nothing.n, nothing.mean, nothing.counts) == (0, None, (0,))


@pytest.mark.parametrize("values", [[], [7.0], [1.0, 3.0, 2.0]])
def test_bins_without_edges_of_their_own_hold_all_values(values: list[float]) -> None:
    array = np.array(values)
    edges = SHORTER_SIDE.bins(array)
    assert len(edges) == 41 and (np.diff(edges) > 0).all()
    assert sum(Distribution.of(array, edges).counts) == len(values)


def test_quantities_have_names_of_their_own() -> None:
    assert len({q.name for q in QUANTITIES}) == len({q.label for q in QUANTITIES}) == 17
