"""How far a score would move with other people before the camera: the bootstrap, by users.

Pictures of one person are alike, so people are drawn again, each with all of their
pictures (a cluster bootstrap; Davison & Hinkley 1997, 3.8).
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .confusion import Floats, Numbers

ROUNDS = 1000
BETWEEN = (2.5, 97.5)  # percentiles


@dataclass(frozen=True, slots=True)
class Value:
    """A score and its 95 % interval; None where there is none.

    Attributes:
        value: of the set as it is.
        low, high: percentiles 2.5 and 97.5 over resampled sets.
    """

    value: float | None
    low: float | None = None
    high: float | None = None


def numbered(owners: Sequence[Hashable]) -> npt.NDArray[np.intp]:
    """(N,) 0 to U - 1: the same for the same owner.

    >>> numbered(["a", "b", "a"]).tolist()
    [0, 1, 0]
    """
    known: dict[Hashable, int] = {}
    return np.array([known.setdefault(owner, len(known)) for owner in owners], np.intp)


def draws(units: int, rng: np.random.Generator, rounds: int = ROUNDS) -> npt.NDArray[np.int64]:
    """(rounds, units): how often each is drawn, when as many as there are are drawn with
    replacement."""
    return rng.multinomial(units, np.full(units, 1 / units), size=rounds)


def resampled(values: Numbers, units: npt.NDArray[np.intp], drawn: Numbers) -> Floats:
    """Sums over each resampled set.

    Args:
        values: (N, ...) of pictures.
        units: (N,) to whom each belongs.
        drawn: (rounds, U).

    Returns:
        (rounds, ...) float64.
    """
    flat = values.reshape(len(values), -1).astype(np.float64)
    sums = np.zeros((drawn.shape[1], flat.shape[1]))
    np.add.at(sums, units, flat)
    return (drawn.astype(np.float64) @ sums).reshape(len(drawn), *values.shape[1:])


def interval(samples: Floats) -> Floats:
    """(rounds, ...) -> (2, ...): the 95 % interval of what is not NaN; NaN where all is."""
    flat = samples.reshape(len(samples), -1)
    out = np.full((2, flat.shape[1]), np.nan)
    unknown = np.isnan(flat)
    whole = ~unknown.any(0)
    out[:, whole] = np.percentile(flat[:, whole], BETWEEN, axis=0)
    for column in np.flatnonzero(unknown.any(0) & ~unknown.all(0)):
        out[:, column] = np.percentile(flat[~unknown[:, column], column], BETWEEN)
    return out.reshape(2, *samples.shape[1:])
