import numpy as np
import pytest

from easyportrait.evaluate.bootstrap import draws, interval, numbered, resampled


def test_everybody_drawn_once_is_the_set() -> None:
    values = np.arange(24).reshape(4, 2, 3)
    units = numbered(["a", "b", "a", "c"])
    sums = resampled(values, units, np.array([[1, 1, 1], [2, 0, 1]]))
    assert np.array_equal(sums[0], values.sum(0))
    assert np.array_equal(sums[1], 2 * (values[0] + values[2]) + values[3])


def test_as_many_are_drawn_as_there_are_and_a_seed_decides() -> None:
    drawn = draws(7, np.random.default_rng(3), 50)
    assert drawn.shape == (50, 7) and (drawn.sum(1) == 7).all() and drawn.min() == 0
    assert np.array_equal(drawn, draws(7, np.random.default_rng(3), 50))


def test_the_interval_of_a_mean_is_the_textbooks() -> None:
    n = 400
    values = np.random.default_rng(0).normal(10, 2, n)
    units, rng = np.arange(n), np.random.default_rng(1)
    sums = resampled(np.stack([values, np.ones(n)], 1), units, draws(n, rng))
    low, high = interval(sums[:, 0] / sums[:, 1])
    error = values.std() / np.sqrt(n)
    assert low == pytest.approx(values.mean() - 1.96 * error, abs=0.25 * error)
    assert high == pytest.approx(values.mean() + 1.96 * error, abs=0.25 * error)


def test_pictures_of_one_person_do_not_make_one_surer() -> None:
    values = np.random.default_rng(0).normal(0, 1, 50)
    people = np.arange(50)

    def width(repeats: int, units: np.ndarray) -> float:
        many = np.stack([np.repeat(values, repeats), np.ones(50 * repeats)], 1)
        drawn = draws(int(units.max()) + 1, np.random.default_rng(0))
        sums = resampled(many, units, drawn)
        low, high = interval(sums[:, 0] / sums[:, 1])
        return float(high - low)

    alone = width(1, people)
    assert width(9, np.repeat(people, 9)) == pytest.approx(alone)
    assert width(9, np.arange(450)) < 0.4 * alone


def test_what_has_no_score_in_a_sample_is_left_out_of_the_interval() -> None:
    samples = np.array([[0.0, np.nan], [np.nan, np.nan], [1.0, np.nan]])
    low, high = interval(samples)
    assert low[0] == pytest.approx(0.025) and high[0] == pytest.approx(0.975)
    assert np.isnan(low[1]) and np.isnan(high[1])
    assert interval(np.zeros((5, 2, 3))).shape == (2, 2, 3)
