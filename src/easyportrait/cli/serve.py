"""`easyportrait serve`: the same over HTTP."""

import importlib.util
from pathlib import Path
from typing import Annotated

import typer

from ..core import load
from ..errors import MissingExtra
from ..models.catalog import DEFAULT, catalog, find_model
from ..models.parser import Parser
from ..models.session import OnnxSession, cores
from .common import MaxPixels, Runtime, words

PACKAGES = ("fastapi", "uvicorn", "python_multipart", "prometheus_client")
PIXELS = 50_000_000


def serve(
    host: Annotated[
        str, typer.Option(help="Address to listen at. Any but this machine's needs a token.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes one that is free.")] = 8000,
    model: Annotated[
        list[str] | None,
        typer.Option(
            "-m",
            "--model",
            help="A model that requests may name, or a path; may be repeated, the first is "
            f"the usual one. \\[default: {DEFAULT}]",
        ),
    ] = None,
    runtime: Runtime = "onnx",
    token_file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Ask callers for the token in it (or in $EASYPORTRAIT_TOKEN)."
        ),
    ] = None,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME", help="A name it may be called by, as behind a proxy; may be repeated."
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="Pictures done at the same time. \\[default: one a core]"),
    ] = None,
    queue: Annotated[
        int, typer.Option(min=0, help="Requests that may wait beside them; others hear 429.")
    ] = 16,
    max_body: Annotated[
        int, typer.Option(min=1, metavar="MB", help="The most that a request may send.")
    ] = 32,
    max_pixels: MaxPixels = PIXELS,
) -> None:
    """Parse pictures and apply effects over HTTP.

    POST /v1/parse and /v1/apply take a picture as body or in a form; /v1/models, /v1/effects,
    /healthz, /metrics and /openapi.json say the rest. It listens to this machine only,
    writes nothing to disk, and opens no path or address that a request names. Ctrl-C ends it
    when the requests that are there are answered.
    """
    for package in PACKAGES:
        if importlib.util.find_spec(package) is None:
            raise MissingExtra("serve", package)
    from ..serve import run, studio
    from ..serve.app import make_app
    from ..serve.limits import MB, Limits

    token = run.read_token(token_file)
    hosts = run.allowed_hosts(host, allow_host or [], token)
    limits = Limits(body=max_body * MB, pixels=max_pixels, queue=queue)
    threads = workers or cores()
    in_page = find_model(model[0] if model else studio.MODEL)
    card = OnnxSession(in_page, threads=1).card
    with run.bound(host, port) as listening:
        app = make_app(
            parsers(model or [DEFAULT], runtime, max(1, cores() // threads)),
            threads=threads,
            limits=limits,
            token=token,
            hosts=hosts,
            page=studio.page_folder(),
            made=studio.made(in_page, card),
        )

        def started() -> None:
            print(run.address(listening), flush=True)
            kept = "with a token" if token else "this machine only"
            words.print(f"{kept}; Ctrl-C ends", markup=False)

        run.serve(app, listening, limits, started)


def parsers(models: list[str], runtime: str, threads: int) -> dict[str, Parser]:
    """Each by the name that requests may say: its own, or a file's without its suffix."""
    known = catalog()
    return {
        name if name in known else Path(name).stem: load(name, threads=threads, runtime=runtime)
        for name in models
    }
