"""Those who send slowly, stop in the middle, never end, or do not take their answer."""

import socket
import threading
import time

import numpy as np

from easyportrait.serve.limits import Limits
from tests.unit.serve.asking import (
    SOON,
    Served,
    answer_of,
    error_of,
    eventually,
    head,
    photo,
    serving,
)

CHUNKED = "Transfer-Encoding: chunked"


def trickle(made: socket.socket, pieces: bytes, seconds: float) -> float:
    """Send a byte now and then; when the line was cut, or as many seconds are over."""
    began = time.monotonic()
    for at in range(10_000):
        try:
            made.sendall(pieces[at % len(pieces) : at % len(pieces) + 1])
        except ConnectionError:
            break
        time.sleep(0.05)
        if time.monotonic() - began > seconds:
            break
    return time.monotonic() - began


def test_headers_that_trickle_or_never_come_are_cut_off(hasty: Served) -> None:
    silent, trickling = (hasty.connect() for _ in range(2))
    trickling.sendall(b"POST /v1/parse HTTP/1.1\r\nHost: 127.0.0.1\r\n")
    assert trickle(trickling, b"X-a: b\r\n", SOON) < SOON / 2
    assert answer_of(silent) == answer_of(trickling) == (0, b"")


def test_bodies_that_trickle_or_stop_are_told_so(hasty: Served) -> None:
    stopping, trickling, chunk = (hasty.connect() for _ in range(3))
    stopping.sendall(head("POST", "/v1/parse", "Content-Length: 1000") + b"x")
    chunk.sendall(head("POST", "/v1/parse", CHUNKED) + b"5\r\nhel")
    trickling.sendall(head("POST", "/v1/parse", "Content-Length: 1000"))
    trickle(trickling, b"x", 1.5)  # each piece in time, all of them too late
    for made in (stopping, chunk):
        status, body = answer_of(made)
        assert (status, error_of(body)) == (408, "too-slow")
    status, body = answer_of(trickling)
    assert (status, body and error_of(body)) in [(408, "too-slow"), (0, b"")]


def test_many_slow_senders_take_places_no_longer_than_they_may() -> None:
    """Slow bodies can fill all places; what is left then is a clean no, and soon a yes."""
    limits = Limits(queue=4, receive_s=1.0, idle_s=1.0, linger_s=0.1)
    with serving(limits=limits) as served, undisturbed_once_free(served):
        for _ in range(6):
            served.connect().sendall(head("POST", "/v1/parse", "Content-Length: 1000") + b"x")
        assert eventually(lambda: served.metric("easyportrait_places_taken") == 6)
        status, body = answer_of(served.post("/v1/parse", photo()))
        assert (status, error_of(body)) == (429, "busy")
        assert served.ask(head("GET", "/healthz"))[0] == 200


def undisturbed_once_free(served: Served) -> "Afterwards":
    return Afterwards(served)


class Afterwards:
    """Somebody who is served before, and again as soon as there is a place."""

    def __init__(self, served: Served) -> None:
        self._served = served
        self._wanted = b""

    def __enter__(self) -> None:
        status, self._wanted = answer_of(self._served.post("/v1/parse?looks=1", photo()))
        assert status == 200

    def __exit__(self, *_: object) -> None:
        assert eventually(lambda: self._served.metric("easyportrait_places_taken") == 0)
        answer = answer_of(self._served.post("/v1/parse?looks=1", photo()))
        assert answer == (200, self._wanted)


def test_headers_that_trickle_on_a_kept_line_are_cut_off_too(hasty: Served) -> None:
    made = hasty.connect()
    made.sendall(head("GET", "/healthz"))
    assert answer_of(made)[0] == 200
    made.sendall(b"GET /healthz HTT")
    assert answer_of(made) == (0, b"")


def test_an_endless_body_is_ended(served: Served) -> None:
    for path in ("/v1/parse", "/v1/apply", "/nothing"):
        made = served.connect()
        made.sendall(head("POST", path, CHUNKED))
        chunk = b"%x\r\n%s\r\n" % (50_000, bytes(50_000))
        sent = 0
        try:
            while sent < 30_000_000:
                made.sendall(chunk)
                sent += len(chunk)
        except (ConnectionError, TimeoutError):
            pass
        assert sent < 30_000_000


def test_a_body_that_ends_early_is_nobodys(served: Served) -> None:
    """Whoever hangs up in the middle, wherever that is, leaves nothing behind."""
    body = photo()
    whole = head("POST", "/v1/parse", f"Content-Length: {len(body)}") + body
    for length in (1, 20, 60, len(whole) - len(body), len(whole) - 1, len(whole)):
        for how in (socket.SHUT_WR, socket.SHUT_RDWR):
            made = served.connect()
            made.sendall(whole[:length])
            made.shutdown(how)
            assert answer_of(made)[0] in (0, 200)
            made.close()
    assert eventually(lambda: served.metric("easyportrait_places_taken") == 0)


def reluctant(served: Served, body: bytes) -> socket.socket:
    """Somebody who asks for a large answer, and does not read it."""
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    made.connect(("127.0.0.1", served.port))
    served.open.append(made)
    path = "/v1/apply?output=png&effects=%7B%22background%22:%22red%22%7D&looks=1"
    made.sendall(head("POST", path, f"Content-Length: {len(body)}") + body)
    return made


def large() -> bytes:
    noise = np.random.default_rng(0).integers(0, 256, (300, 400, 3), dtype=np.uint8)
    return photo(".jpg", noise)


def test_an_answer_that_nobody_takes_is_thrown_away(hasty: Served) -> None:
    made = reluctant(hasty, large())
    answered = 'easyportrait_requests_total{path="/v1/apply",status="200"}'
    assert eventually(lambda: hasty.metric(answered) == 1)
    made.setblocking(False)
    assert eventually(lambda: is_cut(made))


def is_cut(made: socket.socket) -> bool:
    try:
        while made.recv(1 << 20):
            pass
    except BlockingIOError:
        return False
    except ConnectionError:
        pass
    return True


def test_answers_that_lie_about_are_never_more_than_places() -> None:
    """Memory would be the number of connections times the largest answer otherwise."""
    body = large()
    limits = Limits(queue=1, send_s=1.0)
    with serving(threads=1, limits=limits, buffer=4_096) as served, undisturbed_once_free(served):
        for _ in range(2):
            threading.Thread(target=reluctant, args=(served, body), daemon=True).start()
        assert eventually(lambda: served.metric("easyportrait_working") == 0
                          and served.metric("easyportrait_places_taken") == 2)  # fmt: skip
        status, answer = answer_of(served.post("/v1/parse", photo()))
        assert (status, error_of(answer)) == (429, "busy")
