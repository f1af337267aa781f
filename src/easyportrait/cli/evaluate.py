"""`easyportrait evaluate`: score a model file on pictures with masks."""

import json
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Annotated

import cv2
import typer
from rich.console import Console
from rich.progress import Progress

from ..core import load
from ..data.plots import load_matplotlib
from ..data.portraits import Opened, open_folder
from ..errors import BadInput, SomeFailed
from ..evaluate.bootstrap import Value
from ..evaluate.films import KINDS, Film, Films, caption, measured, rows_of, to_data
from ..evaluate.films_page import write_films_page
from ..evaluate.page import write_page
from ..evaluate.run import evaluate as score
from ..evaluate.run import workers
from ..evaluate.scores import Failure, Scores
from ..evaluate.told import (
    ends,
    heading,
    number,
    overview,
    spoken,
    to_json,
    whose,
)
from ..image.io import written
from ..models.parser import Parser
from ..parsing import Parsing
from .common import Looks, Runtime, complain, progress_bar, words
from .data.stats import table
from .data.verify import printable

WORST = 24  # pictures shown on the page

# Narrow ones, so that a table of all fits a terminal of 80 columns
HEADS = {
    "iou": "IoU",
    "f1": "F1",
    "precision": "prec.",
    "recall": "rec.",
    "boundary_f": "edge\nF",
    "boundary_iou": "edge\nIoU",
}


def evaluate(
    model: Annotated[str, typer.Argument(help="A name, or a path to an .onnx file.")],
    data: Annotated[
        Path | None,
        typer.Option("--data", help="Folder of portraits with masks, or EasyPortrait."),
    ] = None,
    split: Annotated[str | None, typer.Option(help="With --data: only this split.")] = None,
    video: Annotated[
        list[Path] | None,
        typer.Option(
            "--video", metavar="FILE", help="A film, without masks: how labels flicker. Repeatable."
        ),
    ] = None,
    every: Annotated[
        int,
        typer.Option(min=1, help="With --video: look at every so many frames, as `video` does."),
    ] = 1,
    looks: Looks = 2,
    runtime: Runtime = "onnx",
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FILE", help="Write every number, as JSON."),
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write a page with plots and the worst pictures."),
    ] = None,
) -> None:
    """IoU, boundaries, calibration and more of a model over a whole set, at the pictures' size.

    Each score comes with a 95 % interval, and mean IoU also by kind of picture. Models of two
    and eight classes are scored against masks of nine. A picture that cannot be scored is named
    at the end and the others count; the status is then 1.

    With --video, alone or beside --data: how often still pixels of a film change class, and how
    far each frame's labels are from the next one's; as the net says, and steadied as `video` and
    `camera` do. docs/howto/evaluate.md says what each score is.
    """
    films = video or []
    check(data, split, films, every, [one for one in (output, html) if one])
    folder = None if data is None else open_folder(data, split)
    if folder is not None and html is not None:
        load_matplotlib()  # better missed now than after 4,000 pictures
    for film in films:
        check_film(film)
    found = None
    if folder is not None:
        found = score_pictures(model, runtime, folder, looks, WORST if html else 0)
    calm = None
    if films:
        calm = score_films(model, runtime, films, looks, every, is_all=folder is None)
    if output is not None:
        with written(output) as file:
            file.write(as_json(found, calm, data, split).encode() + b"\n")
    if html is not None:
        if found is not None:
            about = f"{data}, {split}" if split else str(data)
            write_page(found, html, about=about, films=calm)
        elif calm is not None:
            write_films_page(calm, html)
    if found is not None:
        show(found)
    if calm is not None:
        show_films(calm)
    conclude(found, calm)


def check(
    data: Path | None, split: str | None, films: list[Path], every: int, outputs: list[Path]
) -> None:
    """Raises: BadInput: options that do not go together."""
    if data is None and not films:
        raise BadInput("nothing to score: name pictures with --data DIR, a film with --video FILE")
    if data is None and split is not None:
        raise BadInput("--split goes with --data")
    if not films and every != 1:
        raise BadInput("--every goes with --video")
    resolved = {film.resolve() for film in films}
    for output in outputs:
        if output.resolve() in resolved:
            raise BadInput(f"{output} is a film to be scored: name another file")


def check_film(path: Path) -> None:
    """Raises: VideoUnreadable, MissingExtra: it cannot be opened; better said now than after
    4,000 pictures."""
    from ..video.read import read_video

    read_video(path).close()


def score_pictures(model: str, runtime: str, folder: Opened, looks: int, worst: int) -> Scores:
    is_one_a_core = workers(len(folder)) > 1
    parser = load(model, threads=1 if is_one_a_core else None, runtime=runtime)
    cv2.setNumThreads(1 if is_one_a_core else -1)
    with progress_bar() as progress:
        task = progress.add_task("scoring", total=len(folder))
        return score(
            parser, folder, looks=looks, worst=worst, progress=lambda: progress.advance(task)
        )


def score_films(
    model: str, runtime: str, paths: list[Path], looks: int, every: int, is_all: bool
) -> Films:
    """Films that cannot be used are among the failures, if there is anything else."""
    parser = load(model, threads=1, runtime=runtime)
    cv2.setNumThreads(1)  # frames go to all cores already
    films: list[Film] = []
    failures: list[Failure] = []
    with progress_bar() as progress:
        for path in paths:
            try:
                films.append(score_film(parser, path, looks, every, progress))
            except BadInput as error:
                if is_all and len(paths) == 1:
                    raise
                failures.append(Failure(str(path), str(error)))
    name, task = f"{parser.card.name} {parser.card.version}", parser.card.task
    return Films(name, task, looks, every, tuple(films), tuple(failures))


def score_film(parser: Parser, path: Path, looks: int, every: int, progress: Progress) -> Film:
    """Through the code that `video` runs: read, looked at, steadied."""
    from ..video.pipeline import parsings
    from ..video.read import read_video

    with read_video(path) as video:
        task = progress.add_task(path.name, total=video.info.count)
        seen = parsings(video, parser, looks=looks, every=every, steady=(0.0, 1.0))

        def answers() -> Iterator[tuple[Parsing, Parsing]]:
            for _, (said, steadied) in seen:
                yield said, steadied
                progress.advance(task)

        with closing(seen):
            return measured(str(path), answers(), parser.card.taxonomy)


def as_json(found: Scores | None, calm: Films | None, data: Path | None, split: str | None) -> str:
    films = {} if calm is None else to_data(calm)
    if found is not None:
        return to_json(found, data=str(data), split=split, **films)
    assert calm is not None
    head = {"model": calm.model, "task": calm.task, "looks": calm.looks}
    return json.dumps(head | films, indent=2)


def conclude(found: Scores | None, calm: Films | None) -> None:
    """Name what failed, and say what was done.

    Raises:
        SomeFailed: anything did.
    """
    told = []
    for what, good, failures in (
        ("pictures", found.pictures if found else 0, found.failures if found else ()),
        ("films", len(calm.films) if calm else 0, calm.failures if calm else ()),
    ):
        for failure in failures:
            complain(printable(str(failure)))
        if failures:
            told.append(f"{len(failures):,} of {good + len(failures):,} {what}")
    if told:
        raise SomeFailed(
            f"{' and '.join(told)} could not be scored; they are listed above, and the others "
            "counted"
        )
    if found is not None:
        said = f"{found.pictures:,} pictures scored; intervals are over {whose(found)}"
        words.print(said, style="green", markup=False)
    if calm is not None:
        frames = sum(film.frames for film in calm.films)
        count = f"{len(calm.films)} film{'s' * (len(calm.films) != 1)}"
        words.print(f"{count} scored, {frames:,} frames", style="green", markup=False)


def show(found: Scores) -> None:
    """Print the tables: all in all, classes, kinds of pictures."""
    console = Console()
    title = f"{found.model}, {found.pictures:,} pictures, looks {found.looks}"
    rows = [(label, number(value.value, 4), ends(value, 4)) for label, value in overview(found)]
    console.print(table([title, "score", "95 %"], rows))
    classes = [
        (
            spoken(name),
            number(its["iou"].value),
            ends(its["iou"]),
            *(number(its[score].value if score in its else None) for score in [*HEADS][1:]),
        )
        for name, its in found.total.classes.items()
    ]
    first, *rest = HEADS.values()
    console.print(table(["class", first, "95 %", *rest], classes))
    groups: list[Sequence[str]] = []
    for attribute, its in found.by_group.items():
        groups.append((heading(attribute), "", "", ""))
        for group, scored in its:
            miou = scored.overall.get("miou", Value(None))
            row = f"{scored.pictures:,}", number(miou.value), ends(miou)
            groups.append((f"  {group.name}", *row))
    if groups:
        console.print(table(["kind of picture", "pictures", "mean IoU", "95 %"], groups))


def show_films(films: Films) -> None:
    """Print a table for each film."""
    console = Console()
    for film in films.films:
        rows = [tuple(map(printable, row)) for row in rows_of(film)]
        console.print(table([printable(caption(film)), *KINDS.values()], rows))
