"""`easyportrait models`: which there are, what each says of itself, and more from outside."""

import importlib.util
import json
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from ..errors import BadInput, EasyPortraitError, MissingExtra, OutputUnwritable
from ..models.catalog import catalog, find_model, models_folder
from ..models.session import OnnxSession
from . import export
from .common import words

app = typer.Typer(no_args_is_help=True, help="List models, show their cards, import, export.")

Json = Annotated[bool, typer.Option("--json", help="For machines.")]


@app.command("list")
def list_models(as_json: Json = False) -> None:
    """Every model that can be named with -m."""
    rows = []
    for entry in catalog().values():
        try:
            card = OnnxSession(entry.path, threads=1).card
        except EasyPortraitError as error:
            words.print(f"easyportrait: {error}", style="red", markup=False)
            continue
        rows.append(
            {
                "name": entry.name,
                "version": card.version,
                "task": card.task,
                "licence": card.licence,
                "bytes": entry.path.stat().st_size,
                "path": str(entry.path),
            }
        )
    if as_json:
        print(json.dumps(rows, indent=2))
        return
    table = Table("name", "version", "task", "licence", "MB")
    for row in rows:
        table.add_row(
            str(row["name"]),
            str(row["version"]),
            str(row["task"]),
            str(row["licence"]),
            f"{int(str(row['bytes'])) / 1e6:.1f}",
        )
    Console().print(table)
    words.print(f"Models of your own go into {models_folder()}", markup=False)


@app.command("show")
def show_model(
    name: Annotated[str, typer.Argument(help="A name, or a path to an .onnx file.")],
    as_json: Json = False,
) -> None:
    """A model's card: classes, sizes, training data with licences, scores, limits."""
    path = find_model(name)
    card = OnnxSession(path, threads=1).card
    if as_json:
        print(card.to_json())
        return
    console = Console()
    console.print(f"[bold]{card.name}[/] {card.version}, {card.licence}, {path}", soft_wrap=True)
    console.print(f"task {card.task}: {', '.join(card.classes)}")
    face = f"face {card.face_side} px" if card.face_side else "no look at faces"
    console.print(
        f"frame {card.frame_side} px, {face}, multiples of {card.multiple}; "
        f"(x - {list(card.mean)}) / {list(card.std)}"
    )
    for title, scores in card.scores.items():
        table = Table("measure", "value", title=title)
        for measure, value in scores.items():
            table.add_row(measure, f"{value:.3f}")
        console.print(table)
    sources = Table("licence", "pictures", "sources", title="trained on")
    for licence in sorted({s.licence for s in card.sources}):
        of_it = [s for s in card.sources if s.licence == licence]
        names = ", ".join(s.name for s in of_it[:3]) + (" ..." if len(of_it) > 3 else "")
        sources.add_row(licence, str(sum(s.pictures for s in of_it)), names)
    if card.sources:
        console.print(sources)
    for limit in card.limits:
        console.print(f"- {limit}", markup=False)


@app.command("import")
def import_model(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A .pth of the reference code, or .safetensors.")
    ],
    name: Annotated[
        str | None, typer.Option("--name", help="What -m will call it (the file's name).")
    ] = None,
    like: Annotated[
        str | None,
        typer.Option(metavar="v1|v2", help="How it was normalised, if the file does not say."),
    ] = None,
    side: Annotated[
        int | None,
        typer.Option(
            metavar="PIXELS", help="Longest side of its input (v1: 1024, FPN 512; v2: 384)."
        ),
    ] = None,
    task: Annotated[
        str | None,
        typer.Option(metavar="joint|fp|ps", help="Its classes, if the file does not tell."),
    ] = None,
    half: Annotated[
        bool, typer.Option("--half", help="Weights as float16: half the size, nearly equal.")
    ] = False,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Folder (where -m finds models by name).")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace a model of the same name.")
    ] = False,
) -> None:
    """Make a checkpoint of the reference code a model: NAME.onnx and NAME.safetensors.

    Knows LR-ASPP, FCN, FPN, BiSeNetV2, SegFormer-B0 and -B2 of EasyPortrait v1 and v2. Nothing
    that lies in the file is run; the model is kept only if it answers what the net answers.
    """
    for package in ("torch", "lightning", "onnx", "onnxscript", "safetensors"):
        if importlib.util.find_spec(package) is None:
            raise MissingExtra("train", package)
    folder = output or models_folder()
    name = name or file.stem
    for target in (folder / f"{name}.onnx", folder / f"{name}.safetensors"):
        check_free(target, file, force)
    with words.status(f"importing {file.name}"):
        from ..train.checkpoint import import_checkpoint

        with quiet_exporter():
            made = import_checkpoint(
                file, folder, name=name, like=like, side=side, task=task, half=half
            )
    card = made.card
    words.print(
        f"{file.name}: {made.net}, {len(card.classes)} classes ({card.task}), normalised as "
        f"{card.version}, frame {card.frame_side} px",
        markup=False,
    )
    words.print(
        f"{made.model}: answers within {made.worst:.1g} of the net", style="green", markup=False
    )
    words.print(
        f"Use it: easyportrait parse PHOTO -o OUT -m {made.model if output else name}",
        markup=False,
    )


def check_free(target: Path, source: Path, force: bool) -> None:
    """Whether a file may be written where it is wanted, or one there may be replaced.

    Raises:
        BadInput: there is one, and nobody said `force`; or it is what is to be imported.
        OutputUnwritable: its folder may not be entered.
    """
    try:
        if not target.exists():
            return
        if source.exists() and target.samefile(source):
            raise BadInput(f"{target} is the checkpoint itself: choose another --name or folder")
    except OSError as error:
        raise OutputUnwritable(f"{target} cannot be written: {error.strerror}") from error
    if not force:
        raise BadInput(f"{target} exists: choose another --name, or --force to replace it")


app.command("export")(export.export_model)


@contextmanager
def quiet_exporter() -> Iterator[None]:
    """torch's exporter warns of itself and of torchvision, which concerns no user. torch must
    be imported before: it sets its levels then."""
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
