"""`easyportrait video`: a video in, a better video out."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import cv2
import typer

from ..effects import EFFECTS
from ..errors import BadInput
from ..image.io import MAX_PIXELS
from ..models.catalog import DEFAULT
from .common import Looks, MaxPixels, Model, Runtime, progress_bar, words
from .effects import Wishes, takes_effects


@takes_effects
def video(
    source: Annotated[Path, typer.Argument(help="A video.", metavar="IN")],
    output: Annotated[
        Path,
        typer.Option(
            "-o", "--output", help="A .mp4, .mov, .mkv or .webm, or a folder for pictures."
        ),
    ],
    wishes: Wishes,
    every: Annotated[
        int,
        typer.Option(
            min=1, help="Let the net look at every so many frames only: faster, and coarser."
        ),
    ] = 1,
    steady: Annotated[
        float,
        typer.Option(min=0, max=1, help="How far to calm borders that would flicker; 0 is off."),
    ] = 1.0,
    crf: Annotated[
        int | None,
        typer.Option(
            min=0, max=63, help="Quality, lower is better and larger. [default: 18; .webm 24]"
        ),
    ] = None,
    keep_location: Annotated[
        bool, typer.Option("--keep-location", help="Keep where a video was taken (GPS).")
    ] = False,
    model: Model = DEFAULT,
    runtime: Runtime = "onnx",
    looks: Looks = 2,
    force: Annotated[
        bool, typer.Option("--force", help="Replace a file that is there already.")
    ] = False,
    max_pixels: MaxPixels = MAX_PIXELS,
) -> None:
    """Retouch, light or hide faces in a video; blur, replace or remove the background.

    Sound and subtitles are copied, frames keep their times, and what was filmed on its side
    comes out upright. With the background removed, .mov holds ProRes 4444, .webm VP9, a
    folder PNGs; otherwise it is H.264 (.webm: VP9). A background may be a video, too.
    """
    from ..video.pipeline import apply_to_video

    if not wishes:
        raise BadInput(f"name an effect: --background, {', '.join(f'--{n}' for n in EFFECTS)}")
    cv2.setNumThreads(1)  # frames go to all cores already
    with stoppable(), progress_bar() as bar:
        task = bar.add_task("frames", total=None)
        done = apply_to_video(
            source,
            output,
            model=model,
            runtime=runtime,
            looks=looks,
            every=every,
            steady=steady,
            crf=crf,
            keep_location=keep_location,
            force=force,
            max_pixels=max_pixels,
            progress=lambda n, total: bar.update(task, completed=n, total=total),
            **wishes,
        )
    for note in done.notes:
        words.print(note, style="yellow", markup=False)
    words.print(f"{done.frames} frames; the result is {output}", style="green", markup=False)


@contextmanager
def stoppable() -> Iterator[None]:
    """Being told to end (SIGTERM) is as Ctrl-C: everything is put away first."""

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    try:
        before = signal.signal(signal.SIGTERM, stop)
    except ValueError:  # not the main thread: nobody sends signals there
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
