"""The commands, listed."""

from typing import Annotated

import typer

from .. import __version__
from . import (
    apply,
    camera,
    data,
    demo,
    doctor,
    evaluate,
    models,
    parse,
    scale,
    serve,
    studio,
    train,
    video,
)

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    help="What every pixel of a portrait is: person, skin, brows, eyes, lips, teeth.",
)


def version(wanted: bool) -> None:
    if wanted:
        print(f"easyportrait {__version__}")
        raise typer.Exit


@app.callback()
def options(
    _: Annotated[
        bool, typer.Option("--version", callback=version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


app.command("parse")(parse.parse)
app.command("apply")(apply.apply)
app.command("video")(video.video)
app.command("camera")(camera.camera)
app.command("serve")(serve.serve)
app.command("demo")(demo.demo)
app.add_typer(studio.app, name="studio")
app.add_typer(models.app, name="models")
app.add_typer(data.app, name="data")
app.add_typer(scale.app, name="scale")
app.command("evaluate")(evaluate.evaluate)
app.command("train")(train.train)
app.command("doctor")(doctor.doctor)
