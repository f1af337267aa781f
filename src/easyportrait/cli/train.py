"""`easyportrait train`: run a recipe, resume it, export what it made."""

import importlib.util
from pathlib import Path
from typing import Annotated

import typer

from ..errors import MissingExtra
from .common import words


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
    workers: Annotated[int, typer.Option(min=0, help="Processes that make samples.")] = 1,
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
    from ..train.export import export_checkpoint
    from ..train.fit import train as fit
    from ..train.recipe import Recipe

    logging.basicConfig(level=logging.INFO, format="%(message)s")
    read = Recipe.load(recipe)
    begin = None
    if start is not None:
        begin = Path(start) if start.endswith(".ckpt") else find_model(start)
    folder = output or Path("runs") / read.name
    last = fit(
        read,
        data,
        folder,
        resume=resume,
        backbone=backbone,
        start=begin,
        workers=workers,
        memory_gb=memory,
    )
    path = folder / f"{read.name}.onnx"
    worst = export_checkpoint(last, read, data, path)
    words.print(
        f"{path}: answers within {worst:.1g} of the trained net", style="green", markup=False
    )
