"""`easyportrait data browse`: look through a dataset in the browser."""

import hashlib
import signal
import webbrowser
from contextlib import closing
from pathlib import Path
from threading import Thread
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import cv2
import typer

from ... import __version__
from ...core import load
from ...data.easyportrait import EasyPortrait
from ...models.catalog import find_model
from ...models.session import cores
from ..common import Looks, words

if TYPE_CHECKING:  # a server and a database, which no other command needs
    from ...data.browse.compare import Model
    from ...data.browse.server import Server


def browse(
    root: Annotated[
        Path, typer.Argument(metavar="DIR", help="Folder of the dataset, zipped or unpacked.")
    ],
    model: Annotated[
        str | None,
        typer.Option("-m", "--model", help="Compare this model's predictions with the masks."),
    ] = None,
    looks: Looks = 2,
    findings: Annotated[
        Path | None, typer.Option(metavar="FILE", help="What `data verify --json FILE` wrote.")
    ] = None,
    allow_255: Annotated[
        bool, typer.Option("--allow-255", help="When verifying: 255 in masks is right.")
    ] = False,
    flags: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Keep names of flagged pictures here, .txt or .json."),
    ] = None,
    cache: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Keep results here, not in the user's cache folder."),
    ] = None,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Of 127.0.0.1; 0 takes one that is free.")
    ] = 0,
    no_open: Annotated[bool, typer.Option("--no-open", help="Do not open the browser.")] = False,
) -> None:
    """Look through pictures and masks: filter, zoom, flicker, compare with a model, flag.

    Serves a page on this machine only and prints its address; Ctrl-C ends it. Which masks
    hold which class, and how a model scores, is worked out in the background and kept, so
    a second start has it at once. Nothing of the dataset is changed.
    """
    from ...data.browse.desk import Desk, Options
    from ...data.browse.findings import read_findings
    from ...data.browse.server import Server
    from ...data.browse.store import Store

    options = Options(
        model=None if model is None else compared(model, looks),
        findings=None if findings is None else read_findings(findings),
        allow_255=allow_255,
        flags=flags,
        workers=cores(),
    )
    dataset = EasyPortrait(root, partial=True)
    cv2.setNumThreads(1)  # a picture a core
    desk = Desk(dataset, Store(cache or cache_folder(), root), options)
    with closing(desk), Server(desk, port) as server:
        desk.start()
        print(server.address, flush=True)
        words.print(f"{dataset!r}; Ctrl-C ends", markup=False)
        if not no_open:  # in a thread: a browser of the terminal would keep the server waiting
            Thread(target=webbrowser.open, args=[server.address], daemon=True).start()
        serve(server)


def serve(server: "Server") -> None:
    """Until Ctrl-C, or the system asks to end."""

    def end(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, end)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass
    finally:
        signal.signal(signal.SIGTERM, before)


def compared(name: str, looks: int) -> "Model":
    """A model as the page compares it. Its answers are kept under what they depend on: the
    file's bytes, the number of looks, and this version's code."""
    from ...data.browse.compare import Model

    parser = load(name, threads=1)
    digest = hashlib.sha256(find_model(name).read_bytes()).hexdigest()
    return Model(
        f"{parser.card.name} {parser.card.version}",
        f"{digest} looks {looks} version {__version__}",
        parser.card.task,
        lambda image: parser.parse(image, looks=looks).labels,
    )


def cache_folder() -> Path:
    from platformdirs import user_cache_path

    return user_cache_path("easyportrait") / "browse"
