"""Pictures that look alike, found among tens of thousands by their perceptual hashes."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from ..errors import BadInput

BITS = 64
HASH = re.compile("[0-9a-fA-F]{16}")
FURTHEST = 32  # two pictures with nothing in common differ in about so many bits

Hashes = npt.NDArray[np.uint64]
Indices = npt.NDArray[np.intp]


def as_hashes(digits: Sequence[str]) -> Hashes:
    """(N,) uint64 of as many hashes of 16 hexadecimal digits (hashing.phash).

    Raises:
        BadInput: one is no such number.
    """
    if odd := [text for text in digits if not HASH.fullmatch(text)]:
        raise BadInput(f"a hash is 16 hexadecimal digits, got {odd[0]!r}")
    return np.array([int(text, 16) for text in digits], np.uint64)


def alike(hashes: Hashes, distance: int) -> list[tuple[int, ...]]:
    """Groups of pictures, each within `distance` bits of another of its group.

    Args:
        hashes: (N,) uint64.
        distance: 0 to 32, in bits.

    Returns:
        Groups of two and more as indices into `hashes`, ascending, by their first.

    Raises:
        BadInput: the distance is none of these.

    >>> alike(np.array([0b0000, 0b1111_0000, 0b0001, 0b0011], np.uint64), 1)
    [(0, 2, 3)]
    """
    if not 0 <= distance <= FURTHEST:
        raise BadInput(f"a distance between hashes is 0 to {FURTHEST} bits, got {distance}")
    unique, group = np.unique(hashes, return_inverse=True)
    root = np.arange(len(unique))
    for i, j in near(unique, distance):
        # those of one group already are passed over at once: at most N - 1 are left to join
        apart = root[i] != root[j]
        for a, b in zip(i[apart], j[apart], strict=True):
            if root[a] != root[b]:
                root[root == root[b]] = root[a]
    members: defaultdict[int, list[int]] = defaultdict(list)
    for index, first in enumerate(root[group.ravel()]):
        members[int(first)].append(index)
    return sorted(tuple(found) for found in members.values() if len(found) > 1)


def near(hashes: Hashes, distance: int) -> Iterator[tuple[Indices, Indices]]:
    """Every pair of hashes that differ in at most `distance` bits, and no other.

    Cut 64 bits into distance + 1 bands. Two hashes that differ in `distance` bits cannot
    differ in every band, since each differing bit lies in one: they agree in at least one
    band (the pigeonhole principle). So only those that agree in a band are compared, and
    none is missed. Sorted by a band, they stand beside each other: hash k is compared with
    k + 1, then k + 2, and so on, as far as the band agrees. A band of w bits leaves about
    1 in 2^w of all pairs; of 40,000 pictures at distance 4 (bands of 12 and 13 bits) that
    is under a million of 800 million. Where bands would be so narrow that together they
    leave more than all pairs, one band of no bits takes their place.

    Args:
        hashes: (N,) uint64, none twice.

    Yields:
        Indices of the first and of the second of some pairs. A pair that agrees in
        several bands comes once for each. Memory is a few times that of the hashes.
    """
    for shift, width in bands(distance):
        band = (hashes >> np.uint64(shift)) & np.uint64((1 << width) - 1)
        order = np.argsort(band, kind="stable")
        band, ordered = band[order], hashes[order]
        first, step = np.arange(len(hashes)), 0
        while len(first):
            step += 1
            first = first[: np.searchsorted(first, len(hashes) - step)]
            first = first[band[first] == band[first + step]]
            close = first[ones(ordered[first] ^ ordered[first + step]) <= distance]
            if len(close):
                yield order[close], order[close + step]


def bands(distance: int) -> list[tuple[int, int]]:
    """(first bit, how many bits) of each band.

    >>> bands(3)
    [(0, 16), (16, 16), (32, 16), (48, 16)]
    >>> bands(20)
    [(0, 0)]
    """
    count = distance + 1
    if distance and count >= 2 ** (BITS // count):
        return [(0, 0)]
    edges = [BITS * i // count for i in range(count + 1)]
    return [(low, high - low) for low, high in pairwise(edges)]


def ones(bits: Hashes) -> Hashes:
    """How many bits are set in each, by adding up ever larger halves (NumPy 1 cannot count).

    >>> ones(np.array([0, 0b1011, 2**64 - 1], np.uint64)).tolist()
    [0, 3, 64]
    """
    pairs, fours, eights, each, top = (
        np.uint64(n)
        for n in (
            0x5555555555555555,
            0x3333333333333333,
            0x0F0F0F0F0F0F0F0F,
            0x0101010101010101,
            56,
        )
    )
    one, two, four = np.uint64(1), np.uint64(2), np.uint64(4)
    bits = bits - ((bits >> one) & pairs)
    bits = (bits & fours) + ((bits >> two) & fours)
    bits = (bits + (bits >> four)) & eights
    return (bits * each) >> top
