"""`easyportrait data`: have the dataset, know that it is sound, bring it to other forms."""

import typer

from . import browse, build, convert, duplicates, fetch, prelabel, split, stats, verify

app = typer.Typer(
    no_args_is_help=True, help="Fetch the EasyPortrait dataset, verify or convert one."
)

app.command("fetch")(fetch.fetch)
app.command("verify")(verify.verify)
app.command("stats")(stats.stats)
app.command("convert")(convert.convert)
app.command("prelabel")(prelabel.prelabel)
app.command("build")(build.build)
app.command("split")(split.split)
app.command("duplicates")(duplicates.duplicates)
app.command("browse")(browse.browse)
