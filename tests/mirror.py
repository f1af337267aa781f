"""A web server on this machine that serves a few files, honestly or not."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Mirror:
    """What it serves and how.

    Attributes:
        url: its address, without a slash at the end.
        files: bytes by path, "/images.zip".
        marks: ETag and Last-Modified of all files, as headers.
        tricks: how the next requests are answered, in turn; honestly when there are none.
        always: a trick for every request that `tricks` leaves.
        asked: the headers of each request, and its "Path".
    """

    url: str
    files: dict[str, bytes] = field(default_factory=dict)
    marks: dict[str, str] = field(default_factory=lambda: {"ETag": '"1"'})
    tricks: list["Trick"] = field(default_factory=list)
    always: "Trick | None" = None
    asked: list[dict[str, str]] = field(default_factory=list)

    @property
    def ranges(self) -> list[str | None]:
        """The Range of each request."""
        return [asked.get("Range") for asked in self.asked]


Trick = Callable[["Handler"], None]


class Handler(BaseHTTPRequestHandler):
    mirror: Mirror

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        mirror = self.mirror
        mirror.asked.append(dict(self.headers) | {"Path": self.path})
        trick = mirror.tricks.pop(0) if mirror.tricks else mirror.always or honest
        trick(self)

    @property
    def data(self) -> bytes | None:
        return self.mirror.files.get(self.path.split("?")[0])

    def head(self, status: int, **headers: object) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()

    def begin(self) -> bytes:
        """Send the headers of an honest answer; what should follow."""
        data, marks = self.data, self.mirror.marks
        if data is None:
            self.head(404, Content_Length=0)
            return b""
        wanted = self.headers.get("Range")
        condition = self.headers.get("If-Range")
        if wanted and (condition is None or condition in marks.values()):
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
            if start >= len(data):
                said = b"<html>out of range</html>"
                span = f"bytes */{len(data)}"
                self.head(416, Content_Range=span, Content_Length=len(said), **marks)
                return said
            span = f"bytes {start}-{len(data) - 1}/{len(data)}"
            self.head(206, Content_Range=span, Content_Length=len(data) - start, **marks)
            return data[start:]
        self.head(200, Content_Length=len(data), Content_Type="application/zip", **marks)
        return data


def honest(handler: Handler) -> None:
    handler.wfile.write(handler.begin())


def cut(after: int) -> Trick:
    """Promise the whole, end the connection after so many bytes."""
    return lambda handler: handler.wfile.write(handler.begin()[:after]) and None


def status(code: int, **headers: object) -> Trick:
    return lambda handler: handler.head(code, Content_Length=0, **headers)


def redirect(to: str, code: int = 302) -> Trick:
    return status(code, Location=to)


def hang(seconds: float) -> Trick:
    """Say nothing for a while, then end."""
    return lambda handler: time.sleep(seconds)


def stall(after: int, seconds: float) -> Trick:
    def trick(handler: Handler) -> None:
        handler.wfile.write(handler.begin()[:after])
        handler.wfile.flush()
        time.sleep(seconds)

    return trick


def ignore_range(handler: Handler) -> None:
    del handler.headers["Range"]
    honest(handler)


def say(code: int, body: bytes, **headers: object) -> Trick:
    """Just this, with these headers and no other."""

    def trick(handler: Handler) -> None:
        handler.head(code, **headers)
        handler.wfile.write(body)

    return trick


def chunked(data: bytes, *, whole: bool = True, size: int = 1000) -> Trick:
    """In chunks, so that nothing says how long it is."""

    def trick(handler: Handler) -> None:
        handler.head(200, Transfer_Encoding="chunked", **handler.mirror.marks)
        for at in range(0, len(data), size):
            block = data[at : at + size]
            handler.wfile.write(b"%x\r\n%s\r\n" % (len(block), block))
        handler.wfile.write(b"0\r\n\r\n" if whole else b"")

    return trick


class Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False  # a test need not wait for a server that hangs

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is what the tests are about."""


@contextmanager
def serving() -> Iterator[Mirror]:
    handler = type("OneHandler", (Handler,), {})
    with Server(("127.0.0.1", 0), handler) as server:
        mirror = Mirror(f"http://127.0.0.1:{server.server_address[1]}")
        handler.mirror = mirror  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield mirror
        finally:
            server.shutdown()
            thread.join()
