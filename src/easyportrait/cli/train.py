"""`easyportrait train`: run a recipe, resume it, export what it made."""

import importlib.util
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

import typer

from ..errors import MissingExtra
from .common import words
from .models import quiet_exporter


def train(
    recipe: Annotated[str, typer.Argument(help="A recipe's name, or a path to a .toml file.")],
    data: Annotated[
        Path, typer.Option("--data", help="Folder of portraits with masks, or EasyPortrait.")
    ],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Folder for the run (runs/RECIPE).")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from the run's last checkpoint.")
    ] = False,
    backbone: Annotated[
        Path | None, typer.Option(help="A local file with the backbone's published weights.")
    ] = None,
    start: Annotated[
        str | None,
        typer.Option(metavar="MODEL", help="Begin with the weights of a model or checkpoint."),
    ] = None,
    accelerator: Annotated[
        Literal["auto", "cpu", "gpu"], typer.Option(help="What to train on.")
    ] = "auto",
    devices: Annotated[
        int, typer.Option(min=1, help="GPUs of each machine; on a CPU, processes.")
    ] = 1,
    nodes: Annotated[int, typer.Option(min=1, help="Machines that train together.")] = 1,
    batch_per_device: Annotated[
        int | None,
        typer.Option(min=1, help="Samples a device takes at once (its share of the batch)."),
    ] = None,
    precision: Annotated[
        Literal["32-true", "bf16-mixed", "16-mixed"] | None,
        typer.Option(help="Another than the recipe's."),
    ] = None,
    workers: Annotated[
        int, typer.Option(min=0, help="Processes that make samples, for each device.")
    ] = 1,
    memory: Annotated[
        float, typer.Option(min=0, metavar="GB", help="Keep portraits in memory up to so much.")
    ] = 4.0,
) -> None:
    """Train a net; the run's folder gets checkpoints, logs and at the end NAME.onnx."""
    for package in ("torch", "lightning", "onnx", "onnxscript"):
        if importlib.util.find_spec(package) is None:
            raise MissingExtra("train", package)
    import logging

    from ..models.catalog import find_model
    from ..train.engine import Machine, is_first
    from ..train.export import export_checkpoint
    from ..train.fit import train as fit
    from ..train.recipe import Recipe

    # one of the processes that train together talks; libraries' tips and greetings stay away
    level = logging.INFO if is_first() else logging.ERROR
    logging.basicConfig(level=max(level, logging.WARNING), format="%(message)s")
    logging.getLogger("easyportrait").setLevel(level)
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    read = Recipe.load(recipe)
    if precision is not None:
        read = replace(read, run=replace(read.run, precision=precision))
    begin = None
    if start is not None:
        begin = Path(start) if start.endswith((".ckpt", ".safetensors")) else find_model(start)
    folder = output or Path("runs") / read.name
    best = fit(
        read,
        data,
        folder,
        resume=resume,
        backbone=backbone,
        start=begin,
        machine=Machine(accelerator, devices, nodes, batch_per_device),
        workers=workers,
        memory_gb=memory,
        progress=words.is_terminal,
    )
    if not is_first():
        return
    path = folder / f"{read.file_name}.onnx"
    with quiet_exporter():
        worst = export_checkpoint(best, read, data, path)
    words.print(
        f"{path}: answers within {worst:.1g} of the trained net", style="green", markup=False
    )
