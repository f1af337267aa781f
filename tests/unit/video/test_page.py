import http.client
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import cv2
import numpy as np
import pytest

from easyportrait.errors import CameraUnusable
from easyportrait.video import page as module
from easyportrait.video.camera import Shown
from easyportrait.video.page import Page
from tests.unit.video.test_camera import SOON, person, until_true


@pytest.fixture
def page() -> Iterator[Page]:
    page = Page()
    yield page
    page.close()


def asked(page: Page, path: str, method: str = "GET") -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of what the page answers; `path` is behind its secret."""
    where = urlsplit(page.address)
    connection = http.client.HTTPConnection(str(where.netloc), timeout=SOON)
    try:
        connection.request(method, path if path.startswith("/") else where.path + path)
        answer = connection.getresponse()
        return answer.status, dict(answer.headers), answer.read()
    finally:
        connection.close()


def shown(index: int) -> Shown:
    return Shown(person(index), person(index), None, index, time.monotonic())


def test_the_page_explains_itself_and_runs_only_its_own_script(page: Page) -> None:
    status, headers, body = asked(page, "")
    assert status == 200 and b"<kbd>space</kbd>" in body
    policy = headers["Content-Security-Policy"]
    nonce = policy.partition("script-src 'nonce-")[2].partition("'")[0]
    assert len(nonce) > 16 and f'<script nonce="{nonce}">'.encode() in body
    assert headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", ["/", "/frame?after=-1", "/wrong/frame", "/wrong/", "/%20/x"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_who_does_not_know_the_secret_sees_nothing(page: Page, path: str, method: str) -> None:
    assert asked(page, path, method)[0] == 404
    assert asked(page, "key/x", "POST")[0] == asked(page, "other")[0] == 404
    assert asked(page, "frame?after=x")[0] == 400
    assert page.pressed() == []


def test_a_picture_was_seen_when_the_browser_asks_for_the_next(page: Page) -> None:
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(asked, page, "frame?after=-1")
        until_true(page.wants)
        showing = pool.submit(page.show, shown(4), "30 fps, gespeichert: Müller.png")
        status, headers, body = first.result(SOON)
        assert (status, headers["X-Index"]) == (200, "4")
        assert headers["X-Words"] == "30 fps, gespeichert: M?ller.png"
        picture = cv2.imdecode(np.frombuffer(body, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
        assert np.abs(picture[:16, :16].astype(int) - 32).max() <= 2
        assert not showing.done()
        second = pool.submit(asked, page, "frame?after=4")
        assert showing.result(SOON) is True
        page.close()
        assert second.result(SOON)[0] == 410


def test_a_browser_that_went_away_does_not_hold_anything_up(
    page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "GONE", 0.05)
    assert page.show(shown(0), "") is False
    beside = Page(must_be_seen=False)
    monkeypatch.setattr(module, "GONE", SOON)
    assert beside.show(shown(0), "") is False
    beside.close()


def test_a_browser_is_told_when_no_picture_comes(
    page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "WAIT", 0.05)
    assert asked(page, "frame?after=-1")[0] == 204
    assert not page.wants()


def test_keys_come_from_the_page(page: Page) -> None:
    assert [asked(page, f"key/{key}", "POST")[0] for key in ("space", "s", "q")] == [204] * 3
    assert page.pressed() == ["space", "s", "q"] and page.pressed() == []
    assert asked(page, "key/q")[0] == 404  # a link elsewhere cannot press one


def test_a_port_that_is_taken_is_named(page: Page) -> None:
    port = urlsplit(page.address).port
    assert port is not None
    with pytest.raises(CameraUnusable, match=f"port {port} cannot be used"):
        Page(port)


def test_closing_ends_its_threads() -> None:
    before = threading.active_count()
    Page().close()
    until_true(lambda: threading.active_count() == before)
