"""The server's addresses: what each takes, and what it answers."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any, Literal

import cv2
from fastapi import Depends, FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from fastapi.security import HTTPBearer
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from .. import __version__
from ..errors import BadInput, EasyPortraitError, TookTooLong, UnknownModel
from ..models.parser import Parser
from . import describe, documented
from .answers import OUTPUTS, Answer, applied, parsed, read_wishes
from .body import PICTURES, read_form
from .files import Files
from .guard import Guard, as_json, headers_of
from .limits import Limits
from .metrics import TYPE, Meter
from .places import Places

log = logging.getLogger(__name__)

LONGEST_MESSAGE = 1_000  # characters; a message may quote what was sent

Want = Annotated[
    Literal["labels", "json", "cutout"] | None,
    Query(alias="as", description="What to answer; without it, what Accept asks for."),
]
Looks = Annotated[
    Literal["1", "2"],
    Query(description="1: the whole frame only, faster. 2: each face as well."),
]
Model = Annotated[str | None, Query(description="A name from /v1/models.", max_length=200)]
Output = Annotated[
    Literal["png", "jpeg", "webp"] | None,
    Query(description="The answer's kind; without it, what Accept asks for, else as it came."),
]
Effects = Annotated[
    str | None,
    Query(description="As the form's field `effects`, for a picture that is the whole body."),
]


def make_app(
    parsers: Mapping[str, Parser],
    *,
    threads: int,
    limits: Limits | None = None,
    token: str | None = None,
    hosts: Collection[str] | None = None,
    page: Path | None = None,
    made: Mapping[str, bytes | Path] | None = None,
) -> Guard:
    """An ASGI app; `Guard` stands before everything, its own faults' answers too.

    Args:
        parsers: models by the names that requests may say, the default first.
        threads: pictures that are worked on at the same time.
        limits: what a request may cost.
        token: what callers must bear; None for nobody.
        hosts: names that it may be called by; None for any.
        page: a folder whose files are served at /, to anybody who may connect.
        made: further files of it, by their paths there.
    """
    limits = limits or Limits()
    places = Places(threads, limits.queue)
    meter = Meter(places)
    app = FastAPI(
        title="easyportrait",
        version=__version__,
        description=documented.ABOUT,
        docs_url=None,  # they would load a stranger's scripts
        redoc_url=None,
        redirect_slashes=False,
        responses=documented.ANYWHERE,
        lifespan=partial(lifespan, places),
        dependencies=[Depends(HTTPBearer(auto_error=False))] if token else [],
    )
    add_errors(app)
    add_pictures(app, dict(parsers), places, limits)
    add_facts(app, dict(parsers), meter)
    if page is not None:
        app.mount("/", Files(page, made or {}), name="page")
    return Guard(app, limits=limits, token=token, hosts=hosts, meter=meter)


@asynccontextmanager
async def lifespan(places: Places, _: FastAPI) -> AsyncIterator[None]:
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)  # a picture a core
    try:
        yield
    finally:
        await asyncio.to_thread(places.close)
        cv2.setNumThreads(before)


# -- pictures ------------------------------------------------------------------------------


def add_pictures(app: FastAPI, parsers: dict[str, Parser], places: Places, limits: Limits) -> None:
    @app.post("/v1/parse", response_class=Response, **documented.PARSE)
    async def parse(
        request: Request, want: Want = None, looks: Looks = "2", model: Model = None
    ) -> Response:
        """What every pixel of a picture is."""
        check_query(request, ("as", "looks", "model"))
        asked = want or accepted(request, {"image/png": "labels", "application/json": "json"})
        return await answered(
            request,
            places,
            limits,
            ("picture",),
            (),
            lambda pictures, _: partial(
                parsed,
                chosen(parsers, model),
                pictures["picture"],
                want=asked or "labels",
                looks=int(looks),
                max_pixels=limits.pixels,
            ),
        )

    @app.post("/v1/apply", response_class=Response, **documented.APPLY)
    async def apply(
        request: Request,
        effects: Effects = None,
        output: Output = None,
        looks: Looks = "2",
        model: Model = None,
    ) -> Response:
        """A picture after effects."""
        check_query(request, ("effects", "output", "looks", "model"))

        def work(pictures: dict[str, bytes], fields: dict[str, str]) -> Callable[[], Answer]:
            said = {"effects": effects, "output": output}
            for name in fields:
                if said[name] is not None:
                    raise BadInput(f"{name} is said twice: in the address and in the form")
            kind = fields.get("output", output) or accepted(
                request, {kind: name for name, kind in OUTPUTS.items()}
            )
            if kind is not None and kind not in OUTPUTS:
                raise BadInput(f"output is {', '.join(OUTPUTS)}, not {kind!r}")
            return partial(
                applied,
                chosen(parsers, model),
                pictures["picture"],
                wishes=read_wishes(fields.get("effects", effects) or ""),
                background=pictures.get("background"),
                output=kind,
                looks=int(looks),
                max_pixels=limits.pixels,
            )

        return await answered(request, places, limits, PICTURES, ("effects", "output"), work)


async def answered(
    request: Request,
    places: Places,
    limits: Limits,
    pictures: Collection[str],
    fields: Collection[str],
    work: Callable[[dict[str, bytes], dict[str, str]], Callable[[], Answer]],
) -> Response:
    """Take a place, read the body, do the work in a thread. The place is kept until the
    answer is sent, so answers that nobody takes are never more than places.

    Raises:
        Busy: there is no place.
        TookTooLong: no answer in time.
        EasyPortraitError: as reading and the work.
    """
    async with AsyncExitStack() as held:
        place = await held.enter_async_context(places.place())
        form = await read_form(
            request.stream(),
            request.headers.get("content-type", ""),
            limits,
            pictures=pictures,
            fields=fields,
        )
        job = work(form.pictures, form.fields)
        del form
        answer = await unless_gone(place.do(job), request, limits.answer_s)
        request.scope["held"].push_async_callback(held.pop_all().aclose)
    return Response(answer.body, media_type=answer.type)


async def unless_gone(doing: Awaitable[Answer], request: Request, seconds: float) -> Answer:
    """Raises:
    ClientDisconnect: who asked has hung up.
    TookTooLong: no answer within so many seconds.
    """
    task = asyncio.ensure_future(doing)
    gone = asyncio.ensure_future(hung_up(request))
    try:
        done, _ = await asyncio.wait(
            {task, gone}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED
        )
        if task in done:
            return task.result()
        if gone in done:
            raise ClientDisconnect
        raise TookTooLong(f"there was no answer within {seconds:g} s; try a smaller picture")
    finally:
        for one in (task, gone):
            one.cancel()
        await asyncio.gather(task, gone, return_exceptions=True)
        del task, gone  # an error in them would hold this frame, and the picture with it


async def hung_up(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def chosen(parsers: dict[str, Parser], name: str | None) -> Parser:
    """Raises: UnknownModel: the server was not started with it."""
    if name is None:
        return next(iter(parsers.values()))
    if name not in parsers:
        raise UnknownModel(name, parsers, paths=False)
    return parsers[name]


def check_query(request: Request, known: Collection[str]) -> None:
    """Raises: BadInput: the address says something that nobody would listen to, or twice."""
    for name in request.query_params:
        if name not in known:
            raise BadInput(f"there is no {name!r} here; known are {', '.join(known)}")
        if len(request.query_params.getlist(name)) > 1:
            raise BadInput(f"{name} is said twice")


def accepted(request: Request, kinds: Mapping[str, str]) -> str | None:
    """The value of the first kind that Accept names; None where it takes anything.

    Weights (`;q=`) are not read: who wants one kind of several says so in the address.
    """
    wanted = [
        part.partition(";")[0].strip() for part in request.headers.get("accept", "").split(",")
    ]
    return next((kinds[kind] for kind in wanted if kind in kinds), None)


# -- facts ---------------------------------------------------------------------------------


def add_facts(app: FastAPI, parsers: dict[str, Parser], meter: Meter) -> None:
    models, effects = describe.models(parsers), describe.effects()

    @app.get("/v1/models", **documented.MODELS)
    async def list_models() -> dict[str, Any]:
        """Models that this server knows, with what their cards say."""
        return models

    @app.get("/v1/effects", **documented.EFFECTS)
    async def list_effects() -> dict[str, Any]:
        """Effects with their knobs: kind, default, range or choices, help."""
        return effects

    @app.get("/healthz")
    async def health() -> dict[str, str]:
        """Whether it is there."""
        return {"status": "ok", "version": __version__}

    @app.get("/metrics", response_class=Response, **documented.METRICS)
    async def metrics() -> Response:
        """Counts for Prometheus."""
        return Response(meter.text(), headers={"content-type": TYPE})


# -- errors --------------------------------------------------------------------------------


def add_errors(app: FastAPI) -> None:
    @app.exception_handler(EasyPortraitError)
    async def ours(_: Request, error: EasyPortraitError) -> Response:
        message = shortened(str(error))
        return Response(as_json(error.code, message), error.http_status, headers_of(error))

    @app.exception_handler(RequestValidationError)
    async def misfit(_: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        value = str(first.get("input"))[:100]
        said = f"{first['loc'][-1]}: {first['msg'].lower()}, got {value!r}"
        return Response(
            as_json(BadInput.code, shortened(said)), BadInput.http_status, headers_of(BadInput())
        )

    @app.exception_handler(HTTPException)
    async def no_such_thing(request: Request, error: HTTPException) -> Response:
        code = HTTPStatus(error.status_code).phrase.lower().replace(" ", "-")
        message = f"{request.method} {request.url.path}: {error.detail}; /openapi.json says what is"
        body = {"error": code, "message": shortened(message)}
        return JSONResponse(body, error.status_code, error.headers)

    @app.exception_handler(ClientDisconnect)
    async def nobody_there(_: Request, error: ClientDisconnect) -> Response:
        return Response(status_code=499)

    @app.exception_handler(Exception)
    async def fault(_: Request, error: Exception) -> Response:
        message = f"unexpected {type(error).__name__}; the server's log says more"
        return JSONResponse({"error": EasyPortraitError.code, "message": message}, 500)


def shortened(message: str) -> str:
    return message if len(message) <= LONGEST_MESSAGE else f"{message[:LONGEST_MESSAGE]} ..."
