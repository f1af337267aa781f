import time

import numpy as np
import pytest

from easyportrait.data.duplicates import alike, as_hashes, bands, near
from easyportrait.errors import BadInput


def hashes_with_relatives(n: int) -> np.ndarray:
    """Random ones, and each again with one, two, ... of its bits turned over."""
    rng = np.random.default_rng(0)
    found = [rng.integers(0, 2**64, n, np.uint64)]
    for _ in range(6):
        found.append(found[-1] ^ (np.uint64(1) << rng.integers(0, 64, n, np.uint64)))
    return np.unique(np.concatenate(found))


@pytest.mark.parametrize("distance", [0, 1, 2, 3, 4, 6, 9, 12, 13, 20, 32])
def test_pairs_are_those_that_counting_every_pair_finds(distance: int) -> None:
    hashes = hashes_with_relatives(60)
    numbers = [int(h) for h in hashes]
    every = {
        (i, j)
        for j in range(len(numbers))
        for i in range(j)
        if (numbers[i] ^ numbers[j]).bit_count() <= distance
    }
    found = {(min(p), max(p)) for i, j in near(hashes, distance) for p in zip(i, j, strict=True)}
    assert found == every


@pytest.mark.parametrize("distance", range(33))
def test_bands_cover_each_bit_once_and_are_more_than_the_distance(distance: int) -> None:
    found = bands(distance)
    if found != [(0, 0)]:
        assert len(found) == distance + 1
        assert [bit for low, n in found for bit in range(low, low + n)] == [*range(64)]


def test_a_group_is_what_hangs_together() -> None:
    assert alike(np.array([0, 0b1, 0b11, 0xFF00, 0xFF00], np.uint64), 1) == [(0, 1, 2), (3, 4)]
    assert alike(np.array([0, 0b11], np.uint64), 1) == []
    assert alike(np.array([], np.uint64), 4) == []


def test_forty_thousand_are_done_in_a_moment() -> None:
    """Under a quarter of a second at the usual distance; ten times that is allowed for."""
    hashes = np.random.default_rng(0).integers(0, 2**64, 40_000, np.uint64)
    hashes[39_999] = hashes[7] ^ np.uint64(0b1111)
    start = time.perf_counter()
    assert alike(hashes, 4) == [(7, 39_999)]
    assert time.perf_counter() - start < 2.5


def test_forty_thousand_of_the_same_are_one_group() -> None:
    assert alike(np.full(40_000, 5, np.uint64), 4) == [tuple(range(40_000))]


def test_what_is_no_hash_or_distance_is_refused() -> None:
    with pytest.raises(BadInput, match=r"16 hexadecimal digits, got 'ff'"):
        as_hashes(["ff"])
    with pytest.raises(BadInput, match="16 hexadecimal digits"):
        as_hashes(["z" * 16])
    with pytest.raises(BadInput, match="16 hexadecimal digits"):
        as_hashes(["-000000000000001"])
    with pytest.raises(BadInput, match="0 to 32 bits, got 33"):
        alike(np.array([1], np.uint64), 33)
