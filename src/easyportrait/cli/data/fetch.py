"""`easyportrait data fetch`: download and verify a release of the dataset."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from ...data import fetch as data
from ...data.archives import Extracted, Limits
from ...data.download import Progress
from ...data.registry import find_release
from ..common import bytes_bar, words

LIMITS = Limits()


def fetch(
    output: Annotated[
        Path, typer.Option("-o", "--output", help="Folder for archives and what is in them.")
    ],
    release: Annotated[
        str, typer.Argument(metavar="[v1|v2]", help="A release that the registry lists.")
    ] = "v1",
    source: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="URL|DIR",
            help="A base address, a folder that holds the archives, or one archive. Files of "
            "a folder are used where they lie.",
        ),
    ] = None,
    registry: Annotated[
        Path | None, typer.Option(help="A registry of your own: addresses, sizes, hashes.")
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="This archive only; may be repeated.")
    ] = None,
    offline: Annotated[
        bool, typer.Option("--offline", help="Touch no network: use what lies in the folder.")
    ] = False,
    extract: Annotated[
        bool, typer.Option("--extract", help="Also extract each archive into a folder.")
    ] = False,
    max_members: Annotated[
        int, typer.Option(min=1, help="The most files and folders an archive may hold.")
    ] = LIMITS.max_members,
    max_bytes: Annotated[
        int, typer.Option(min=1, help="The most bytes an archive may hold, extracted.")
    ] = LIMITS.max_bytes,
    max_ratio: Annotated[
        float, typer.Option(min=1, help="The most times that it may grow.")
    ] = LIMITS.max_ratio,
) -> None:
    """Have a release of EasyPortrait: its archives, verified; everything here reads them as
    they are, so `--extract` is for other tools.

    An interrupted download goes on where it stopped. What lies there already is verified,
    not fetched again. Where nobody states a hash, the one measured is noted in
    DIR/fetched.json, and every later run must find the same. Prints SHA256 and PATH of
    each archive, as `sha256sum` does.
    """
    wanted = find_release(release, registry)
    if source is not None and "://" not in source and Path(source).is_file():
        only, source = only or [Path(source).name], str(Path(source).parent)
    limits = Limits(max_members, max_bytes, max_ratio)
    words.print(f"{wanted.name}: {wanted.about}; licence: {wanted.licence}", markup=False)
    with shown() as progress:
        found = data.fetch(
            wanted,
            output,
            only=only or (),
            source=None if source is None else data.as_source(source),
            offline=offline,
            progress=progress,
        )
    for fetched in found:
        print(f"{fetched.sha256}  {fetched.path}")
        say(fetched, output)
    for fetched in found if extract else ():
        with shown() as progress:
            done = data.unpack(fetched, output, limits=limits, progress=progress)
        for one in done:
            words.print(f"{one.folder}: {counted(one)}", markup=False)
    words.print("All there.", style="green")


def say(fetched: data.Fetched, output: Path) -> None:
    """What is known of an archive, and what is not."""
    name, origin = fetched.archive.name, fetched.origin or "there already"
    text = f"{name}: {fetched.size:,} bytes, {origin}; "
    if fetched.compared_with:
        words.print(f"{text}SHA-256 as in {fetched.compared_with}", markup=False)
        return
    words.print(
        f"{text}nobody states its SHA-256, so it could not be compared. It is noted in "
        f"{output / data.RECORD}, and later runs must find the same",
        style="yellow",
        markup=False,
    )


def counted(done: Extracted) -> str:
    counts = {
        "files extracted": done.new,
        "there already": done.kept,
        "that differed replaced": done.replaced,
        "of macOS left out": done.left_out,
    }
    return ", ".join(f"{n:,} {what}" for what, n in counts.items() if n) or "no files"


@contextmanager
def shown() -> Iterator[Progress]:
    """A bar that starts anew with each thing done."""
    with bytes_bar() as bar:
        task = bar.add_task("", total=None)
        doing = ""

        def show(what: str, done: int, total: int | None) -> None:
            nonlocal doing
            if what != doing:
                bar.reset(task, description=what)
                doing = what
            bar.update(task, completed=done, total=total)

        yield show
