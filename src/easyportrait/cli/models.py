"""`easyportrait models`: which there are, and what each says of itself."""

import json
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from ..errors import EasyPortraitError
from ..models.catalog import catalog, find_model, models_folder
from ..models.session import OnnxSession
from .common import words

app = typer.Typer(no_args_is_help=True, help="List models, or show a model's card.")

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
    console.print(
        f"frame {card.frame_side} px, face {card.face_side} px, multiples of {card.multiple}; "
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
    console.print(sources)
    for limit in card.limits:
        console.print(f"- {limit}", markup=False)


def as_dict(name: str) -> dict[str, object]:
    return asdict(OnnxSession(find_model(name), threads=1).card)
