"""`easyportrait models export`: a model file at another precision, if it still answers alike."""

import importlib.util
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import cv2
import typer

from ..data.portraits import open_folder
from ..errors import BadInput, MissingExtra
from ..models.catalog import find_model
from ..models.parity import Gap
from .common import progress_bar, words
from .data.verify import printable


def export_model(
    model: Annotated[str, typer.Argument(help="A name, or a path to an .onnx file.")],
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="FILE", help="The .onnx file to write.")
    ],
    half: Annotated[
        bool | None,
        typer.Option("--half/--float", help="Weights as float16 or float32 (as they are)."),
    ] = None,
    int8: Annotated[
        bool, typer.Option("--int8", help="Weights and activations as int8; needs --data.")
    ] = False,
    data: Annotated[
        Path | None,
        typer.Option("--data", help="With --int8: portraits with masks, or EasyPortrait."),
    ] = None,
    split: Annotated[str | None, typer.Option(help="With --int8: only this split.")] = None,
    limit: Annotated[
        int | None,
        typer.Option(min=3, metavar="N", help="With --int8: so many pictures, spread over all."),
    ] = None,
    lose: Annotated[
        float, typer.Option(min=0, max=1, help="With --int8: how much mean IoU may fall.")
    ] = 0.005,
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """Write a model as an ONNX file of any input size, its card inside.

    The file is kept only if it answers as the model does at three sizes, in ONNX Runtime and,
    where it is installed, in OpenVINO; int8 moreover only if its mean IoU on --data holds.
    A third of --data (32 pictures at most) sets int8's ranges, the rest is scored.
    docs/howto/export.md says when which is worth it.
    """
    if importlib.util.find_spec("onnx") is None:
        raise MissingExtra("export", "onnx")
    if int8 and (data is None or half is not None):
        raise BadInput(
            "--int8 needs pictures with masks to be tried on: --data DIR"
            if data is None
            else "--int8 or --half, --float: one of them"
        )
    if not int8 and (data, split, limit) != (None, None, None):
        raise BadInput("--data, --split and --limit go with --int8")
    source = find_model(model)
    if output.exists() and output.samefile(source):
        raise BadInput(f"{output} is the model itself: name another file with -o")
    found: dict[str, Any] = {"source": str(source), "path": str(output)}
    if data is not None:
        gaps = do_int8(source, output, data, split, limit, lose, found)
    else:
        from ..models.export import export_model as export

        with words.status(f"exporting {source.name}"):
            gaps = export(source, output, half=half)
    found |= {
        "bytes": output.stat().st_size,
        "runtimes": {name: {"worst": gap.worst, "same": gap.same} for name, gap in gaps.items()},
    }
    if as_json:
        print(json.dumps(found, indent=2))
    words.print(said(found, gaps, source), style="green", markup=False)


def do_int8(
    source: Path,
    output: Path,
    data: Path,
    split: str | None,
    limit: int | None,
    lose: float,
    found: dict[str, Any],
) -> Mapping[str, Gap]:
    from ..evaluate.int8 import export_int8

    folder = open_folder(data, split)
    about = " ".join(filter(None, (data.resolve().name, split)))
    cv2.setNumThreads(1)
    with progress_bar() as progress:
        task = progress.add_task("calibrating", total=None)
        made = export_int8(
            source,
            output,
            folder,
            about=about,
            limit=limit,
            lose=lose,
            progress=lambda total: progress.update(
                task, description="scoring", total=total, advance=1
            ),
        )
    for failure in made.after.failures:
        words.print(f"left out, {printable(str(failure))}", style="yellow", markup=False)
    found |= {
        "pictures": made.after.pictures,
        "calibrated": made.calibrated,
        "mean": made.after.mean,
        "mean_before": made.before.mean,
        "iou": made.after.iou,
        "iou_before": made.before.iou,
    }
    return made.gaps


def said(found: dict[str, Any], gaps: Mapping[str, Gap], source: Path) -> str:
    """In a line or two what was written."""
    size, before = found["bytes"] / 1e6, source.stat().st_size / 1e6
    text = f"{found['path']}: {size:.1f} MB ({before:.1f} before)"
    if "mean" in found:
        text += (
            f", mean IoU {found['mean']:.4f} ({found['mean_before']:.4f} before) on "
            f"{found['pictures']:,} pictures"
        )
        alike = (f"{gap.same:.1%} in {name}" for name, gap in gaps.items())
        return f"{text}\npixels of the same class at three sizes: {', '.join(alike)}"
    alike = (f"{gap.worst:.1g} in {name}" for name, gap in gaps.items())
    return f"{text}\nanswers as before at three sizes, within {', '.join(alike)}"
