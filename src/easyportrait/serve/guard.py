"""Who may ask, how much they may send, and what every answer says to browsers.

It stands before the app and sees each request's first headers first: whatever is refused
here has cost no more than them. A loopback server is protected from web pages that are open
in a browser of the same machine: its Host must be this machine's (a foreign name that was
made to lead here is not), and other sites may not call it.
"""

import asyncio
import hmac
import json
import re
import time
from collections.abc import Awaitable, Callable, Collection, Iterator, MutableMapping
from contextlib import AsyncExitStack
from typing import Any
from urllib.parse import urlsplit

from fastapi import FastAPI

from ..errors import (
    BodyTooLarge,
    EasyPortraitError,
    HeadTooLarge,
    OtherSite,
    RequestRefused,
    TooSlow,
    Unauthorised,
    WrongHost,
)
from .headers import ALWAYS, FOR_API, FOR_PAGE
from .limits import Limits
from .metrics import Meter

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

HOST = re.compile(r"[0-9A-Za-z._:\[\]-]+")
OPEN = ("/healthz",)  # of the paths below, those that want no token
API = ("/v1/", "/healthz", "/metrics", "/openapi.json")


class Guard:
    """The app behind checks.

    Args:
        token: whoever asks must have it; None: nobody needs one.
        hosts: names that a request's Host may have; None: any, where a token protects.
        meter: counts every answer.
    """

    def __init__(
        self,
        app: FastAPI,
        *,
        limits: Limits,
        token: str | None,
        hosts: Collection[str] | None,
        meter: Meter,
    ) -> None:
        self.app, self._limits, self._meter = app, limits, meter
        self._token = token.encode() if token else None
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began = time.monotonic()
        exchange = Exchange(scope, receive, send, self._limits)
        try:
            self._check(scope, exchange)
        except RequestRefused as error:
            await refuse(error, exchange.send)
        else:
            async with AsyncExitStack() as scope["held"]:  # until the answer is taken
                await self.app(scope, exchange.receive, exchange.send)
        finally:
            self._meter.count(scope["path"], exchange.status, time.monotonic() - began)

    def _check(self, scope: Scope, exchange: "Exchange") -> None:
        """Raises: RequestRefused: the request is not for this server, or not from its users."""
        limits, headers = self._limits, exchange.headers
        size = sum(len(name) + len(value) + 4 for name, value in scope["headers"])
        if size + len(scope.get("raw_path") or b"") + len(scope["query_string"]) > limits.head:
            raise HeadTooLarge(f"a request's headers have at most {limits.head} bytes")
        if scope["http_version"] not in ("1.0", "1.1"):
            raise RequestRefused(f"this server speaks HTTP/1.1, not {scope['http_version']}")
        if {b"content-length", b"transfer-encoding"} <= set(headers):
            raise RequestRefused("a body has a length or comes in chunks, not both")
        host = headers.get(b"host", b"").decode("latin-1")
        if self._hosts is not None and hostname(host) not in self._hosts:
            raise WrongHost(f"this server is {' or '.join(sorted(self._hosts))}, not {host!r}")
        if not is_api(scope["path"]):
            return
        check_site(headers, host)
        if self._token is not None and scope["path"] not in OPEN:
            check_token(headers, self._token)
        if exchange.length > limits.body:
            raise BodyTooLarge(
                f"a request has at most {limits.body} bytes, this one has {exchange.length}"
            )


class Exchange:
    """One request and its answer: counts and times what comes, dresses what goes.

    Attributes:
        headers: the last of each name.
        length: of the body as the request says; 0 if it does not.
        status: of the answer; 499 if there was none.
    """

    def __init__(self, scope: Scope, receive: Receive, send: Send, limits: Limits) -> None:
        self.headers: dict[bytes, bytes] = dict(scope["headers"])
        said = self.headers.get(b"content-length", b"0")
        self.length = int(said) if said.isdigit() and len(said) < 20 else 0
        self.status = 499
        self._is_api = is_api(scope["path"])
        self._is_whole = not self.length and b"transfer-encoding" not in self.headers
        self._is_awaited = self.headers.get(b"expect", b"").lower() == b"100-continue"
        self._receive, self._send, self._limits = receive, send, limits
        self._received = 0
        self._until = time.monotonic() + limits.receive_s

    async def receive(self) -> Message:
        """Raises:
        BodyTooLarge: more came than may.
        TooSlow: too little came.
        """
        if self._is_whole:
            return await self._receive()
        message = await self._next(self._until)
        self._is_awaited = False
        if self._received > self._limits.body:
            raise BodyTooLarge(f"a request has at most {self._limits.body} bytes")
        return message

    async def _next(self, until: float) -> Message:
        left = min(self._limits.idle_s, until - time.monotonic())
        try:
            message = await asyncio.wait_for(self._receive(), max(0.0, left))
        except asyncio.TimeoutError:
            raise TooSlow(
                f"the body came too slowly: a piece within {self._limits.idle_s:g} s, all of it "
                f"within {self._limits.receive_s:g} s"
            ) from None
        self._received += len(message.get("body", b""))
        self._is_whole = message["type"] != "http.request" or not message.get("more_body")
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = int(message["status"])
            if not self._is_whole:
                await self._linger()
            message = dict(message) | {"headers": list(self._dressed(message.get("headers", [])))}
        elif message.get("body") and not message.get("more_body"):
            await self._send(dict(message) | {"more_body": True})
            message = {"type": "http.response.body"}  # which waits until the body is taken
        await self._send(message)

    async def _linger(self) -> None:
        """Let in some of a body that nobody wants, or its sender would find the line cut and
        never read why. Who asked first (Expect) gets the answer at once."""
        if self._is_awaited:
            return
        until = time.monotonic() + self._limits.linger_s
        most = self._received + 2 * self._limits.body
        try:
            while not self._is_whole and self._received < most:
                await self._next(until)
        except TooSlow:
            pass

    def _dressed(self, headers: list[tuple[bytes, bytes]]) -> Iterator[tuple[bytes, bytes]]:
        yield from headers
        given = {name.lower() for name, _ in headers}
        policy = FOR_API if self._is_api else FOR_PAGE
        for name, value in (ALWAYS | {"content-security-policy": policy}).items():
            if name.encode() not in given:
                yield name.encode(), value.encode()
        if not self._is_whole:
            yield b"connection", b"close"


def is_api(path: str) -> bool:
    """Whether a path is for programs; the rest are a page's files, which hold no secrets."""
    return path.startswith(API)


def hostname(host: str) -> str | None:
    """Of a Host header, without its port; None if it has what neither names nor numbers have.

    >>> hostname("localhost:8000"), hostname("[::1]:80"), hostname("[")
    ('localhost', '::1', None)
    """
    if not HOST.fullmatch(host):
        return None
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None


def check_site(headers: MutableMapping[bytes, bytes], host: str) -> None:
    """Raises: OtherSite: a browser says that another site's page asks."""
    site = headers.get(b"sec-fetch-site", b"none")
    origin = headers.get(b"origin")
    is_ours = origin is None or origin.decode("latin-1").partition("://")[2] == host
    if site not in (b"none", b"same-origin") or not is_ours:
        raise OtherSite("other sites may not use this server")


def check_token(headers: MutableMapping[bytes, bytes], token: bytes) -> None:
    """Raises: Unauthorised: the token is missing or another one."""
    kind, _, given = headers.get(b"authorization", b"").partition(b" ")
    is_right = hmac.compare_digest(given.strip(), token)
    if kind.lower() != b"bearer" or not is_right:
        raise Unauthorised("this server wants its token: Authorization: Bearer TOKEN")


def as_json(code: str, message: str) -> bytes:
    return json.dumps({"error": code, "message": message}).encode()


def headers_of(error: EasyPortraitError) -> dict[str, str]:
    """What an error's answer says besides its status."""
    more = {"content-type": "application/json"}
    if isinstance(error, Unauthorised):
        more["www-authenticate"] = "Bearer"
    if wait := getattr(error, "retry_after", None):
        more["retry-after"] = str(wait)
    return more


async def refuse(error: EasyPortraitError, send: Send) -> None:
    body = as_json(error.code, str(error))
    more = headers_of(error) | {"content-length": str(len(body))}
    headers = [(name.encode(), value.encode()) for name, value in more.items()]
    await send({"type": "http.response.start", "status": error.http_status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
