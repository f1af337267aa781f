"""`easyportrait data prelabel`: photographs in, masks for annotators to correct out."""

import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import cv2
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ...core import load
from ...data.convert import POLYGONS, WRITERS
from ...data.convert.folders import SAME
from ...data.convert.samples import Found, How, Notes, indices
from ...data.files import File
from ...data.prelabel import (
    Sureness,
    as_nine,
    deliver,
    doubted,
    judged,
    least_sure_first,
    write_order,
)
from ...errors import BadInput, EasyPortraitError, OutputUnwritable, SomeFailed
from ...image.io import MAX_PIXELS, read_image, read_mask, read_notes, write_image
from ...models.catalog import DEFAULT
from ...models.parser import Parser
from ...parsing import Parsing
from ...taxonomy import Mask
from ..common import Looks, MaxPixels, Model, complain, progress_bar, words
from ..jobs import STDIN, Job, find_jobs, is_newer, named_after, run_jobs, with_clashes, workers
from .convert import say
from .verify import printable

MASKS, ORDER = "masks", "least-sure-first.csv"
PIXELS = "pixels"  # the note that tells whether a mask is still as it was written
SHOWN = 10
ENOUGH = 500_000  # pixels at which a net's answer is judged; more take longer and tell the same


def prelabel(
    photos: Annotated[list[str], typer.Argument(help="Pictures, folders or globs.")],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="A folder.")],
    to: Annotated[
        list[str] | None,
        typer.Option(
            "--to",
            metavar="FORMAT",
            help=f"{MASKS} (always written), {', '.join(WRITERS)}; may be repeated.",
        ),
    ] = None,
    model: Model = DEFAULT,
    looks: Looks = 2,
    unsure: Annotated[
        float | None,
        typer.Option(
            min=0, max=1, metavar="P", help="255 where the class has less probability than this."
        ),
    ] = None,
    simplify: Annotated[
        float,
        typer.Option(
            min=0,
            metavar="PX",
            help="Polygons may be off by so many pixels, to have few points. 0: they are exact.",
        ),
    ] = 1.0,
    force: Annotated[
        bool, typer.Option("--force", help="Do photos again that are done already.")
    ] = False,
    max_pixels: MaxPixels = MAX_PIXELS,
) -> None:
    """Write what a net sees in photos, in formats that annotation tools import.

    DIR/masks/NAME.png has a class index a pixel; DIR/FORMAT/ is what `data convert` writes in
    that format; DIR/least-sure-first.csv says how sure the net is, a line a photo. A folder
    goes on after a bad file, lists the bad ones at the end, and when it is run again does what
    is left. What annotators have changed is never written over.
    """
    targets = formats(to or [MASKS])
    jobs = flat(find_jobs(photos, named_after(output / MASKS, [".png"])), output)
    parser = load(model, threads=1 if workers(jobs) > 1 else None)
    cv2.setNumThreads(1 if workers(jobs) > 1 else -1)
    warn_of_task(parser)
    run = Run(parser, looks, unsure, output, max_pixels)
    skipped = 0

    def do(job: Job) -> None:
        nonlocal skipped
        if not force and run.is_done(job):
            skipped += 1
        else:
            run.prelabel(job)

    failure = None
    try:
        run_jobs(jobs, do, "pre-labelling")
    except SomeFailed as error:
        failure = error
    done = least_sure_first(
        (job.source, job.stem.name, told)
        for job in jobs
        if not job.problem and run.is_done(job) and (told := run.told(job))
    )
    if failure is not None and not done:
        raise failure
    write_order(output / ORDER, done)
    found = [as_found(Path(photo), output, name, told) for photo, name, told in done]
    for target in targets:
        how = How(by=run.by, simplify=simplify if target in POLYGONS else 0)
        try:
            tell(found, output, target, how)
        except EasyPortraitError as error:  # the other formats are not to blame
            complain(error)
            failure = failure or SomeFailed(f"not every format was written in {output}")
    if failure is not None:
        raise failure
    Console().print(order_table(done))
    again = f", {skipped} of them before (--force does them again)" if skipped else ""
    words.print(
        f"{len(done)} pre-labelled{again}; results in {output}", style="green", markup=False
    )


def formats(to: list[str]) -> list[str]:
    """The targets asked for, less the masks, which are written in any case.

    Raises:
        BadInput: there is no such format.
    """
    for name in to:
        if name not in (MASKS, *WRITERS):
            raise BadInput(
                f"there is no format {name!r} that is written; there are {MASKS}, "
                f"{', '.join(WRITERS)}"
            )
    return [name for name in dict.fromkeys(to) if name != MASKS]


def flat(jobs: list[Job], output: Path) -> list[Job]:
    """The same with names without folders, as datasets have them: sub/a is sub-a.

    Raises:
        BadInput: standard input is named, which has no file to be annotated.
    """
    if any(job.source == STDIN for job in jobs):
        raise BadInput("photos to be annotated are files; name them instead of -")
    renamed = [Job(job.source, Path("-".join(job.stem.parts)), job.problem) for job in jobs]
    return with_clashes(renamed, named_after(output / MASKS, [".png"]))


def warn_of_task(parser: Parser) -> None:
    lacking = {"ps": "the parts of a face", "fp": "a person's hair, neck and clothes"}
    if missing := lacking.get(parser.card.task):
        words.print(
            f"{parser.card.name} does not know {missing}: annotators draw them", style="yellow"
        )


@dataclass(frozen=True, slots=True)
class Run:
    """What is asked for, of every photo."""

    parser: Parser
    looks: int
    unsure: float | None
    output: Path
    max_pixels: int

    @property
    def by(self) -> str:
        return f"{self.parser.card.name} {self.parser.card.version}"

    @property
    def note(self) -> str:
        doubt = f", 255 under {self.unsure:g}" if self.unsure else ""
        return f"pre-labels by {self.by}, {self.looks} looks{doubt}"

    def mask_of(self, job: Job) -> Path:
        return self.output / MASKS / f"{job.stem.name}.png"

    def prelabel(self, job: Job) -> None:
        refuse_changed(self.mask_of(job))
        image = read_image(job.read(), max_pixels=self.max_pixels)
        result = self.parser.parse(image, looks=self.looks)
        mask = as_nine(result.labels, result.taxonomy)
        view = result if self.unsure else seen_small(result)
        told, best = judged(view.labels, view.region, view.taxonomy)
        if self.unsure:
            mask = doubted(mask, best, self.unsure)
        notes = {"easyportrait": self.note, "sureness": told.to_json(), PIXELS: digest(mask)}
        write_image(self.mask_of(job), mask, text=notes)

    def is_done(self, job: Job) -> bool:
        """The mask is there, not older than the photo, and as asked for."""
        mask, photo = self.mask_of(job), Path(job.source)
        return is_newer([mask], photo) and self.told(job) is not None

    def told(self, job: Job) -> Sureness | None:
        """How sure the net was of a mask that is there and as asked for."""
        found = read_notes(self.mask_of(job))
        if found.get("easyportrait") != self.note:
            return None
        return Sureness.from_json(found.get("sureness", ""))


def refuse_changed(path: Path) -> None:
    """Raises:
    OutputUnwritable: a mask lies there that is not, or no longer, what a net made.
    """
    if not path.exists():
        return
    notes = read_notes(path)
    try:
        is_ours = "easyportrait" in notes and notes.get(PIXELS) == digest(read_mask(path))
    except EasyPortraitError:
        is_ours = False
    if not is_ours:
        raise OutputUnwritable(
            f"{path} is not as it was written: somebody may have worked on it. It was not "
            "written over; move it away, or name another folder"
        )


def digest(mask: Mask) -> str:
    return f"{zlib.crc32(mask.tobytes()):08x}"


def seen_small(result: Parsing) -> Parsing:
    """The same answers of the net, asked at fewer pixels: enough to judge them by."""
    height, width = result.size
    scale = min(1, (ENOUGH / (height * width)) ** 0.5)
    return result.asked_at(max(1, round(height * scale)), max(1, round(width * scale)))


def as_found(photo: Path, output: Path, name: str, told: Sureness) -> Found:
    mask = indices(File(output / MASKS / f"{name}.png"), SAME)
    return Found(name, "train", File(photo), mask, {"sure": told.sure})


def tell(found: list[Found], output: Path, target: str, how: How) -> None:
    """Write a format, and say what was lost or changed."""
    notes = Notes()
    try:
        with progress_bar() as bar:
            task = bar.add_task(target, total=None)
            deliver(
                found,
                output / target,
                target,
                how,
                notes,
                lambda done, total: bar.update(task, completed=done, total=total),
            )
    finally:
        del notes.counts["pixels in all"]
        say(notes)


def order_table(rows: list[tuple[Path | str, str, Sureness]]) -> Table:
    table = Table("least sure first", "sure", "least of all of", "")
    for photo, _, one in rows[:SHOWN]:
        table.add_row(
            escape(printable(str(photo))),
            f"{one.sure:.2f}",
            one.least_class,
            f"{one.least_sure:.2f}",
        )
    if len(rows) > SHOWN:
        table.add_row(f"and {len(rows) - SHOWN:,} more in {ORDER}", "", "", "")
    return table
