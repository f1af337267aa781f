"""A server with a fake net, asked through the app or through real sockets."""

import asyncio
import io
import json
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import numpy as np
from PIL import Image as Pil

from easyportrait.image.io import encode
from easyportrait.models.parser import Parser
from easyportrait.models.session import FakeSession, fake_card
from easyportrait.serve.app import make_app
from easyportrait.serve.guard import Guard
from easyportrait.serve.limits import Limits
from easyportrait.serve.run import Server, bound
from easyportrait.taxonomy import CLASSES
from tests.conftest import by_colour, face_mask

HOSTS = {"127.0.0.1", "localhost", "::1"}
SOON = 10.0  # seconds within which what must happen does, on a busy machine


def net(before: Callable[[], object] = lambda: None, task: str = "joint") -> Parser:
    """Knows classes by their colours; `before` is called at each look."""

    def run(batch: np.ndarray) -> np.ndarray:
        before()
        return by_colour(batch)

    return Parser(FakeSession(run, fake_card(task, frame_side=128, face_side=64)))


def drawn() -> np.ndarray:
    noise = np.random.default_rng(0).integers(0, 16, (120, 90, 3), dtype=np.uint8)
    return np.clip(CLASSES.palette[face_mask(120, 90)], 16, 239) + noise - 8


def photo(suffix: str = ".png", image: np.ndarray | None = None) -> bytes:
    return encode(drawn() if image is None else image, suffix)


def decoded(data: bytes) -> np.ndarray:
    with Pil.open(io.BytesIO(data)) as picture:
        return np.asarray(picture)


@contextmanager
def client(
    parsers: Mapping[str, Parser] | None = None, *, threads: int = 2, **how: Any
) -> Iterator["Asked"]:
    """The app itself, without sockets."""
    app = make_app(parsers or {"fake": net()}, threads=threads, **({"hosts": HOSTS} | how))
    asked = Asked(app)
    living = app.app.router.lifespan_context(app.app)
    asked.run(living.__aenter__())
    try:
        yield asked
    finally:
        asked.run(asked.client.aclose())
        asked.run(living.__aexit__(None, None, None))
        asked.loop.close()


class Asked:
    """An app in a loop of its own that runs while it is asked."""

    def __init__(self, app: Guard) -> None:
        self.loop = asyncio.new_event_loop()
        self.run = self.loop.run_until_complete
        self.client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app, raise_app_exceptions=False),
            base_url="http://127.0.0.1",
        )

    def get(self, path: str, **how: Any) -> httpx.Response:
        return self.run(self.client.get(path, **how))

    def post(self, path: str, **how: Any) -> httpx.Response:
        if "content" in how and not isinstance(how["content"], bytes):
            how["content"] = pieces(how["content"])
        return self.run(self.client.post(path, **how))


async def pieces(content: Iterable[bytes]) -> AsyncIterator[bytes]:
    for piece in content:
        yield piece


@dataclass
class Served:
    """A server at a port, and raw ways to talk to it."""

    port: int
    server: Server
    open: list[socket.socket] = field(default_factory=list)

    def connect(self) -> socket.socket:
        made = socket.create_connection(("127.0.0.1", self.port), timeout=SOON)
        self.open.append(made)
        return made

    def ask(self, raw: bytes) -> tuple[int, bytes]:
        """Status and body; (0, b"") if the line was cut without an answer."""
        made = self.connect()
        made.sendall(raw)
        return answer_of(made)

    def post(self, path: str, body: bytes, *headers: str) -> socket.socket:
        made = self.connect()
        made.sendall(head("POST", path, f"Content-Length: {len(body)}", *headers) + body)
        return made

    def metric(self, name: str) -> float:
        _, text = self.ask(head("GET", "/metrics", "Connection: close"))
        lines = [line for line in text.decode().splitlines() if line.startswith(name + " ")]
        return float(lines[0].split()[1]) if lines else 0.0


def head(method: str, path: str, *headers: str) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", *headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def answer_of(made: socket.socket) -> tuple[int, bytes]:
    try:
        with made.makefile("rb") as file:
            return read_answer(file)
    except ConnectionError:
        return 0, b""


def read_answer(file: Any) -> tuple[int, bytes]:
    first = file.readline()
    if not first:
        return 0, b""
    length = 0
    while (line := file.readline().strip()) != b"":
        name, _, value = line.partition(b":")
        length = int(value) if name.lower() == b"content-length" else length
    return int(first.split()[1]), file.read(length)


def error_of(body: bytes) -> str:
    found = json.loads(body)
    assert set(found) == {"error", "message"} and found["message"]
    return str(found["error"])


@contextmanager
def serving(
    parsers: Mapping[str, Parser] | None = None,
    *,
    threads: int = 2,
    limits: Limits | None = None,
    buffer: int | None = None,
    **how: Any,
) -> Iterator[Served]:
    """A real server on a free port of this machine.

    Args:
        buffer: bytes of an answer that the system takes before anybody reads them.
    """
    limits = limits or Limits()
    app = make_app(
        parsers or {"fake": net()}, threads=threads, limits=limits, **({"hosts": HOSTS} | how)
    )
    ready = threading.Event()
    with bound("127.0.0.1", 0) as listening:
        if buffer is not None:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, buffer)
        server = Server(app, limits, ready.set)
        thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
        thread.start()
        assert ready.wait(SOON)
        served = Served(listening.getsockname()[1], server)
        try:
            yield served
        finally:
            for made in served.open:
                made.close()
            server.should_exit = True
            thread.join(SOON)
            assert not thread.is_alive()


def eventually(holds: Callable[[], bool]) -> bool:
    until = time.monotonic() + SOON
    while not holds():
        if time.monotonic() > until:
            return False
        time.sleep(0.01)
    return True
