"""`easyportrait scale`: the same work over many machines, by Ray."""

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial, wraps
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from ..effects import EFFECTS
from ..effects.chain import Chain
from ..errors import BadInput, SomeFailed
from ..image.io import MAX_PIXELS, read_image
from ..models.catalog import DEFAULT
from .common import Looks, MaxPixels, Model, Runtime, complain, progress_bar, with_parameters, words
from .data.build import build as build_here
from .data.verify import printable
from .data.verify import verify as verify_here
from .effects import Wishes, takes_effects

app = typer.Typer(
    no_args_is_help=True, help="The same over many machines (Ray), from and to disks and buckets."
)

WHERE = "Machines"

Source = Annotated[
    str,
    typer.Argument(
        metavar="SRC",
        help="A folder, on a disk or as s3://, gs:// and the like; or a list: a .txt file with a "
        "path or address a line.",
    ),
]
Target = Annotated[
    str,
    typer.Option("-o", "--output", metavar="DST", help="A folder, or s3://, gs:// and the like."),
]
As = Annotated[
    Literal["files", "webdataset", "parquet"],
    typer.Option("--as", help="A file each; or a tar or a table of each part."),
]
PartSize = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Pictures that a worker takes together, and that make a tar or table: else a 64th "
        "of all, from 16 to 1000.",
    ),
]
AsListed = Annotated[
    bool,
    typer.Option("--as-listed", help="Go on without looking for new or changed pictures."),
]
Retry = Annotated[
    bool, typer.Option("--retry", help="Do parts again that have pictures that failed.")
]
Force = Annotated[bool, typer.Option("--force", help="Do everything again.")]

Address = Annotated[
    str | None,
    typer.Option(
        metavar="ray://HOST:10001",
        help="A Ray cluster; also HOST:6379, or auto on one of its machines. Else this machine.",
        rich_help_panel=WHERE,
    ),
]
Workers = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="How many; else all cores here but one, and at an address as many as find room.",
        rich_help_panel=WHERE,
    ),
]
Cpus = Annotated[
    int, typer.Option("--cpus", min=1, help="Cores of each worker.", rich_help_panel=WHERE)
]


@app.command("parse")
def parse(
    source: Source,
    output: Target,
    keep: As = "files",
    want_overlay: Annotated[
        bool, typer.Option("--overlay", help="Also NAME.overlay.jpg: classes over the picture.")
    ] = False,
    want_cutout: Annotated[
        bool, typer.Option("--cutout", help="Also NAME.cutout.png: the person on transparency.")
    ] = False,
    want_json: Annotated[
        bool, typer.Option("--json", help="Also NAME.json: faces, parts and areas.")
    ] = False,
    want_photo: Annotated[
        bool,
        typer.Option("--photo", help="Also NAME.jpg, the photo upright: only in tars and tables."),
    ] = False,
    model: Model = DEFAULT,
    looks: Looks = 2,
    runtime: Runtime = "onnx",
    max_pixels: MaxPixels = MAX_PIXELS,
    address: Address = None,
    workers: Workers = None,
    cpus: Cpus = 1,
    part: PartSize = None,
    as_listed: AsListed = False,
    retry: Retry = False,
    force: Force = False,
) -> None:
    """Write what each pixel is, for pictures without end: NAME.png each, as `parse` does.

    A bad picture is a line in DST/errors.jsonl, and the job goes on; a worker that dies is
    replaced, and its work done again. What is done stays, whatever ends a job, and the same
    command goes on from there. docs/howto/scale.md says more.
    """
    from ..scale.task import Parse, Travelling

    wants = {".overlay.jpg": want_overlay, ".cutout.png": want_cutout, ".json": want_json}
    if want_photo and keep == "files":
        raise BadInput("--photo is for --as webdataset and parquet; files have their photos")
    task = Parse(
        Travelling(model, runtime=runtime, threads=cpus),
        looks,
        tuple(suffix for suffix, wanted in wants.items() if wanted),
        want_photo,
        max_pixels,
    )
    with interruptible():
        run(
            task,
            source,
            output,
            (address, workers, cpus),
            keep=keep,
            size=part,
            as_listed=as_listed,
            retry=retry,
            force=force,
        )


@app.command("apply")
@takes_effects
def apply(
    source: Source,
    output: Target,
    wishes: Wishes,
    keep: As = "files",
    keep_location: Annotated[
        bool, typer.Option("--keep-location", help="Keep where a photograph was taken (GPS).")
    ] = False,
    model: Model = DEFAULT,
    looks: Looks = 2,
    runtime: Runtime = "onnx",
    max_pixels: MaxPixels = MAX_PIXELS,
    address: Address = None,
    workers: Workers = None,
    cpus: Cpus = 1,
    part: PartSize = None,
    as_listed: AsListed = False,
    retry: Retry = False,
    force: Force = False,
) -> None:
    """Effects on pictures without end, as `apply` does them.

    A bad picture is a line in DST/errors.jsonl, and the job goes on; a worker that dies is
    replaced, and its work done again. What is done stays, whatever ends a job, and the same
    command goes on from there. docs/howto/scale.md says more.
    """
    from ..scale.task import Apply, Travelling

    chain = Chain.of(wishes, read=partial(read_image, max_pixels=max_pixels))
    if not chain.steps:
        raise BadInput(f"name an effect: --background, {', '.join(f'--{n}' for n in EFFECTS)}")
    parser = Travelling(model, runtime=runtime, threads=cpus)
    task = Apply(parser, chain, looks, keep_location, max_pixels)
    with interruptible():
        run(
            task,
            source,
            output,
            (address, workers, cpus),
            keep=keep,
            size=part,
            as_listed=as_listed,
            retry=retry,
            force=force,
        )


def run(
    task: Any, source: str, output: str, where: tuple[str | None, int | None, int], **how: Any
) -> None:
    """Do it, and say what came of it.

    Raises:
        SomeFailed: there are pictures without results.
    """
    from ..scale.engine import Cluster
    from ..scale.job import ERRORS
    from ..scale.job import run as do

    with progress_bar() as bar:
        line = bar.add_task(task.described["command"], total=None)
        outcome = do(
            source,
            output,
            task,
            Cluster(*where),
            progress=lambda done, total: bar.update(line, completed=done, total=total),
            **how,
        )
    for row in outcome.first:
        complain(printable(row["error"]))
    if outcome.failed > len(outcome.first):
        complain(f"and {outcome.failed - len(outcome.first):,} more; {ERRORS} lists all")
    good = outcome.pictures - sum(told.failed for told in outcome.parts)
    before = f"; {outcome.before:,} of {outcome.plan.parts:,} parts were done already"
    words.print(
        f"{good:,} done{before if outcome.before else ''}; results in {output}",
        style="green",
        markup=False,
    )
    if outcome.failed:
        raise SomeFailed(
            f"{outcome.failed:,} of {outcome.plan.pictures:,} failed; they are in "
            f"{output.rstrip('/')}/{ERRORS}"
        )


@contextmanager
def interruptible() -> Iterator[None]:
    """Ctrl-C is no accident: say how to go on."""
    try:
        yield
    except KeyboardInterrupt:
        words.print("stopped; what is done stays, and the same command goes on from there")
        raise typer.Exit(130) from None


# -- verify and build ----------------------------------------------------------------------


def shared_out(
    command: Callable[..., None], folders: tuple[str, ...], **hidden: Any
) -> Callable[..., None]:
    """A command of `easyportrait data` that goes over its pictures on many machines.

    Args:
        command: hides its argument `over`.
        folders: its arguments with what the machines read.
        hidden: other arguments that it hides.
    """
    own = inspect.signature(command)
    more = {"address": (Address, None), "workers": (Workers, None)}
    added = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=usual, annotation=kind)
        for name, (kind, usual) in more.items()
    ]

    @wraps(command)
    def over_machines(**values: Any) -> None:
        from ..scale.engine import Cluster
        from ..scale.shared import everywhere

        cluster = Cluster(values.pop("address"), values.pop("workers"))
        for name, value in values.items():  # workers may be at work in another folder
            if isinstance(value, Path) and name in folders:
                values[name] = value.absolute()
        read = [values[name] for name in folders if values[name] is not None]
        with interruptible(), everywhere(cluster, read) as over:
            command(**values, **hidden, over=over)

    return with_parameters(over_machines, [*own.parameters.values(), *added])


def travelling(model: str) -> Any:
    """A finder of faces that can be sent."""
    from ..scale.task import Travelling

    return Travelling(model)


app.command("verify")(shared_out(verify_here, ("root",)))
app.command("build")(shared_out(build_here, ("photos", "masks"), opened=travelling))
