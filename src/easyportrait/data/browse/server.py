"""The page's server: this machine only, and nothing but what the dataset's index names.

What a request names is looked up, never opened: a picture by its key among those of the
dataset, a file of the page among those read at the start. Whoever else is in the browser
stays out: the Host must be this machine's (a foreign name that was made to lead here is
not), other sites may embed nothing of it, and what changes anything wants a token that
only the page can read.
"""

import gzip
import hmac
import json
import logging
import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import resources
from socketserver import TCPServer
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from ...errors import BadInput, EasyPortraitError
from .desk import Desk
from .flags import as_json, as_text
from .render import Labels

log = logging.getLogger(__name__)

HOME = "127.0.0.1"
OURS = ("127.0.0.1", "localhost")
LONGEST_BODY = 1 << 16
MOST_ROWS = 400
IDLE = 60.0  # seconds after which a connection without a request is closed

POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
    ]
)
ALWAYS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
JSON, TEXT = "application/json", "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back: `tag` is the ETag under which the browser may keep it."""

    body: bytes
    type: str = JSON
    status: int = 200
    tag: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


class Refusal(Exception):
    """A request that is not answered, and why."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code


def told(what: Any, status: int = 200) -> Answer:
    return Answer(json.dumps(what).encode(), status=status)


def refused(status: int, code: str, message: str) -> Answer:
    return told({"error": code, "message": message}, status)


class Server(ThreadingHTTPServer):
    """Serves one desk's page.

    Args:
        port: 0 for any that is free.

    Raises:
        BadInput: the port is taken, or may not be used.
    """

    daemon_threads = True
    allow_reuse_address = os.name != "nt"  # where it would let two servers have one port

    def __init__(self, desk: Desk, port: int = 0) -> None:
        self.desk = desk
        self.token = secrets.token_urlsafe(24)
        self.page = page()
        try:
            super().__init__((HOME, port), Handler)
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or error
            raise BadInput(
                f"port {port} cannot be used: {reason}; without --port a free one is taken"
            ) from error

    def server_bind(self) -> None:
        """As the base class, without asking the network for a name of this machine."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = HOME, self.server_address[1]

    @property
    def address(self) -> str:
        return f"http://{HOME}:{self.server_address[1]}/"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that hangs up is no news."""
        log.debug("a request ended early", exc_info=True)


def page() -> dict[str, Answer]:
    """The files of the page by the path they are asked for."""
    found = {}
    for file in (resources.files(__package__) / "page").iterdir():
        suffix = "." + file.name.rpartition(".")[2]
        if suffix in TYPES:
            found[f"/{file.name}"] = Answer(file.read_bytes(), TYPES[suffix])
    found["/"] = found["/index.html"]
    return found


class Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "easyportrait", ""
    timeout = IDLE

    def do_GET(self) -> None:
        self._answer(self._get)

    def do_POST(self) -> None:
        self._answer(self._post)

    def _answer(self, make: Callable[[], Answer]) -> None:
        try:
            self._check_who_asks()
            answer = make()
        except Refusal as refusal:
            answer = refused(refusal.status, refusal.code, str(refusal))
        except EasyPortraitError as error:
            answer = refused(error.http_status, error.code, str(error))
        except (ConnectionError, TimeoutError):
            raise
        except Exception as error:
            log.exception("%s %s", self.command, self.path)
            answer = refused(500, "error", f"unexpected {type(error).__name__}: {error}")
        if self.command == "POST" and answer.status >= 400:
            self.close_connection = True  # its body may not have been read
        self._send(answer)

    def _check_who_asks(self) -> None:
        """Raises:
        Refusal: the request was not meant for this server, or comes from another site.
        """
        host = self.headers.get("Host", "")
        if hostname(host) not in OURS:
            raise Refusal(403, "wrong-host", f"this server is {' or '.join(OURS)}, not {host!r}")
        site = self.headers.get("Sec-Fetch-Site", "none")
        is_link = self.headers.get("Sec-Fetch-Mode") == "navigate" and self.path == "/"
        if site not in ("none", "same-origin") and not is_link:
            raise Refusal(403, "other-site", "other sites may not use this server")
        origin = self.headers.get("Origin")
        if origin is not None and origin != f"http://{host}":
            raise Refusal(403, "other-site", f"{origin} may not use this server")

    # -- what is answered ------------------------------------------------------------------

    def _get(self) -> Answer:
        path, query = self._path()
        if path in self.server.page:
            return self.server.page[path]
        desk = self.server.desk
        fixed: Mapping[str, Callable[[], Answer]] = {
            "/api/dataset": lambda: told(desk.about() | {"token": self.server.token}),
            "/api/state": lambda: told(desk.state()),
            "/api/pictures": lambda: told(desk.which(query)),
            "/api/rows": lambda: told([desk.row(i) for i in self._ids(query)]),
            "/api/flagged.txt": lambda: download("flagged.txt", TEXT, as_text(desk.flagged)),
            "/api/flagged.json": lambda: download("flagged.json", JSON, as_json(desk.flagged)),
        }
        if path in fixed:
            return fixed[path]()
        of_picture: Mapping[str, Callable[[int], Answer]] = {
            "/api/picture/": lambda i: told(desk.picture(i)),
            "/thumb/": lambda i: jpeg(desk.thumbnail(i)),
            "/image/": lambda i: jpeg(desk.photograph(i)),
            "/mask/": lambda i: self._labels(desk.mask(i, small=query == "small")),
            "/predicted/": lambda i: self._labels(desk.predicted(i, small=query == "small")),
        }
        for prefix, answer in of_picture.items():
            if path.startswith(prefix):
                return self._of_picture(prefix, path.removeprefix(prefix), answer)
        raise Refusal(404, "not-found", f"there is nothing at {path!r}")

    def _of_picture(self, prefix: str, name: str, answer: Callable[[int], Answer]) -> Answer:
        desk = self.server.desk
        i = self._known(name)
        if prefix.startswith("/api/"):
            return answer(i)
        model = desk.model.key if desk.model else ""
        tag = f'"{quote(f"{prefix}{desk.mark(i)}{model}")}"'
        if self.headers.get("If-None-Match") == tag:
            return Answer(b"", status=HTTPStatus.NOT_MODIFIED, tag=tag)
        with desk.courtesy.answering():
            made = answer(i)
        return Answer(made.body, made.type, tag=tag, headers=made.headers)

    def _post(self) -> Answer:
        token = self.headers.get("X-Token", "").encode("utf-8", "surrogateescape")
        if not hmac.compare_digest(token, self.server.token.encode()):
            raise Refusal(403, "wrong-token", "only the page itself may change anything")
        path, _ = self._path()
        body = self._body()
        if path == "/api/flag":
            name, flagged = body.get("key"), body.get("flagged")
            if not isinstance(name, str) or not isinstance(flagged, bool):
                raise Refusal(422, "bad-input", 'a flag is {"key": TEXT, "flagged": true or false}')
            count = self.server.desk.flag(self._known(unquoted(name)), flagged)
            return told({"flagged": count})
        if path == "/api/verify":
            self.server.desk.verify()
            return told({"started": True})
        raise Refusal(404, "not-found", f"there is nothing to do at {path!r}")

    # -- what was asked --------------------------------------------------------------------

    def _path(self) -> tuple[str, str]:
        try:
            parts = urlsplit(self.path)
        except ValueError:
            raise Refusal(400, "bad-input", "that is no address") from None
        return unquoted(parts.path), parts.query

    def _known(self, name: str) -> int:
        desk = self.server.desk
        i = desk.pictures.find(quote(name, safe="", errors="surrogateescape"))
        if i is None:
            shown = name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
            message = f"there is no picture {shown!r} in {desk.pictures.root}"
            raise Refusal(404, "unknown-picture", message)
        return i

    def _ids(self, query: str) -> list[int]:
        words = query.removeprefix("ids=").split(",")
        total = len(self.server.desk.pictures)
        try:
            ids = [int(word) for word in words if word]
        except ValueError:
            ids = [-1]
        if len(ids) > MOST_ROWS or any(not 0 <= i < total for i in ids):
            message = f"rows are asked for by ids=0,1,..., at most {MOST_ROWS}, under {total}"
            raise Refusal(422, "bad-input", message)
        return ids

    def _body(self) -> dict[str, Any]:
        length = self.headers.get("Content-Length", "")
        if not length.isascii() or not length.isdigit():
            raise Refusal(411, "bad-input", "the request does not say how long its body is")
        if int(length) > LONGEST_BODY:
            raise Refusal(413, "bad-input", f"a request has at most {LONGEST_BODY} bytes")
        try:
            body = json.loads(self.rfile.read(int(length)) or b"{}")
        except ValueError:
            body = None
        if not isinstance(body, dict):
            raise Refusal(422, "bad-input", "the request's body is no JSON object")
        return body

    # -- sending ---------------------------------------------------------------------------

    def _labels(self, labels: Labels) -> Answer:
        size = {"X-Height": str(labels.height), "X-Width": str(labels.width)}
        if "gzip" in self.headers.get("Accept-Encoding", ""):
            zipped = {"Content-Encoding": "gzip"}
            return Answer(labels.packed, "application/octet-stream", headers=size | zipped)
        return Answer(gzip.decompress(labels.packed), "application/octet-stream", headers=size)

    def _send(self, answer: Answer) -> None:
        self.send_response(answer.status)
        headers = {"Content-Type": answer.type, **ALWAYS, **answer.headers}
        headers["Cache-Control"] = "no-cache" if answer.tag else "no-store"
        headers["Content-Length"] = str(len(answer.body))
        if answer.tag:
            headers["ETag"] = answer.tag
        if self.close_connection:
            headers["Connection"] = "close"
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What `http.server` itself refuses, in our words."""
        self.close_connection = True  # a body may follow
        if code == HTTPStatus.NOT_IMPLEMENTED:  # of a method
            code, message = 405, f"{self.command} is not answered here; GET is"
        self._send(refused(code, "bad-request", message or HTTPStatus(code).phrase))

    def log_message(self, format: str, *args: Any) -> None:
        log.debug(format, *args)


def hostname(host: str) -> str | None:
    """Of a Host header, without its port: a tunnel may have another at its near end.

    >>> hostname("localhost:8000"), hostname("[")
    ('localhost', None)
    """
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None


def unquoted(text: str) -> str:
    return unquote(text, errors="surrogateescape")


def jpeg(data: bytes) -> Answer:
    return Answer(data, "image/jpeg")


def download(name: str, kind: str, data: bytes) -> Answer:
    return Answer(data, kind, headers={"Content-Disposition": f'attachment; filename="{name}"'})
