"""int8 where the score holds: a model file quantised, scored beside what it was made of, and
kept only if it is nearly as good.

Needs the extra `export`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..data.portraits import Opened, SomePortraits
from ..errors import BadInput, ExportMismatch
from ..models.card import Card
from ..models.export import check_names, check_same, compared, tried
from ..models.onnxfile import change_card, precision, read_model, rewrite_card, widen
from ..models.parity import Gap, frames
from ..models.parser import Parser
from ..models.quantize import quantise, shown
from ..models.session import OnnxSession
from .run import evaluate, workers
from .scores import Scores

CALIBRATED = 32  # pictures at most; ranges hardly move after so many
COMPARED = 3  # of them, at three sizes each
LOSE = 0.005  # mean IoU


@dataclass(frozen=True, slots=True)
class Quantised:
    """What became of a model.

    Attributes:
        before, after: scores of the source and of the int8 file, on the same pictures.
        calibrated: how many other pictures gave the ranges.
        gaps: by runtime, how far the file's answers are from the source's at three sizes.
    """

    before: Scores
    after: Scores
    calibrated: int
    gaps: Mapping[str, Gap]


def export_int8(
    source: Path,
    target: Path,
    folder: Opened,
    *,
    about: str,
    limit: int | None = None,
    lose: float = LOSE,
    progress: Callable[[int], None] = lambda pictures: None,
) -> Quantised:
    """Write a model file as int8, if it is nearly as good.

    A third of the pictures, at most `CALIBRATED`, show the ranges of activations; the others
    are scored, with two looks, as `evaluate` does.

    Args:
        source: an .onnx file with a card.
        target: where to; what lies there stays until the new file has proved itself.
        folder: pictures with masks.
        about: what to call them in the card.
        limit: use so many pictures, spread over the folder.
        lose: how much mean IoU may fall.
        progress: called after each picture that was scored, with how many times any will be.

    Raises:
        BadInput: the source is int8 already; there are fewer than three pictures; as
            `evaluate`.
        ModelError: the source cannot be loaded, or has no card.
        ExportMismatch: the score fell by more, or classes differ at one of three sizes;
            nothing is written.
        OutputUnwritable: as `image.io.written`.
    """
    check_names(source, target)
    before = OnnxSession(source)
    model = read_model(source)
    if precision(model) == "int8":
        raise BadInput(f"{source} is int8 already")
    calibration, scored = parted(folder, limit)
    widen(model)
    seen = [portrait.image for portrait in calibration]
    change_card(model, str(source), **noted(before.card, len(seen), about))
    with tried(target) as part:
        quantise(model, part, shown(before, seen))
        gaps = compared(before, part, frames(seen[:COMPARED], before.card))
        check_same(gaps, target, source)
        threads = 1 if workers(len(scored)) > 1 else None
        was, now = (
            evaluate(
                Parser(OnnxSession(path, threads=threads)),
                scored,
                progress=lambda: progress(2 * len(scored)),
            )
            for path in (source, part)
        )
        if not was.mean - now.mean <= lose:
            raise ExportMismatch(
                f"int8 scores {told(was, now)}, which is {was.mean - now.mean:.4f} less and more "
                f"than {lose:g}; {target.name} was not kept. Worst: {fallen(was, now)}"
            )
        change_scores(part, was, now, about)
    return Quantised(was, now, len(seen), gaps)


def parted(folder: Opened, limit: int | None) -> tuple[SomePortraits, SomePortraits]:
    """Pictures to calibrate with, and others to score with, both spread over the folder."""
    count = min(len(folder), limit or len(folder))
    if count < 3:
        raise BadInput(f"int8 needs at least 3 pictures with masks, one to calibrate; got {count}")
    places = np.linspace(0, len(folder) - 1, count).round().astype(int).tolist()
    few = min(CALIBRATED, count // 3)
    chosen = {places[i] for i in np.linspace(0, count - 1, few).round().astype(int)}
    return (
        SomePortraits(folder, sorted(chosen)),
        SomePortraits(folder, [place for place in places if place not in chosen]),
    )


def noted(card: Card, calibrated: int, about: str) -> dict[str, object]:
    """What a card says of it. The version differs, so that results of the two do too."""
    return {
        "version": f"{card.version}-int8",
        "limits": (
            *card.limits,
            f"int8: weights of 7 bits by channel, activations of 8 by ranges seen on {calibrated} "
            f"pictures of {about}; the first layers and the last are float32.",
        ),
    }


def change_scores(path: Path, was: Scores, now: Scores, about: str) -> None:
    """Both scores into the card; the source's older ones are of another file and go."""
    scores = {
        f"{about}, {now.pictures} pictures, {name}": {
            part: round(value, 4) for part, value in (found.iou | {"mean": found.mean}).items()
        }
        for name, found in (("int8", now), ("before", was))
    }
    rewrite_card(path, scores=scores)


def told(was: Scores, now: Scores) -> str:
    return f"mean IoU {now.mean:.4f} against {was.mean:.4f} on {now.pictures:,} pictures"


def fallen(was: Scores, now: Scores) -> str:
    """The three classes that lost most."""
    falls = sorted((now.iou.get(name, 0.0) - value, name) for name, value in was.iou.items())
    return ", ".join(f"{name} {fall:+.4f}" for fall, name in falls[:3])
