"""Bring one file from one address, going on where an earlier attempt stopped.

    NAME.part         the bytes so far; a killed download leaves them, and they are used again
    NAME.part.json    where they came from, and the server's mark of that version of the file

A piece is added to another only if the server vouches for both being of one version
(`If-Range`), or if the caller compares the whole with a known SHA-256 anyway. Nothing
here decides that a file is good: fetch.py does.
"""

import http.client
import json
import re
import ssl
import string
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from http.client import HTTPResponse
from pathlib import Path
from urllib.error import URLError
from urllib.parse import quote, urljoin, urlsplit, urlunsplit
from urllib.request import HTTPHandler, HTTPSHandler, OpenerDirector, ProxyHandler, Request

from .. import __version__
from ..errors import BadInput, DownloadFailed
from ..image.io import written
from .disk import check_room, writing

BLOCK = 1 << 20
LONGEST_WAIT_S = 30.0
TEMPORARY = {408, 425, 429, 500, 502, 503, 504}
MOVED = {301, 302, 303, 307, 308}

# Called with what is being done, the bytes so far, and in all (None: not known).
Progress = Callable[[str, int, int | None], None]


def silent(what: str, done: int, total: int | None) -> None:
    """No progress."""


@dataclass(frozen=True, slots=True)
class Network:
    """How patient a download is.

    Attributes:
        timeout_s: for making a connection, and for each wait for more bytes.
        tries: attempts in a row that may bring less than 1 MiB of news before the address
            is given up.
        wait_s: before the second of them; doubled after each, at most 30.
        redirects: how many are followed.
        max_bytes: of a file whose size neither the registry nor the server states.
    """

    timeout_s: float = 30
    tries: int = 4
    wait_s: float = 1
    redirects: int = 5
    max_bytes: int = 200 * 10**9


class Cut(Exception):
    """An attempt failed and the next may do better. Never leaves this file."""

    def __init__(self, reason: str, wait_s: float = 0) -> None:
        super().__init__(reason)
        self.wait_s = wait_s


# -- addresses -----------------------------------------------------------------------------


def address(url: str) -> str:
    """`url`, if it is one that may be asked.

    Raises:
        BadInput: it is not http or https, has no host, carries a password, or holds
            characters that must be percent-encoded.
    """
    try:
        parts = urlsplit(url)
        _ = parts.port
        (parts.hostname or "").encode("idna")
    except ValueError as error:
        raise BadInput(f"{url!r} is not an address: {error}") from error
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise BadInput(f"{url!r} cannot be fetched: addresses begin with http:// or https://")
    if "@" in parts.netloc:
        raise BadInput(f"{shown(url)}: an address with a user name or password is not fetched")
    if not re.fullmatch(r"[!-~]+", url):
        raise BadInput(f"{url!r}: spaces and letters beyond ASCII must be percent-encoded")
    return url


def shown(url: str) -> str:
    """An address for messages and records: without its query, which may hold a secret."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


# -- the part ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Notes:
    """Where the bytes of a part came from.

    Attributes:
        urls: the addresses, each once.
        joined: they came in more than one piece.
        mark: what the server calls this version of the file, for `If-Range`: its strong
            ETag, else its Last-Modified, else "".
    """

    urls: tuple[str, ...] = ()
    joined: bool = False
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """A file on its way.

    Attributes:
        path: of NAME.part.
        size: of the whole file in bytes; None where it is not known.
        vouched: the whole will be compared with a known SHA-256, so pieces of unknown
            version may be joined.
    """

    path: Path
    size: int | None = None
    vouched: bool = False

    @property
    def have(self) -> int:
        """Bytes so far."""
        return self.path.stat().st_size if self.path.exists() else 0

    @property
    def notes_path(self) -> Path:
        return self.path.with_name(self.path.name + ".json")

    def notes(self) -> Notes:
        """Empty where there are none: the bytes are of unknown origin."""
        try:
            read = json.loads(self.notes_path.read_text(encoding="utf-8"))
            return Notes(tuple(map(str, read["urls"])), bool(read["joined"]), str(read["mark"]))
        except (OSError, ValueError, TypeError, KeyError):
            return Notes()

    def note(self, notes: Notes) -> None:
        with written(self.notes_path) as file:
            file.write(json.dumps(asdict(notes), indent=2).encode() + b"\n")

    def resume(self, url: str) -> tuple[int, str]:
        """From which byte on `url` may go on, and the mark that it must confirm ("": none)."""
        notes, have = self.notes(), self.have
        mark = notes.mark if notes.urls == (url,) else ""
        fits = self.size is None or have <= self.size
        return (have, mark) if fits and (mark or self.vouched) else (0, "")

    def discard(self) -> None:
        self.path.unlink(missing_ok=True)
        self.notes_path.unlink(missing_ok=True)

    def finish(self, path: Path) -> None:
        """Give the file its name."""
        self.path.replace(path)
        self.notes_path.unlink(missing_ok=True)


# -- the download --------------------------------------------------------------------------


def download(
    url: str, part: Part, *, network: Network | None = None, progress: Progress = silent
) -> None:
    """Complete `part` from `url`; its folder exists.

    Raises:
        DownloadFailed: it cannot be had there. What came so far stays in the part.
        OutputUnwritable: the disk is full, or the folder cannot be written.
    """
    network = network or Network()
    tries, best = 0, part.have
    while True:
        try:
            return attempt(url, part, network, progress)
        except Cut as cut:
            tries = 1 if part.have >= best + BLOCK else tries + 1
            best = max(best, part.have)
            if tries >= network.tries:
                raise DownloadFailed(f"{shown(url)}: {cut} (tried {tries} times)") from cut
            time.sleep(min(cut.wait_s or network.wait_s * 2 ** (tries - 1), LONGEST_WAIT_S))


def attempt(url: str, part: Part, network: Network, progress: Progress) -> None:
    """One connection's worth."""
    offset, mark = part.resume(url)
    if offset and offset == part.size:
        return
    asked = {"Range": f"bytes={offset}-"} if offset else {}
    with closing(ask(url, asked | ({"If-Range": mark} if mark else {}), network)) as answer:
        if answer.status in (206, 416) and offset:
            total = going_on(answer, part, offset, mark)
        elif answer.status == 200:
            offset, total = 0, answer.length
            check_whole(url, answer, part)
        else:
            raise refusal(url, answer)
        if part.size is not None and total not in (None, part.size):
            raise DownloadFailed(
                f"{shown(url)}: the file is {total:,} bytes there, not {part.size:,}"
            )
        if offset and total == offset:  # stopped between the last byte and the renaming
            return
        total = part.size or total
        most = total or network.max_bytes
        check_room(part.path.parent, total - offset if total else 0)
        if not offset:  # only now: a mirror that offers something else must not cost the part
            part.discard()
        urls = dict.fromkeys((*part.notes().urls, url))
        part.note(Notes(tuple(urls), bool(offset), mark_of(answer) or mark))
        what = f"downloading {part.path.stem}"
        append(url, answer, part, most, lambda done: progress(what, done, total))
    if total is not None and part.have < total:
        raise Cut(f"the connection ended after {part.have:,} of {total:,} bytes")


def going_on(answer: HTTPResponse, part: Part, offset: int, mark: str) -> int | None:
    """The size of the whole file, if the answer goes on where the part ends.

    Raises:
        Cut: it does not, or the file changed; the part is discarded.
    """
    told = answer.headers.get("Content-Range", "")
    found = re.fullmatch(r"bytes (?:(\d+)-\d+|\*)/(\d+|\*)", told)
    same = "ETag" if mark.startswith('"') else "Last-Modified"
    if mark and answer.headers.get(same, mark) != mark:
        problem = "the file on the server changed since the first piece came"
    elif found and answer.status == 206 and found[1] == str(offset):
        if found[2] != "*":
            return int(found[2])
        return None if answer.length is None else offset + answer.length
    elif found and answer.status == 416 and found[2] == str(offset):
        return offset
    else:
        problem = f"asked for the bytes from {offset:,} on, the server answered {told!r}"
    part.discard()
    raise Cut(problem)


def check_whole(url: str, answer: HTTPResponse, part: Part) -> None:
    """Raises:
    DownloadFailed: the answer is no file, or nothing could tell whether it came whole.
    """
    kind = answer.headers.get_content_type()
    if kind in ("text/html", "application/xhtml+xml"):
        raise DownloadFailed(f"{shown(url)}: the server answers with a web page, not a file")
    packed = answer.headers.get("Content-Encoding", "identity")
    if packed != "identity":
        raise DownloadFailed(f"{shown(url)}: the server packs the file ({packed}), unasked")
    chunked = answer.headers.get("Transfer-Encoding", "").lower() == "chunked"
    ends = chunked or answer.length is not None
    if not (ends or part.size or part.vouched):
        raise DownloadFailed(
            f"{shown(url)}: neither the server nor the registry says how long the file is, "
            "so a part could not be told from the whole; add its size or sha256"
        )


def append(
    url: str, answer: HTTPResponse, part: Part, most: int, came: Callable[[int], None]
) -> None:
    """Add what comes to the part, which never grows beyond `most` bytes.

    Raises:
        Cut: the connection was.
        DownloadFailed: more comes; the part is discarded.
        OutputUnwritable: the disk is full.
    """
    done = part.have
    with writing(part.path), part.path.open("ab") as file:
        for block in blocks(answer):
            done += len(block)
            if done > most:
                break
            file.write(block)
            came(done)
    if done > most:
        part.discard()
        raise DownloadFailed(f"{shown(url)}: the server sends more than {most:,} bytes")


def blocks(answer: HTTPResponse) -> Iterator[bytes]:
    """What a connection brings, as it comes."""
    while True:
        try:
            block = answer.read1(BLOCK)
        except (OSError, http.client.HTTPException) as error:
            raise Cut(f"the connection was cut: {reason(error)}") from error
        if not block:
            return
        yield block


# -- one request ---------------------------------------------------------------------------


def ask(url: str, asked: dict[str, str], network: Network) -> HTTPResponse:
    """The answer to GET, after redirects.

    Raises:
        Cut: there is none, for a reason that may pass.
        DownloadFailed: a redirect leads where none may, or there are too many.
    """
    here = url
    for _ in range(network.redirects + 1):
        answer = ask_once(here, asked, network, shown(url))
        if answer.status not in MOVED:
            return answer
        answer.close()
        there = answer.headers.get("Location", "")
        there = quote(there, safe=string.punctuation, encoding="latin-1", errors="replace")
        try:
            there = address(urljoin(here, there))
        except (BadInput, ValueError) as error:
            raise DownloadFailed(f"{shown(url)} leads astray: {error}") from error
        if here.startswith("https:") and not there.startswith("https:"):
            raise DownloadFailed(f"{shown(url)} leads from https to {shown(there)}")
        here = there
    raise DownloadFailed(f"{shown(url)}: more than {network.redirects} redirects")


def ask_once(url: str, asked: dict[str, str], network: Network, name: str) -> HTTPResponse:
    """The answer to one GET, a redirect too; `name` is what messages call the address."""
    opener = OpenerDirector()  # has no handlers for files, FTP, passwords, cookies, redirects
    for handler in (ProxyHandler(), HTTPHandler(), HTTPSHandler()):
        opener.add_handler(handler)
    opener.addheaders = [("User-Agent", f"easyportrait/{__version__}"), ("Accept", "*/*")]
    try:
        answer: HTTPResponse = opener.open(Request(url, headers=asked), timeout=network.timeout_s)
        return answer
    except (OSError, http.client.HTTPException) as error:
        if isinstance(getattr(error, "reason", error), ssl.SSLCertVerificationError):
            raise DownloadFailed(f"{name}: {reason(error)}") from error
        raise Cut(f"no answer: {reason(error)}") from error


def refusal(url: str, answer: HTTPResponse) -> Exception:
    """What to raise for a status that brings no file."""
    said = f"the server answers {answer.status} {answer.reason}".rstrip()
    if answer.status in TEMPORARY:
        wait = answer.headers.get("Retry-After", "")
        return Cut(said, float(wait) if wait.isdecimal() else 0)
    return DownloadFailed(f"{shown(url)}: {said}")


def mark_of(answer: HTTPResponse) -> str:
    """What may be sent as `If-Range`: a weak ETag may not."""
    tag = answer.headers.get("ETag", "")
    return tag if tag.startswith('"') else answer.headers.get("Last-Modified", "")


def reason(error: BaseException) -> str:
    """An error of the network in a few words."""
    inner = getattr(error, "reason", None)
    if isinstance(error, URLError) and isinstance(inner, BaseException):
        return reason(inner)
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return str(text).splitlines()[0]
