"""Scores a model file through the same code that people run, in one pass over a set."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from ..data.pool import in_order
from ..data.portraits import Folder
from ..errors import BadInput
from ..models.parser import Parser
from ..models.session import cores
from .record import Record, Shot, scored
from .scores import Failure, Scores


def evaluate(
    parser: Parser,
    folder: Folder,
    *,
    looks: int = 2,
    worst: int = 0,
    progress: Callable[[], None] = lambda: None,
) -> Scores:
    """Parse every picture and count it against its mask, at the picture's size.

    With more pictures than cores, each core does a picture: load the model with
    `threads=1` then.

    Args:
        parser: of a model of any task (record.scored says how it sees masks).
        folder: pictures and masks of nine classes; mask pixels of 255 do not count.
        looks: 1 or 2.
        worst: how many of the worst pictures to keep for looking at.
        progress: called after each picture.

    Returns:
        The scores. A picture that cannot be used is among the failures; the others count.

    Raises:
        BadInput: `looks` is neither 1 nor 2; no picture can be scored.
        ModelError: the model does not answer as its card says.
    """
    if looks not in (1, 2):
        raise BadInput(f"looks is 1 or 2, got {looks!r}")
    records: list[Record] = []
    failures: list[Failure] = []
    shots: list[Shot] = []

    def attempt(i: int) -> tuple[Record, Shot] | BadInput:
        try:
            return scored(parser, folder[i], looks)
        except BadInput as error:
            return error

    with ThreadPoolExecutor(workers(len(folder))) as pool:
        for i, result in in_order(pool, attempt, range(len(folder))):
            if isinstance(result, BadInput):
                failures.append(Failure(str(folder.rows[i]["id"]), str(result)))
            else:
                records.append(result[0])
                shots = lowest([*shots, result[1]], worst)
            progress()
    if not records:
        raise BadInput(f"none of {len(failures)} pictures can be scored; the first, {failures[0]}")
    card = parser.card
    model = f"{card.name} {card.version}"
    return Scores(model, card.task, looks, tuple(records), tuple(failures), tuple(shots))


def workers(pictures: int) -> int:
    """A picture a core when there are many; else all cores go to one picture."""
    return cores() if pictures > cores() else 1


def lowest(shots: list[Shot], most: int) -> list[Shot]:
    """Those of lowest mean IoU, the lowest first; without one, a picture is not among them."""
    known = (shot for shot in shots if not np.isnan(shot.record.miou))
    return sorted(known, key=lambda shot: shot.record.miou)[:most]
