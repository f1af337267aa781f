"""What the commands share: where words go, and what options are called."""

import inspect
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from ..errors import EasyPortraitError
from ..image.io import MAX_PIXELS

words = Console(stderr=True, highlight=False, soft_wrap=True)

Model = Annotated[
    str,
    typer.Option("-m", "--model", help="A name from `models list`, or a path to an .onnx file."),
]
Runtime = Annotated[
    Literal["onnx", "openvino"],
    typer.Option(help="What runs the net; openvino is an extra, and faster on some processors."),
]
Looks = Annotated[
    int, typer.Option(min=1, max=2, help="1: the whole frame only, faster. 2: each face as well.")
]
Output = Annotated[Path, typer.Option("-o", "--output", help="Folder for the results.")]
MaxPixels = Annotated[
    int,
    typer.Option(
        "--max-pixels", min=1, max=2 * MAX_PIXELS, help="The most pixels a picture may have."
    ),
]


def hides(*names: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """A command with arguments that have no option: other commands pass them."""

    def hiding(command: Callable[..., None]) -> Callable[..., None]:
        own = inspect.signature(command, eval_str=True)
        shown = [p for p in own.parameters.values() if p.name not in names]

        @wraps(command)
        def as_shown(**values: Any) -> None:
            command(**values)

        return with_parameters(as_shown, shown)

    return hiding


def with_parameters(
    command: Callable[..., None], parameters: list[inspect.Parameter]
) -> Callable[..., None]:
    """The command, which says of itself that these are its parameters."""
    kind = inspect.Parameter.KEYWORD_ONLY
    command.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [p.replace(kind=kind) for p in parameters]
    )
    command.__annotations__ = {p.name: p.annotation for p in parameters}
    return command


def complain(error: EasyPortraitError | str) -> None:
    """One line on stderr."""
    words.print(f"easyportrait: {error}", style="red", markup=False)


def progress_bar() -> Progress:
    """On a terminal a bar with the time left, elsewhere nothing."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=words,
        transient=True,
        disable=not words.is_terminal,
    )


def bytes_bar() -> Progress:
    """The same for bytes."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=words,
        transient=True,
        disable=not words.is_terminal,
    )
