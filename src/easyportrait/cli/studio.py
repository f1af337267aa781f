"""`easyportrait studio`: the page on which the net runs in the browser, as files."""

from pathlib import Path
from typing import Annotated

import typer

from ..models.catalog import EMBEDDED, find_model
from ..models.session import OnnxSession
from .common import Model, words

app = typer.Typer(
    no_args_is_help=True, help="The studio: a page where the net runs in the browser."
)


@app.callback()
def studio() -> None:
    pass  # with one command only, Typer would leave its name out


@app.command("build")
def build(
    folder: Annotated[
        Path,
        typer.Argument(metavar="DIR", help="A new folder, or one of an earlier build."),
    ],
    model: Model = EMBEDDED,
) -> None:
    """Write the studio's page as files that any web server can serve.

    The page, the net, and what runs it: nothing else is needed, and the page asks no other
    server for anything. Photos stay in the browser. `easyportrait serve` shows the same page.
    """
    from ..serve.studio import build as write

    path = find_model(model)
    built = write(folder, path, OnnxSession(path, threads=1).card)
    print(folder / "index.html")
    words.print(
        f"{built.files} files, {built.size / 1e6:.1f} MB. A web server has to serve them, as "
        f"`python -m http.server -d {folder}` does: browsers run no modules from file://.",
        markup=False,
    )
