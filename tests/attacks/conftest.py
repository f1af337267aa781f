"""A server under attack, and somebody who wants nothing but a picture parsed."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection

import httpx
import pytest

from easyportrait.serve.limits import Limits
from tests.unit.serve.asking import SOON, Served, eventually, photo, serving

TOKEN = "a-token-that-nobody-guesses"
SMALL = Limits(body=1_000_000, linger_s=0.3)
HASTY = Limits(head_s=0.5, idle_s=0.5, receive_s=1.0, send_s=0.5, keep_s=0.5, linger_s=0.1)


@contextmanager
def undisturbed(served: Served, token: str = "") -> Iterator[Served]:
    """Somebody asks before, all the while, and after, and always gets the same."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    picture = photo()

    def said(method: str, path: str, body: bytes = b"") -> bytes:
        line = HTTPConnection("127.0.0.1", served.port, timeout=SOON)
        try:
            line.request(method, path, body, headers)
            answer = line.getresponse()
            assert answer.status == 200, answer.read()
            return answer.read()
        finally:
            line.close()

    def ask() -> bytes:
        return said("POST", "/v1/parse?looks=1", picture)

    wanted = ask()
    with asking(ask) as heard:
        yield served
        assert eventually(lambda: len(heard) > 0)
    assert set(heard) == {wanted}
    for made in served.open:
        made.close()
    served.open.clear()
    assert ask() == wanted
    assert eventually(lambda: b"easyportrait_places_taken 0.0" in said("GET", "/metrics"))


@contextmanager
def asking(ask: Callable[[], bytes]) -> Iterator[list[bytes]]:
    """In a thread, again and again; an answer that fails is kept as its error."""
    heard: list[bytes] = []
    is_over = threading.Event()

    def go_on() -> None:
        while True:
            try:
                heard.append(ask())
            except Exception as error:
                heard.append(repr(error).encode())
            if is_over.wait(0.1):
                return

    thread = threading.Thread(target=go_on)
    thread.start()
    try:
        yield heard
    finally:
        is_over.set()
        thread.join()


@pytest.fixture(scope="session")
def of_session() -> Iterator[Served]:
    with serving(limits=SMALL) as served:
        yield served


@pytest.fixture
def served(of_session: Served) -> Iterator[Served]:
    with undisturbed(of_session):
        yield of_session


@pytest.fixture
def hasty() -> Iterator[Served]:
    """One that waits for nobody."""
    with serving(limits=HASTY, buffer=4_096) as served, undisturbed(served):
        yield served


@pytest.fixture
def closed() -> Iterator[Served]:
    """One that wants a token."""
    with serving(token=TOKEN, hosts=None) as served, undisturbed(served, TOKEN):
        yield served


@pytest.fixture(scope="session")
def browser() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=SOON) as made:
        yield made


@pytest.fixture
def asked(served: Served, browser: httpx.Client) -> Iterator[httpx.Client]:
    """A client of the server under attack."""
    browser.base_url = httpx.URL(f"http://127.0.0.1:{served.port}")
    yield browser
