"""From counts to scores: of the whole set, of groups of pictures, with intervals."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from ..taxonomy import TASKS, Taxonomy, to_task
from .bootstrap import Value, draws, interval, numbered, resampled
from .boundary import boundary_f, boundary_iou
from .calibration import expected_error
from .confusion import Floats, Numbers, accuracy, f1, iou, mean, merged, precision, ratio, recall
from .groups import ATTRIBUTES, Attribute, Group, grouped
from .matte import gradient_error, mad, mse, sad
from .record import Record, Shot, held, held_iou

WHOLE = "person_whole"  # every class above 0 as one, of a model of nine classes
BACKGROUND = 0
SEED = 0  # of the resampling: the same set gives the same intervals

Score = Callable[[Numbers], Floats]
OF_PIXELS: Mapping[str, Score] = {"iou": iou, "f1": f1, "precision": precision, "recall": recall}
OF_EDGES: Mapping[str, Score] = {"boundary_f": boundary_f, "boundary_iou": boundary_iou}
OF_MATTES: Mapping[str, Score] = {
    "sad": sad, "mad": mad, "mse": mse, "gradient_error": gradient_error,
}  # fmt: skip

# Scores of a class; means of them over classes; and all there are of a model
OF_CLASS = (*OF_PIXELS, *OF_EDGES)
MEANS = {
    "miou": "iou",
    "mean_f1": "f1",
    "boundary_f": "boundary_f",
    "boundary_iou": "boundary_iou",
}
OVERALL = (*MEANS, "accuracy", "calibration_error", *OF_MATTES)


@dataclass(frozen=True, slots=True)
class Failure:
    """A picture that could not be scored."""

    name: str
    message: str

    def __str__(self) -> str:
        return f"{self.name}: {self.message}"


@dataclass(frozen=True, slots=True)
class Scored:
    """The scores of some pictures.

    Attributes:
        pictures: how many.
        users: of how many people, as far as known.
        overall: by name, those of `OVERALL` that there are.
        tasks: mean IoU by task; of a model of nine classes also as if it were one of two,
            or eight.
        classes: by class, then name, those of `OF_CLASS`. Classes that the masks never
            hold are left out.
    """

    pictures: int
    users: int
    overall: Mapping[str, Value]
    tasks: Mapping[str, Value]
    classes: Mapping[str, Mapping[str, Value]]


@dataclass(frozen=True, eq=False)
class Scores:
    """What a model reaches on one set.

    Attributes:
        model: name and version.
        task: of `taxonomy.TASKS`.
        looks: 1 or 2.
        records: of the pictures that could be scored, in the set's order; at least one.
        failures: those that could not.
        worst: the pictures of lowest mean IoU, the lowest first, as many as were asked for.
    """

    model: str
    task: str
    looks: int
    records: tuple[Record, ...]
    failures: tuple[Failure, ...] = ()
    worst: tuple[Shot, ...] = ()

    @property
    def taxonomy(self) -> Taxonomy:
        return TASKS[self.task]

    @property
    def pictures(self) -> int:
        return len(self.records)

    @cached_property
    def total(self) -> Scored:
        """The scores of the whole set."""
        return self._of(np.full(self.pictures, True))

    @property
    def iou(self) -> dict[str, float]:
        """By class; of a model of nine classes also the whole person."""
        found = {name: scores["iou"].value for name, scores in self.total.classes.items()}
        return {name: value for name, value in found.items() if value is not None}

    @property
    def mean(self) -> float:
        """Mean IoU over the classes of the model that the masks hold; NaN without any."""
        value = self.total.overall.get("miou", Value(None)).value
        return float("nan") if value is None else value

    @cached_property
    def by_group(self) -> Mapping[Attribute, Sequence[tuple[Group, Scored]]]:
        """The scores of each group of pictures. An attribute by which all pictures are in one
        group is left out."""
        attributes = [record.attributes for record in self.records]
        groups = {one: grouped(one, attributes) for one in ATTRIBUTES}
        return {
            one: [(group, self._of(group.members)) for group in its]
            for one, its in groups.items()
            if its
        }

    @cached_property
    def counts(self) -> Numbers:
        """(C, C) pixels of the whole set, true class first."""
        return self._tallies["counts"].sum(0)

    @cached_property
    def bins(self) -> Numbers:
        """(3, BINS) of the whole set: points, their probabilities, how many are right."""
        return self._tallies["bins"].sum(0)

    @cached_property
    def _tallies(self) -> dict[str, Numbers]:
        names = ("counts", "edges", "bins", "matte")
        return {name: np.stack([getattr(r, name) for r in self.records]) for name in names}

    def _of(self, members: npt.NDArray[np.bool_]) -> Scored:
        mine = {name: values[members] for name, values in self._tallies.items()}
        knows_background = bool(self.counts.sum(-1)[BACKGROUND])
        sums = {name: values.sum(0) for name, values in mine.items()}
        found = measured(self.task, knows_background, **sums)
        ends: dict[str, Floats] = {}
        records = [r for r, is_in in zip(self.records, members, strict=True) if is_in]
        # a tuple, since a user may be called like a picture
        units = numbered([r.name if r.user is None else (r.user,) for r in records])
        if units.max() > 0:  # of one person nobody can tell
            drawn = draws(int(units.max()) + 1, np.random.default_rng(SEED))
            again = {name: resampled(values, units, drawn) for name, values in mine.items()}
            samples = measured(self.task, knows_background, **again)
            ends = {name: interval(values) for name, values in samples.items()}
        users = {r.user for r in records} - {None}
        return told(self.task, len(records), len(users), found, ends)


def measured(
    task: str,
    knows_background: bool,
    *,
    counts: Numbers,
    edges: Numbers,
    bins: Numbers,
    matte: Numbers,
) -> dict[str, Floats]:
    """Every score, of any number of sets at once.

    A class that the masks of a set never hold has no score there (NaN) and is left out of
    means, however often it is predicted: a set may draw only some classes and mark the
    rest 255.

    Args:
        task: of the model.
        knows_background: whether any mask of the whole set holds it. Without, nothing is
            said of where the person ends, nor of other tasks than the model's.
        counts, edges, bins, matte: as in `Record`, added up, with any dimensions before.

    Returns:
        Those of `OVERALL`; `miou_TASK`; and, with one more dimension of classes (the last
        being the whole person for a model of nine), `class_` and those of `OF_CLASS`.
    """
    classes = len(TASKS[task])
    found = {f"miou_{task}": mean(held_iou(counts))}
    found |= {f"class_{name}": held(score(counts), counts) for name, score in OF_PIXELS.items()}
    if task == "joint":
        views = {other: merged(counts, to_task(other).table[:classes]) for other in ("ps", "fp")}
        found |= {f"miou_{other}": mean(held_iou(view)) for other, view in views.items()}
        for name, score in OF_PIXELS.items():
            whole = held(score(views["ps"]), views["ps"])[..., 1:]
            found[f"class_{name}"] = np.concatenate([found[f"class_{name}"], whole], -1)
        if not knows_background:
            for other in views:
                found[f"miou_{other}"] = np.full_like(found[f"miou_{other}"], np.nan)
            for name in OF_PIXELS:
                found[f"class_{name}"][..., -1] = np.nan
    absent = np.isnan(found["class_recall"])
    for name, score in OF_EDGES.items():
        found[f"class_{name}"] = np.where(absent, np.nan, score(edges))
    for name, of_each in MEANS.items():
        found[name] = mean(found[f"class_{of_each}"][..., :classes])
    found["accuracy"] = accuracy(counts)
    found["calibration_error"] = expected_error(bins)
    for name, score in OF_MATTES.items():
        found[name] = score(matte if knows_background else np.zeros_like(matte))
    return found


def told(
    task: str, pictures: int, users: int, found: Mapping[str, Floats], ends: Mapping[str, Floats]
) -> Scored:
    """Scores and the ends of their intervals, by name.

    Args:
        found: as `measured` of one set.
        ends: each with one more dimension before, of 2; empty where there are none.
    """

    def value(name: str, *at: int) -> Value:
        low, high = (end[at] for end in ends[name]) if name in ends else (np.nan, np.nan)
        return Value(*(rounded(number) for number in (found[name][at], low, high)))

    def there(values: dict[str, Value]) -> dict[str, Value]:
        return {name: one for name, one in values.items() if one.value is not None}

    names = [*TASKS[task].names, *([WHOLE] if task == "joint" else [])]
    classes = {
        name: there({score: value(f"class_{score}", i) for score in OF_CLASS})
        for i, name in enumerate(names)
    }
    return Scored(
        pictures,
        users,
        there({name: value(name) for name in OVERALL}),
        there({other: value(f"miou_{other}") for other in TASKS if f"miou_{other}" in found}),
        {name: scores for name, scores in classes.items() if "iou" in scores},
    )


def rounded(number: float | np.floating) -> float | None:
    """To six places; None for NaN."""
    return None if np.isnan(number) else round(float(number), 6)


def reliability(bins: Numbers) -> tuple[Floats, Floats]:
    """(B,) mean probability and (B,) share of right points of each bin; NaN without points."""
    return ratio(bins[1], bins[0]), ratio(bins[2], bins[0])
