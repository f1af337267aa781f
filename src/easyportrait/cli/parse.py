"""`easyportrait parse`: pictures in, class indices out."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import cv2
import typer

from ..core import load
from ..errors import BadInput
from ..image.blend import overlay
from ..image.io import (
    MAX_PIXELS,
    SUFFIXES,
    encode,
    read_image,
    read_notes,
    write_image,
    written,
)
from ..models.catalog import DEFAULT
from ..parsing import Parsing
from ..summary import summary
from .common import Looks, MaxPixels, Model, Runtime, words
from .jobs import STDIN, Job, find_jobs, is_newer, named_after, run_jobs, workers


def parse(
    inputs: Annotated[
        list[str], typer.Argument(help="Pictures, folders, globs, or - for standard input.")
    ],
    output: Annotated[
        Path, typer.Option("-o", "--output", help="Folder for the results; - for stdout.")
    ],
    want_overlay: Annotated[
        bool, typer.Option("--overlay", help="Also NAME.overlay.jpg: classes over the picture.")
    ] = False,
    want_cutout: Annotated[
        bool, typer.Option("--cutout", help="Also NAME.cutout.png: the person on transparency.")
    ] = False,
    want_json: Annotated[
        bool, typer.Option("--json", help="Also NAME.json: faces, parts and areas.")
    ] = False,
    model: Model = DEFAULT,
    looks: Looks = 2,
    runtime: Runtime = "onnx",
    force: Annotated[
        bool, typer.Option("--force", help="Do pictures again that are done already.")
    ] = False,
    max_pixels: MaxPixels = MAX_PIXELS,
) -> None:
    """Write NAME.png for each picture: what each pixel is, as a number.

    0 background, 1 person, 2 skin, 3 left brow, 4 right brow, 5 left eye, 6 right eye,
    7 lips, 8 teeth; one byte a pixel, at the picture's own size. Left is the viewer's left.
    A folder goes on after a bad file, lists the bad ones at the end, and when it is run
    again does what is left.
    """
    to_stdout = output == Path(STDIN)
    wants = {".overlay.jpg": want_overlay, ".cutout.png": want_cutout, ".json": want_json}
    # labels come last: their being there means that a picture is done
    suffixes = [*(suffix for suffix, wanted in wants.items() if wanted), ".png"]
    results_of = named_after(output, suffixes)
    jobs = find_jobs(inputs, results_of)
    if to_stdout and (len(jobs) != 1 or want_overlay or want_cutout or want_json):
        raise BadInput("-o - writes the labels of one picture; name a folder for anything more")
    if output.suffix.lower() in SUFFIXES and not output.is_dir():
        raise BadInput(
            f"-o names a folder, got {output}: results in it are named after their pictures"
        )
    parser = load(model, threads=1 if workers(jobs) > 1 else None, runtime=runtime)
    cv2.setNumThreads(1 if workers(jobs) > 1 else -1)
    notes = {
        "easyportrait": f"labels by {parser.card.name} {parser.card.version}, {looks} looks",
        "with": " ".join(suffixes),
    }
    skipped = 0

    def do(job: Job) -> None:
        nonlocal skipped
        targets = results_of(job)
        if not force and job.source != STDIN and is_done(Path(job.source), targets, notes):
            skipped += 1
            return
        image = read_image(job.read(), max_pixels=max_pixels)
        result = parser.parse(image, looks=looks)
        if to_stdout:
            typer.get_binary_stream("stdout").write(encode(result.labels, ".png", text=notes))
            return
        for target, suffix in zip(targets[:-1], suffixes[:-1], strict=True):
            write_extra(target, suffix, result, job)
        write_image(targets[-1], result.labels, text=notes)

    run_jobs(jobs, do, "parsing")
    done = len(jobs) - skipped
    if not to_stdout:
        again = f", {skipped} were done already (--force does them again)" if skipped else ""
        words.print(f"{done} parsed{again}; results in {output}", style="green", markup=False)


def is_done(source: Path, targets: Sequence[Path], notes: dict[str, str]) -> bool:
    """All results are there, not older than the picture, and by the same model."""
    if not is_newer(targets, source):
        return False
    found = read_notes(targets[-1])
    same_model = found.get("easyportrait") == notes["easyportrait"]
    return same_model and set(notes["with"].split()) <= set(found.get("with", "").split())


def write_extra(target: Path, suffix: str, result: Parsing, job: Job) -> None:
    if suffix == ".overlay.jpg":
        laid = overlay(result.image, result.labels, result.taxonomy)
        write_image(target, laid, text={"easyportrait": "overlay"})
    elif suffix == ".cutout.png":
        write_image(target, result.cutout(), text={"easyportrait": "cutout"})
    else:
        with written(target) as file:
            file.write(json.dumps(summary(result, str(job.source)), indent=2).encode() + b"\n")
