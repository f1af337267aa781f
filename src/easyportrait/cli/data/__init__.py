"""`easyportrait data`: have the dataset, and know that it is sound."""

import typer

from . import fetch, verify

app = typer.Typer(no_args_is_help=True, help="Fetch the EasyPortrait dataset, or verify one.")

app.command("fetch")(fetch.fetch)
app.command("verify")(verify.verify)
