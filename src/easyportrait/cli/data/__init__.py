"""`easyportrait data`: have the dataset."""

import typer

from . import fetch

app = typer.Typer(no_args_is_help=True, help="Fetch the EasyPortrait dataset.")

app.command("fetch")(fetch.fetch)
