"""A camera's pictures on a page of this machine, for where there is no window.

The browser asks for one picture at a time, and in doing so says that it has shown the one
before: nothing queues up on the way, and latency is measured to the browser's end. Others
must not watch: every address begins with a secret.
"""

import hmac
import logging
import secrets
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import resources
from socketserver import TCPServer
from threading import Condition, Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import cv2

from ..errors import CameraUnusable
from .camera import Shown
from .preview import QUIT, SAVE, TOGGLE, Keys, on_checks

log = logging.getLogger(__name__)

HOME = "127.0.0.1"
QUALITY = 90  # of JPEG
WAIT = 5.0  # seconds for which a request waits for a picture
GONE = 1.0  # seconds without a word from the browser after which nobody looks


class Page:
    """Serves the newest picture to this machine's browsers.

    Args:
        port: 0 for any that is free.
        must_be_seen: whether to wait with a picture until a browser has shown it.

    Raises:
        CameraUnusable: the port is taken, or may not be used.
    """

    def __init__(self, port: int = 0, *, must_be_seen: bool = True) -> None:
        self._must_be_seen = must_be_seen
        self._news = Condition()  # guards all that follows
        self._picture: tuple[int, bytes, str] | None = None
        self._asking = 0
        self._asked = 0.0  # when somebody did last
        self._seen = -1
        self._is_over = False
        self._keys = Keys()
        self._server = Server(self, port)
        self.address = f"http://{HOME}:{self._server.server_address[1]}/{self._server.secret}/"
        Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    # -- for who shows -----------------------------------------------------------------------

    def wants(self) -> bool:
        with self._news:
            return self._asking > 0

    def show(self, shown: Shown, words: str) -> bool:
        picture = cv2.cvtColor(on_checks(shown.image), cv2.COLOR_RGB2BGR)
        data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1].tobytes()
        until = time.monotonic() + GONE
        with self._news:
            self._picture = shown.index, data, words
            self._news.notify_all()
            while self._must_be_seen and self._seen < shown.index and not self._is_over:
                left = until - time.monotonic()
                if left <= 0:
                    return False
                self._news.wait(min(left, 0.1))
            return self._seen >= shown.index

    def pressed(self) -> list[str]:
        return self._keys.taken()

    def close(self) -> None:
        with self._news:
            self._is_over = True
            self._news.notify_all()
        self._server.shutdown()
        self._server.server_close()

    # -- for requests ------------------------------------------------------------------------

    def press(self, key: str) -> None:
        self._keys.put(key)

    def after(self, index: int) -> tuple[int, bytes, str] | None:
        """The first picture after one that was shown; None if none came for a while."""
        until = time.monotonic() + WAIT
        with self._news:
            self._seen = max(self._seen, index)
            self._asking += 1
            self._news.notify_all()
            try:
                while self._picture is None or self._picture[0] <= index:
                    left = until - time.monotonic()
                    if left <= 0 or self._is_over:
                        return None
                    self._news.wait(left)
                return self._picture
            finally:
                self._asking -= 1

    def is_over(self) -> bool:
        with self._news:
            return self._is_over


class Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, page: Page, port: int) -> None:
        self.page, self.secret = page, secrets.token_urlsafe(16)
        self.html = (resources.files(__package__) / "page.html").read_text("utf-8")
        try:
            super().__init__((HOME, port), Handler)
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or error
            raise CameraUnusable(
                f"port {port} cannot be used: {reason}; without --port a free one is taken"
            ) from error

    def server_bind(self) -> None:
        """As the base class, without asking the network for a name of this machine."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = HOME, self.server_address[1]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that hangs up is no news."""
        log.debug("a request ended early", exc_info=True)


class Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "easyportrait", ""
    timeout = 60.0

    def do_GET(self) -> None:
        path, query = self._asked()
        if path == "":
            self._send_page()
        elif path == "frame":
            self._send_frame(query.get("after", ["-1"])[0])
        else:
            self._send(404)

    def do_POST(self) -> None:
        path, _ = self._asked()
        key = path.removeprefix("key/") if path else ""
        self.close_connection = True  # a body may follow, which nobody reads
        if key not in (QUIT, TOGGLE, SAVE):
            self._send(404)
            return
        self.server.page.press(key)
        self._send(204)

    def _asked(self) -> tuple[str | None, Mapping[str, list[str]]]:
        """The path behind the secret, None without it; and the query."""
        parts = urlsplit(self.path)
        _, secret, *path = parts.path.split("/", 2)
        known = hmac.compare_digest(secret.encode(), self.server.secret.encode())
        return (path[0] if path else None) if known else None, parse_qs(parts.query)

    def _send_page(self) -> None:
        nonce = secrets.token_urlsafe(16)
        policy = (
            f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; "
            "img-src blob: data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
            "frame-ancestors 'none'"
        )
        body = self.server.html.replace("NONCE", nonce).encode()
        kind = {"Content-Type": "text/html; charset=utf-8"}
        self._send(200, body, kind | {"Content-Security-Policy": policy})

    def _send_frame(self, after: str) -> None:
        if not after.removeprefix("-").isdecimal() or len(after) > 18:
            self._send(400)
            return
        page = self.server.page
        picture = page.after(int(after))
        if picture is None:
            self._send(410 if page.is_over() else 204)
            return
        index, data, words = picture
        # a header is Latin-1; a saved picture's path may not be
        told = words.encode("ascii", "replace").decode()
        self._send(
            200, data, {"Content-Type": "image/jpeg", "X-Index": str(index), "X-Words": told}
        )

    def _send(
        self, status: int, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> None:
        self.send_response(status)
        always = {
            "Content-Length": str(len(body)),
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Cross-Origin-Resource-Policy": "same-origin",
        }
        if self.close_connection:
            always["Connection"] = "close"
        for name, value in {**always, **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        log.debug(format, *args)
