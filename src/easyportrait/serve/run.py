"""Starting: an address, who may call, and a server that ends in good order."""

import os
import socket
from collections.abc import Callable, Collection
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path

import uvicorn

from ..errors import BadInput
from .guard import Guard
from .limits import Limits
from .protocol import settings

SHORTEST_TOKEN = 16
TOKEN = "EASYPORTRAIT_TOKEN"


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches it.

    >>> is_loopback("127.0.0.1"), is_loopback("::1"), is_loopback("0.0.0.0")
    (True, True, False)
    """
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def read_token(file: Path | None) -> str | None:
    """The token in a file, else in the environment; None if there is none.

    Raises:
        BadInput: the file cannot be read, or the token is easy to guess or to garble.
    """
    token, where = os.environ.get(TOKEN), TOKEN
    if file is not None:
        try:
            token, where = file.read_text("utf-8"), str(file)
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is no text"
            raise BadInput(f"the token in {file} cannot be read: {reason}") from None
    if token is None:
        return None
    token = token.strip()
    if len(token) < SHORTEST_TOKEN or not token.isascii() or not token.isprintable():
        raise BadInput(
            f"the token in {where} must be {SHORTEST_TOKEN} or more printable ASCII characters; "
            "`openssl rand -hex 32` makes one"
        )
    return token


def allowed_hosts(host: str, more: Collection[str], token: str | None) -> set[str] | None:
    """Names that requests may call the server by; None for any.

    Args:
        host: what it is bound to.
        more: names that are allowed besides.

    Raises:
        BadInput: others could reach it, and nothing keeps them out.
    """
    if is_loopback(host):
        return {"localhost", "127.0.0.1", "::1", host, *(name.lower() for name in more)}
    if token is None:
        raise BadInput(
            f"{host} can be reached from other machines, so a token is needed: --token-file FILE, "
            f"or {TOKEN} in the environment"
        )
    return {name.lower() for name in more} | {host} if more else None


def bound(host: str, port: int) -> socket.socket:
    """A socket that waits for connections; port 0 is any that is free.

    Raises:
        BadInput: there is no such address, or the port is taken.
    """
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=128)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise BadInput(
            f"{host} port {port} cannot be used: {reason}; --port 0 takes one that is free"
        ) from None


def address(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


class Server(uvicorn.Server):
    """uvicorn's, telling when it can be asked."""

    def __init__(self, app: Guard, limits: Limits, started: Callable[[], None]) -> None:
        how = settings(limits) | {"timeout_graceful_shutdown": int(limits.answer_s)}
        super().__init__(uvicorn.Config(app, lifespan="on", **how))
        self._started = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._started()


def serve(
    app: Guard, listening: socket.socket, limits: Limits, started: Callable[[], None]
) -> None:
    """Until Ctrl-C, or the system asks to end; requests that are here are answered first."""
    with suppress(KeyboardInterrupt):
        Server(app, limits, started).run(sockets=[listening])
