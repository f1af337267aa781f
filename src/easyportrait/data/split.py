"""Which pictures are trained on, and which are tested on: by user, in given shares, alike.

A user's pictures stay together, and so do users who share a near-duplicate. Whoever has a
split already keeps it; the others are added one after the other where they are missed
most, so that every split has its share of the pictures, of the dark and bright ones, and
of the small and large ones. docs/adr/0004-who-has-a-split-keeps-it.md says why.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import BadInput
from .meta import SPLITS, frame, load_polars

Row = Mapping[str, Any]  # of meta.py's schema
Floats = npt.NDArray[np.float64]

STRATA = 8  # of brightness, and as many of size, each an eighth of the pictures
WEIGHT = 16  # of the number of pictures, against that of each trait: chosen by trying
ROUNDS = 5  # in which users may still change places, before anybody has seen them
PROTECTED = ("test", "val", "train")  # what a split that two claim is given to

# As published
SHARES: Mapping[str, Mapping[str, float]] = {
    "v1": {"train": 0.7, "val": 0.1, "test": 0.2},
    "v2": {"train": 0.75, "val": 0.1, "test": 0.15},
}


def read_shares(text: str) -> dict[str, float]:
    """Shares as they are written on a command line.

    Raises:
        BadInput: it is not such a text, or the shares are not shares (`checked`).

    >>> read_shares("train=.8, test=.2")
    {'train': 0.8, 'val': 0.0, 'test': 0.2}
    """
    shares: dict[str, float] = {}
    for piece in text.split(","):
        split, _, number = piece.partition("=")
        if split.strip() in shares:
            raise BadInput(f"shares name {split.strip()} twice: {text!r}")
        try:
            shares[split.strip()] = float(number)
        except ValueError:
            raise BadInput(
                f"shares are written train=.7,val=.1,test=.2; {piece.strip()!r} is none"
            ) from None
    return checked(shares)


def checked(shares: Mapping[str, float]) -> dict[str, float]:
    """Shares of all splits, 0 for those not named.

    Raises:
        BadInput: there is no such split, a share is below 0, or together they are not 1.
    """
    if unknown := [split for split in shares if split not in SPLITS]:
        raise BadInput(f"there is no split {unknown[0]!r}; splits: {', '.join(SPLITS)}")
    full = {split: float(shares.get(split, 0)) for split in SPLITS}
    if not all(share >= 0 for share in full.values()) or abs(sum(full.values()) - 1) > 1e-6:
        told = ", ".join(f"{split} {share:g}" for split, share in full.items())
        raise BadInput(f"shares are 0 or more and together 1, got {told}")
    return full


def assign(
    rows: Sequence[Row],
    shares: Mapping[str, float],
    *,
    groups: Iterable[Sequence[int]] = (),
    kept: Mapping[str, str] | None = None,
    seed: int = 0,
) -> dict[str, str]:
    """The split of each user.

    The same rows, in whatever order, give the same splits.

    Args:
        rows: a picture each, with name and user; brightness, width and height where they
            are to be balanced.
        shares: of the pictures, by split.
        groups: pictures that must stay together, as indices into `rows`.
        kept: users who have a split already, and which. They keep it, whatever it does to
            the shares. Users who hang together but have different ones keep those too
            (`torn` tells); who joins them gets test before val before train.
        seed: another one gives other splits.

    Returns:
        By user, all those in `rows`.

    Raises:
        BadInput: `shares` are none (`checked`).

    Source:
        Minimisation, as patients are allotted in trials (Pocock and Simon 1975), from the
        largest to the smallest as in iterative stratification (Sechidis et al. 2011), with
        users who hang together as one.
    """
    shares, kept = checked(shares), kept or {}
    wanted = [split for split in SPLITS if shares[split] > 0]
    clusters = together(rows, groups)
    traits = counts(rows, clusters)
    room = _Room(np.array([shares[split] for split in wanted]), traits.sum(0))
    result: dict[str, str] = {}
    new = []
    for i, users in enumerate(clusters):
        told = {kept[user] for user in users if user in kept}
        if told:
            home = next(split for split in PROTECTED if split in told)
            result |= {user: kept.get(user, home) for user in users}
            if home in wanted:
                room.add(wanted.index(home), traits[i])
        else:
            new.append(i)
    new.sort(key=lambda i: (-traits[i, 0], drawn(seed, clusters[i][0])))
    for i, best in zip(new, room.fill([traits[i] for i in new]), strict=True):
        result |= dict.fromkeys(clusters[i], wanted[best])
    return result


class _Room:
    """What each split has, and should have, of pictures and of each trait.

    Args:
        shares: (splits,) of all.
        total: (1 + traits,) of all pictures, of each trait.
    """

    def __init__(self, shares: Floats, total: Floats) -> None:
        self.wanted = np.outer(shares, total + 1)  # never 0
        self.have = np.zeros_like(self.wanted)
        self.weights = np.ones(len(total))
        self.weights[0] = WEIGHT

    def add(self, split: int, some: Floats) -> None:
        self.have[split] += some

    def best(self, some: Floats) -> tuple[int, Floats]:
        """Where some pictures are missed most, and what it would cost to put them anywhere:
        by how much the squared distance from what is wanted, over what is wanted, grows."""
        grows = (2 * (self.have - self.wanted) * some + some**2) / self.wanted
        cost = (self.weights * grows).sum(1)
        return int(cost.argmin()), cost

    def fill(self, clusters: Sequence[Floats]) -> list[int]:
        """A split for each, one after the other; then those who would fit better elsewhere
        by now go there."""
        homes = []
        for some in clusters:
            homes.append(self.best(some)[0])
            self.add(homes[-1], some)
        for _ in range(ROUNDS):
            before = [*homes]
            for i, some in enumerate(clusters):
                self.add(homes[i], -some)
                best, cost = self.best(some)
                if cost[best] < cost[homes[i]] - 1e-9:
                    homes[i] = best
                self.add(homes[i], some)
            if homes == before:
                break
        return homes


def together(rows: Sequence[Row], groups: Iterable[Sequence[int]]) -> list[list[str]]:
    """Users who must be in one split, sorted, each with those linked by a group to them."""
    first = {str(row["user"]): str(row["user"]) for row in rows}

    def root(user: str) -> str:
        while first[user] != user:
            first[user] = first[first[user]]
            user = first[user]
        return user

    for group in groups:
        a, *others = (root(str(rows[i]["user"])) for i in group)
        for other in others:
            low, high = sorted((root(a), root(other)))
            first[high] = low
    clusters = defaultdict(list)
    for user in sorted(first):
        clusters[root(user)].append(user)
    return list(clusters.values())


def counts(rows: Sequence[Row], clusters: Sequence[Sequence[str]]) -> Floats:
    """(clusters, 1 + traits): how many pictures each has, and how many of each trait."""
    of = {user: i for i, users in enumerate(clusters) for user in users}
    home = np.array([of[str(row["user"])] for row in rows], np.intp)
    columns = [np.ones(len(rows))]
    for values in (brightness_of(rows), side_of(rows)):
        columns += strata(values)
    found = np.zeros((len(clusters), len(columns)))
    np.add.at(found, home, np.stack(columns, 1))
    return found


def strata(values: Floats) -> list[Floats]:
    """Of each eighth of the values, 1 for those that belong to it; NaN belongs to none."""
    known = np.isfinite(values)
    if not known.any():
        return []
    edges = np.unique(np.quantile(values[known], np.arange(1, STRATA) / STRATA))
    which = np.where(known, np.searchsorted(edges, values, side="right"), -1)
    return [(which == i).astype(float) for i in range(len(edges) + 1)]


def brightness_of(rows: Sequence[Row]) -> Floats:
    """(N,) mean luma; NaN where it is not known."""
    found = [row.get("brightness") for row in rows]
    return np.array([np.nan if value is None else float(value) for value in found])


def side_of(rows: Sequence[Row]) -> Floats:
    """(N,) the shorter side in pixels; NaN where it is not known."""
    sides = [(row.get("width"), row.get("height")) for row in rows]
    return np.array([np.nan if w is None or h is None else float(min(w, h)) for w, h in sides])


def drawn(seed: int, user: str) -> bytes:
    """A lot: the same for the same user and seed on every machine, and otherwise by chance."""
    return hashlib.blake2b(f"{seed}:{user}".encode(errors="surrogatepass"), digest_size=8).digest()


def torn(
    rows: Sequence[Row],
    splits: Mapping[str, str],
    groups: Iterable[Sequence[int]],
    first: Iterable[str] = (),
) -> dict[int, int]:
    """Of groups that lie in several splits all the same, which pictures must go.

    That happens when two users who have their splits already turn out to share a picture.

    Args:
        splits: by user.
        groups: of near-duplicates, as indices into `rows`.
        first: names of pictures that were there before, which stay rather than others.

    Returns:
        Indices of pictures that look like one in another split, and which one that is.
    """
    before = set(first)
    gone: dict[int, int] = {}
    for group in groups:
        of = {i: splits[str(rows[i]["user"])] for i in group}
        best = min(
            group,
            key=lambda i: (rows[i]["name"] not in before, PROTECTED.index(of[i]), rows[i]["name"]),
        )
        gone |= {i: best for i in group if of[i] != of[best]}
    return gone


# -- what came of it -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Part:
    """One split, in numbers.

    Attributes:
        share: of all pictures.
        brightness: mean of the pictures' mean luma; None if it is not known.
        side: median of the pictures' shorter sides, in pixels; None if it is not known.
        brightness_off, side_off: how unlike all pictures they are in that, 0 to 1
            (Kolmogorov and Smirnov's distance): 0.02 says that up to any value there are
            at most 2 of 100 pictures more, or fewer, than among all.
    """

    split: str
    pictures: int
    users: int
    share: float
    brightness: float | None
    side: float | None
    brightness_off: float | None
    side_off: float | None


def parts(rows: Sequence[Row]) -> list[Part]:
    """What each split holds; those without a picture are left out.

    Args:
        rows: with name, user, split, and as much of brightness, width, height as is known.

    Raises:
        MissingExtra: Polars is not installed.
    """
    pl = load_polars()
    table = frame(rows).with_columns(side=pl.min_horizontal("width", "height"))
    found = []
    for split in SPLITS:
        mine = table.filter(pl.col("split") == split)
        if mine.is_empty():
            continue
        found.append(
            Part(
                split=split,
                pictures=len(mine),
                users=mine["user"].n_unique(),
                share=len(mine) / len(table),
                brightness=_rounded(mine["brightness"].mean(), 1),
                side=_rounded(mine["side"].median(), 1),
                brightness_off=apart(mine["brightness"].to_numpy(), table["brightness"].to_numpy()),
                side_off=apart(mine["side"].to_numpy(), table["side"].to_numpy()),
            )
        )
    return found


def apart(some: npt.ArrayLike, whole: npt.ArrayLike) -> float | None:
    """Kolmogorov and Smirnov's distance of two samples, 0 to 1; None if one is empty.

    >>> apart([1, 2, 3, 4], [1, 2, 3, 4]), apart([1, 2], [1, 2, 3, 4]), apart([], [1])
    (0.0, 0.5, None)
    """
    a, b = (np.sort(np.asarray(values, float)) for values in (some, whole))
    a, b = a[np.isfinite(a)], b[np.isfinite(b)]
    if not len(a) or not len(b):
        return None
    at = np.concatenate([a, b])
    below = (np.searchsorted(one, at, side="right") / len(one) for one in (a, b))
    return round(float(np.abs(np.subtract(*below)).max()), 4)


def _rounded(value: Any, digits: int) -> float | None:
    return None if value is None else round(float(value), digits)
