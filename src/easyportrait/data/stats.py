"""What is in a dataset: sizes, light, classes, faces, users, and whether splits are alike."""

import json
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import BadInput, EasyPortraitError
from ..taxonomy import CLASSES
from .distributions import QUANTITIES, Difference, Distribution, Floats, difference
from .easyportrait import EasyPortrait, losses, remarks, rows_of
from .layout import Entry
from .measures import Counts, Measures, measure
from .meta import SPLITS
from .pool import on_all_cores

ALL = "all"
MOST_SIZES = 10


@dataclass(frozen=True, slots=True)
class Failure:
    """A picture that could not be measured, and why."""

    name: str
    split: str
    message: str

    def __str__(self) -> str:
        return f"{self.split}/{self.name}: {self.message}"


@dataclass(frozen=True, slots=True)
class ClassCount:
    """How much there is of a class in some masks.

    Attributes:
        pixels: of it, in all of them.
        share: of all their pixels, 0..1.
        masks: in how many it occurs, with a pixel or more.
        masks_share: of all of them, 0..1.
    """

    pixels: int
    share: float
    masks: int
    masks_share: float


@dataclass(frozen=True)
class Stats:
    """What was measured.

    Attributes:
        root: the dataset.
        pictures: those that could be measured, by split and name.
        failures: those that could not.
        left_out: what has no partner or no row, a line each (`EasyPortrait`, partial).
    """

    root: Path
    pictures: tuple[Measures, ...]
    failures: tuple[Failure, ...] = ()
    left_out: tuple[str, ...] = ()

    @cached_property
    def groups(self) -> Mapping[str, tuple[Measures, ...]]:
        """The pictures of each split that has any, and of all."""
        split = {s: tuple(p for p in self.pictures if p.split == s) for s in SPLITS}
        return {s: pictures for s, pictures in split.items() if pictures} | {ALL: self.pictures}

    @property
    def splits(self) -> tuple[str, ...]:
        return tuple(group for group in self.groups if group != ALL)

    @cached_property
    def users(self) -> Mapping[str, int]:
        """How many there are in each group."""
        return {
            group: len({p.user for p in pictures} - {None})
            for group, pictures in self.groups.items()
        }

    @cached_property
    def classes(self) -> Mapping[str, Mapping[str, ClassCount]]:
        """By class, then group; also "unknown" (255), and "no class" for any other value."""
        pixels = {
            name: [p.pixels[i] for p in self.pictures] for i, name in enumerate(CLASSES.names)
        }
        pixels["unknown"] = [p.unknown for p in self.pictures]
        pixels["no class"] = [p.strange for p in self.pictures]
        return {name: self._counted(np.array(of_it, np.int64)) for name, of_it in pixels.items()}

    def _counted(self, pixels: Counts) -> dict[str, ClassCount]:
        areas = np.array([p.width * p.height for p in self.pictures], np.int64)
        splits = np.array([p.split for p in self.pictures])
        counted = {}
        for group in self.groups:
            mine = np.full(len(areas), True) if group == ALL else splits == group
            there, masks = int(pixels[mine].sum()), int((pixels[mine] > 0).sum())
            counted[group] = ClassCount(
                there, there / int(areas[mine].sum()), masks, masks / int(mine.sum())
            )
        return counted

    @cached_property
    def sizes(self) -> Mapping[str, tuple[tuple[int, int, int], ...]]:
        """The most frequent of each group: (width, height, how many pictures)."""
        counts = {g: Counter((p.width, p.height) for p in ps) for g, ps in self.groups.items()}
        return {
            group: tuple((*size, n) for size, n in counter.most_common(MOST_SIZES))
            for group, counter in counts.items()
        }

    @cached_property
    def edges(self) -> Mapping[str, Floats]:
        """Of the bins that each quantity is counted in, the same for all groups."""
        return {q.name: q.bins(q.sample(self.pictures).values) for q in QUANTITIES}

    @cached_property
    def quantities(self) -> Mapping[str, Mapping[str, Distribution]]:
        """By quantity, then group."""
        return {
            q.name: {
                group: Distribution.of(q.sample(pictures).values, self.edges[q.name])
                for group, pictures in self.groups.items()
            }
            for q in QUANTITIES
        }

    @cached_property
    def differences(self) -> tuple[Difference, ...]:
        """Between each two splits, in each quantity that both have."""
        found = []
        for first, second in combinations(self.splits, 2):
            for quantity in QUANTITIES:
                a, b = (quantity.sample(self.groups[split]) for split in (first, second))
                found.append(difference(quantity, first, second, a, b))
        return tuple(one for one in found if one is not None)

    def to_json(self) -> str:
        """All of it as one JSON object, "each" picture on a line of its own at the end."""
        told = {
            "root": str(self.root),
            "pictures": {group: len(pictures) for group, pictures in self.groups.items()},
            "users": self.users,
            "failures": [asdict(failure) for failure in self.failures],
            "left_out": self.left_out,
            "classes": {
                name: {group: asdict(count) for group, count in counts.items()}
                for name, counts in self.classes.items()
            },
            "sizes": self.sizes,
            "quantities": {
                q.name: {
                    "label": q.label,
                    "unit": q.unit,
                    "edges": self.edges[q.name].tolist(),
                    **{g: asdict(spread) for g, spread in self.quantities[q.name].items()},
                }
                for q in QUANTITIES
            },
            "differences": [asdict(d) | {"is_telling": d.is_telling} for d in self.differences],
        }
        head = json.dumps(told, indent=2).removesuffix("\n}")
        each = ",\n    ".join(json.dumps(_row(picture)) for picture in self.pictures)
        return f'{head},\n  "each": [\n    {each}\n  ]\n}}'


def _row(picture: Measures) -> dict[str, Any]:
    row = asdict(picture)
    return row | {"pixels": dict(zip(CLASSES.names, picture.pixels, strict=True))}


def stats(
    root: Path | str,
    *,
    splits: Collection[str] = (),
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Stats:
    """Measure a whole dataset, on all cores.

    Pictures pass through a few at a time; what is kept of each is a row of numbers.

    Args:
        root: as `EasyPortrait` takes it. What does not pair is left out and told.
        splits: those to look at; all of them if none is named.
        progress: called after each picture with how many are done, and of how many.

    Raises:
        BadInput: as `EasyPortrait`; there is no such split; no picture can be measured.
        MissingExtra: there is a table, and Polars is not installed.
    """
    dataset = EasyPortrait(root, partial=True)
    chosen = dataset.where(split=splits) if splits else dataset
    left_out = (*losses(dataset.index, rows_of(dataset.index)), *remarks(dataset.index))
    pictures: list[Measures] = []
    failures: list[Failure] = []

    def attempt(entry: Entry) -> Measures | EasyPortraitError:
        try:
            return measure(entry)
        except EasyPortraitError as error:
            return error

    for done, (entry, result) in enumerate(on_all_cores(attempt, chosen.entries), 1):
        if isinstance(result, EasyPortraitError):
            failures.append(Failure(entry.name, entry.split, str(result)))
        else:
            pictures.append(result)
        progress(done, len(chosen))
    if not pictures:
        raise BadInput(
            f"{root}: none of {len(failures)} pictures can be measured; the first, {failures[0]}"
        )
    return Stats(dataset.root, tuple(pictures), tuple(failures), left_out)
