"""How a quantity is spread over many pictures, and how far two such spreads are apart.

A quantity joins by being listed in `QUANTITIES`: it then stands in the JSON of
`data stats` and is compared between splits.
"""

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..taxonomy import CLASSES
from .measures import Measures

Floats = npt.NDArray[np.float64]

RARE = 1.95  # the level that Smirnov's distance passes by chance in one of 1,000 comparisons
BINS = 40  # of a quantity without bins of its own


@dataclass(frozen=True, slots=True)
class Sample:
    """The values of a quantity in some pictures.

    Attributes:
        values: (N,) float64.
        draws: how many of them came about independently. Splits are drawn by user, and
            pictures of a user are alike, so this is the number of users with any value; a
            picture of nobody known counts as one more.
    """

    values: Floats
    draws: int


@dataclass(frozen=True, slots=True)
class Quantity:
    """Something with a value for each picture, face or user.

    Attributes:
        name: in the JSON.
        label: what people call it.
        unit: of its values.
        sample: its values in some pictures.
        edges: of the bins of its histogram; the outermost hold what lies beyond them. None
            for `BINS` equal ones from the least value to the greatest.
    """

    name: str
    label: str
    unit: str
    sample: Callable[[Sequence[Measures]], Sample]
    edges: Sequence[float] | None = None

    def bins(self, values: Floats) -> Floats:
        """(B + 1,) edges, for all values that will be counted."""
        if self.edges is not None:
            return np.array(self.edges, np.float64)
        low, high = (values.min(), values.max()) if len(values) else (0.0, 1.0)
        return np.linspace(low, high if high > low else low + 1, BINS + 1)


@dataclass(frozen=True, slots=True)
class Distribution:
    """How a sample is spread.

    Attributes:
        n: how many values; without any, the others are None.
        counts: how many fall into each bin; a value on an edge belongs above it.
        mean, sd: the mean, and the root of the mean squared distance from it.
        least, p5, p25, median, p75, p95, most: the value that so many percent reach or
            stay below, between neighbours in proportion.
    """

    n: int
    counts: tuple[int, ...]
    mean: float | None
    sd: float | None
    least: float | None
    p5: float | None
    p25: float | None
    median: float | None
    p75: float | None
    p95: float | None
    most: float | None

    @classmethod
    def of(cls, values: Floats, edges: Floats) -> "Distribution":
        """Of (N,) values, counted in bins of (B + 1,) edges."""
        if not len(values):
            return cls(0, (0,) * (len(edges) - 1), *[None] * 9)
        at = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, len(edges) - 2)
        counts = np.bincount(at, minlength=len(edges) - 1)
        quantiles = np.quantile(values, [0, 0.05, 0.25, 0.5, 0.75, 0.95, 1])
        numbers = [round(float(v), 6) for v in (values.mean(), values.std(), *quantiles)]
        return cls(len(values), tuple(counts.tolist()), *numbers)


@dataclass(frozen=True, slots=True)
class Difference:
    """How far two splits are apart in a quantity.

    Attributes:
        quantity: its name.
        first, second: the splits.
        distance: 0..1, the greatest gap between their cumulative shares. At 0.2 there is a
            value that 20 in 100 more of one split stay below than of the other.
        chance: what splits drawn at random from the same people would pass in one of 1,000
            comparisons; 1 where there are too few of them to tell.
    """

    quantity: str
    first: str
    second: str
    distance: float
    chance: float

    @property
    def is_telling(self) -> bool:
        """Whether it is more than chance."""
        return self.distance > self.chance


def difference(
    quantity: Quantity, first: str, second: str, a: Sample, b: Sample
) -> Difference | None:
    """Compare two splits; None if either has no value."""
    if not (len(a.values) and len(b.values)):
        return None
    chance = min(1.0, RARE * float(np.sqrt(1 / a.draws + 1 / b.draws)))
    return Difference(
        quantity.name, first, second, round(apart(a.values, b.values), 4), round(chance, 4)
    )


def apart(a: Floats, b: Floats) -> float:
    """The greatest gap between the cumulative shares of (N,) and (M,) values: 0..1.

    Source:
        Smirnov 1939, the two-sample statistic D.

    >>> apart(np.array([1.0, 2.0, 3.0, 4.0]), np.array([3.0, 4.0, 5.0, 6.0]))
    0.5
    """
    every = np.concatenate([a, b])
    below = [np.searchsorted(np.sort(x), every, side="right") / len(x) for x in (a, b)]
    return float(np.abs(below[0] - below[1]).max())


# -- what is looked at ---------------------------------------------------------------------


def of_each(values: Callable[[Measures], Sequence[float]]) -> Callable[..., Sample]:
    """A sample of what each picture has to give: one value, several, or none."""

    def sample(pictures: Sequence[Measures]) -> Sample:
        found: list[float] = []
        owners: set[Hashable] = set()
        for picture in pictures:
            if its := values(picture):
                found += its
                owners.add(owner(picture))
        return Sample(np.array(found, np.float64), len(owners))

    return sample


def pictures_of_users(pictures: Sequence[Measures]) -> Sample:
    counts = Counter(picture.user for picture in pictures if picture.user is not None)
    return Sample(np.array([*counts.values()], np.float64), len(counts))


def owner(picture: Measures) -> Hashable:
    """Whom a picture is of, as far as it is known."""
    return picture.user if picture.user is not None else (picture.split, picture.name)


def whole(most: int) -> list[float]:
    """Edges around the whole numbers up to `most`."""
    return [n - 0.5 for n in range(most + 2)]


def _share(index: int) -> Quantity:
    name = CLASSES.names[index]
    label, unit = f"pixels of {name.replace('_', ' ')}", "share of a picture's pixels"
    return Quantity(f"share_{name}", label, unit, of_each(lambda m: [m.share(index)]))


BRIGHTNESS = Quantity(
    "brightness",
    "brightness",
    "mean luma, 0 to 255",
    of_each(lambda m: [m.brightness]),
    [*range(0, 257, 8)],
)
SHORTER_SIDE = Quantity(
    "shorter_side", "shorter side", "pixels", of_each(lambda m: [min(m.width, m.height)])
)
SHAPE = Quantity("shape", "width over height", "", of_each(lambda m: [m.width / m.height]))
FACES = Quantity(
    "faces", "faces in a picture", "faces", of_each(lambda m: [len(m.faces)]), whole(5)
)
FACE_HEIGHT = Quantity(
    "face_height",
    "height of a face",
    "share of the picture's height",
    of_each(lambda m: [f.height for f in m.faces]),
    [n / 40 for n in range(41)],
)
ROLL = Quantity(
    "roll",
    "roll of a face",
    "degrees, clockwise",
    of_each(lambda m: [f.roll for f in m.faces if f.roll is not None]),
    [*range(-60, 61, 4)],
)
YAW = Quantity(
    "yaw",
    "yaw of a face",
    "rough degrees, to the viewer's right",
    of_each(lambda m: [f.yaw for f in m.faces if f.yaw is not None]),
    [*range(-90, 91, 6)],
)
USER_PICTURES = Quantity(
    "user_pictures", "pictures of a user", "pictures", pictures_of_users, whole(12)[1:]
)
SHARES = tuple(_share(index) for index in range(len(CLASSES)))

QUANTITIES: tuple[Quantity, ...] = (
    USER_PICTURES,
    SHORTER_SIDE,
    SHAPE,
    BRIGHTNESS,
    FACES,
    FACE_HEIGHT,
    ROLL,
    YAW,
    *SHARES,
)
