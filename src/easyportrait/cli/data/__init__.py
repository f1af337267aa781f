"""`easyportrait data`: have the dataset, know that it is sound, bring it to other forms."""

import typer

from . import convert, fetch, verify

app = typer.Typer(
    no_args_is_help=True, help="Fetch the EasyPortrait dataset, verify or convert one."
)

app.command("fetch")(fetch.fetch)
app.command("verify")(verify.verify)
app.command("convert")(convert.convert)
