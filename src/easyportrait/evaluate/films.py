"""How calm a model's answers are over films, which need no masks: as the net says, and steadied."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import BadInput
from ..parsing import Parsing
from ..taxonomy import Taxonomy
from .flicker import AROUND, STILL, Restless, Stillness, Unrest
from .scores import Failure, rounded

KINDS = {"as_said": "as the net says", "steadied": "steadied"}
ROWS = {
    "labels": "still pixels that change class",
    "person": "change of the person, still pixels",
    "temporal_error": "temporal error, all pixels",
}


@dataclass(frozen=True, slots=True)
class Film:
    """One film.

    Attributes:
        name: its path.
        frames: how many were looked at.
        height, width: of them, in pixels.
        as_said: of answers as the net gives them.
        steadied: of the same, made calm.
    """

    name: str
    frames: int
    height: int
    width: int
    as_said: Unrest
    steadied: Unrest


@dataclass(frozen=True, slots=True)
class Films:
    """What a model does on some films.

    Attributes:
        model: name and version.
        task: of `taxonomy.TASKS`.
        looks: 1 or 2.
        every: the net looked at every so many frames.
        films: those that could be measured.
        failures: those that could not.
    """

    model: str
    task: str
    looks: int
    every: int
    films: tuple[Film, ...]
    failures: tuple[Failure, ...] = ()


def measured(name: str, answers: Iterable[tuple[Parsing, Parsing]], taxonomy: Taxonomy) -> Film:
    """How restless a film's answers are.

    Args:
        name: what to call it.
        answers: of each frame in order, its parsing as the net says and the same steadied.
            Read one at a time; two frames are kept.
        taxonomy: of the model.

    Raises:
        BadInput: there are fewer than two frames.
        VideoUnreadable: as the answers.
    """
    stillness, knows_person = Stillness(), "person" in taxonomy.names
    said, steadied = Restless(taxonomy), Restless(taxonomy)
    frames, size = 0, (0, 0)
    for both in answers:
        still = stillness(both[0].image)
        for restless, parsing in zip((said, steadied), both, strict=True):
            restless.add(parsing.labels, parsing.person if knows_person else None, still)
        frames, size = frames + 1, both[0].size
    if frames < 2:
        raise BadInput(f"{name} holds {frames} frames; what changes is seen from two on")
    return Film(name, frames, *size, said.found, steadied.found)


# -- words ---------------------------------------------------------------------------------


def rows_of(film: Film) -> list[tuple[str, ...]]:
    """A row each: what it is, as the net says, steadied. Classes below all labels."""
    both = film.as_said, film.steadied
    names = dict.fromkeys([*film.as_said.classes, *film.steadied.classes])
    rows: list[tuple[str, ...]] = [(ROWS["labels"], *(share(one.labels) for one in both))]
    rows += [
        (f"  {name.replace('_', ' ')}", *(share(one.classes.get(name)) for one in both))
        for name in names
    ]
    if not np.isnan(film.as_said.person):
        rows.append((ROWS["person"], *(share(one.person) for one in both)))
    return [*rows, (ROWS["temporal_error"], *(share(one.apart) for one in both))]


def share(value: float | None) -> str:
    """
    >>> share(0.001842), share(None)
    ('0.184 %', '-')
    """
    return "-" if value is None or np.isnan(value) else f"{100 * value:.3f} %"


def caption(film: Film) -> str:
    """What it is of: "talk.mp4: 250 frames of 1280 x 720, 97 % of it still"."""
    still = film.as_said.still
    told = "nothing" if not still or np.isnan(still) else f"{100 * still:.0f} %"
    return (
        f"{film.name}: {film.frames:,} frames of {film.width} x {film.height}, {told} of it still"
    )


def to_data(films: Films) -> dict[str, Any]:
    """For JSON; docs/howto/evaluate.md lists the keys, which are to stay."""
    return {
        "every": films.every,
        "still": {"luma": STILL, "around": AROUND},
        "films": [_film(film) for film in films.films],
        "film_failures": [{"name": f.name, "message": f.message} for f in films.failures],
    }


def _film(film: Film) -> dict[str, Any]:
    return {
        "name": film.name,
        "frames": film.frames,
        "width": film.width,
        "height": film.height,
        "still_share": rounded(film.as_said.still),
        **{kind: _unrest(getattr(film, kind)) for kind in KINDS},
    }


def _unrest(found: Unrest) -> Mapping[str, Any]:
    return {
        "labels": rounded(found.labels),
        "person": rounded(found.person),
        "temporal_error": rounded(found.apart),
        "changes": {name: rounded(value) for name, value in found.classes.items()},
    }
