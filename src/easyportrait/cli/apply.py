"""`easyportrait apply`: pictures in, better pictures out."""

import json
from functools import partial
from pathlib import Path
from typing import Annotated

import cv2
import typer

from ..core import load
from ..effects import EFFECTS
from ..effects.chain import Chain
from ..errors import BadInput
from ..image.blend import beside
from ..image.io import MAX_PIXELS, WRITABLE, encode, read_image, read_notes, write_image
from ..image.photo import read_photo, suffix_for, write_photo
from ..models.catalog import DEFAULT
from .common import Looks, MaxPixels, Model, Runtime, words
from .effects import Wishes, takes_effects
from .jobs import STDIN, Job, find_jobs, is_newer, run_jobs, workers


@takes_effects
def apply(
    inputs: Annotated[
        list[str], typer.Argument(help="Pictures, folders, globs, or - for standard input.")
    ],
    output: Annotated[
        Path,
        typer.Option(
            "-o", "--output", help="Folder for the results; a file for one picture; or -."
        ),
    ],
    wishes: Wishes,
    compare: Annotated[
        bool, typer.Option("--compare", help="Also NAME.compare.jpg: before and after.")
    ] = False,
    keep_location: Annotated[
        bool, typer.Option("--keep-location", help="Keep where a photograph was taken (GPS).")
    ] = False,
    model: Model = DEFAULT,
    runtime: Runtime = "onnx",
    looks: Looks = 2,
    force: Annotated[
        bool, typer.Option("--force", help="Do pictures again that are done already.")
    ] = False,
    max_pixels: MaxPixels = MAX_PIXELS,
) -> None:
    """Retouch faces, light them, hide them; blur, replace or remove what is behind people.

    Effects run in one order, whatever order they are written in. A picture keeps its size,
    format, EXIF and colour profile; where it was taken is left out unless asked for.
    A folder goes on after a bad file, lists the bad ones at the end, and when it is run
    again does what is left.
    """
    chain = Chain.of(wishes, read=partial(read_image, max_pixels=max_pixels))
    if not chain.steps:
        raise BadInput(f"name an effect: --background, {', '.join(f'--{n}' for n in EFFECTS)}")
    targets = partial(results, output=output, chain=chain, compare=compare)
    jobs = find_jobs(inputs, targets)
    check_output(output, jobs, chain, compare)
    parser = load(model, threads=1 if workers(jobs) > 1 else None, runtime=runtime)
    cv2.setNumThreads(1 if workers(jobs) > 1 else -1)
    notes = {
        "easyportrait": f"effects by {parser.card.name} {parser.card.version}, {looks} looks",
        "effects": json.dumps(chain.described),
    }
    skipped = 0

    def do(job: Job) -> None:
        nonlocal skipped
        wanted = targets(job)
        if not force and job.source != STDIN and is_done(Path(job.source), wanted, notes):
            skipped += 1
            return
        photo = read_photo(job.read(), max_pixels=max_pixels, keep_place=keep_location)
        after = chain(parser.parse(photo.image, looks=looks))
        if output == Path(STDIN):
            typer.get_binary_stream("stdout").write(encode(after, wanted[-1].suffix, text=notes))
            return
        if compare:
            write_image(wanted[0], beside(photo.image, after), text={"easyportrait": "compare"})
        write_photo(wanted[-1], after, photo, text=notes)

    run_jobs(jobs, do, "applying")
    if output != Path(STDIN):
        again = f", {skipped} were done already (--force does them again)" if skipped else ""
        done = len(jobs) - skipped
        words.print(f"{done} done{again}; results in {output}", style="green", markup=False)


def is_file(output: Path) -> bool:
    """Whether the output names one picture, not a folder."""
    return output.suffix.lower() in WRITABLE and not output.is_dir()


def results(job: Job, *, output: Path, chain: Chain, compare: bool) -> list[Path]:
    """The comparison first: the result's being there means that a picture is done."""
    if is_file(output):
        result = output
    else:
        source = Path("-.png" if job.source == STDIN else job.source)
        suffix = suffix_for(source, chain.makes_transparency)
        result = (output / job.stem).with_name(job.stem.name + suffix)
    return [*([result.with_suffix(".compare.jpg")] if compare else []), result]


def check_output(output: Path, jobs: list[Job], chain: Chain, compare: bool) -> None:
    """Raises: BadInput: the output does not fit what goes in or comes out."""
    to_stdout = output == Path(STDIN)
    if to_stdout and (len(jobs) != 1 or compare):
        raise BadInput("-o - writes one picture; name a folder for anything more")
    if is_file(output) and len(jobs) != 1:
        raise BadInput(f"-o {output} names one file for {len(jobs)} pictures; name a folder")
    if is_file(output) and chain.makes_transparency and WRITABLE[output.suffix.lower()] == "JPEG":
        raise BadInput(f"{output}: JPEG has no transparency: write a .png or .webp")


def is_done(source: Path, wanted: list[Path], notes: dict[str, str]) -> bool:
    """All results are there, not older than the picture, with the same effects and model."""
    if not is_newer(wanted, source):
        return False
    found = read_notes(wanted[-1])
    return all(found.get(key) == value for key, value in notes.items())
