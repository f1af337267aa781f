"""A server with the studio, and its page in Chromium, watched: nothing may go wrong or leave.

`studio` is the real thing; `fake_studio` has a worker that answers at once, for tests that are
about the page alone.
"""

import base64
import io
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pil

from easyportrait import load
from easyportrait.image.io import encode
from easyportrait.models.catalog import find_model
from easyportrait.models.parser import Parser
from easyportrait.serve.studio import MODEL, made, page_folder
from tests.unit.serve.asking import net, serving

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
SLOW = 60_000  # ms: machines that run tests are busy
FAKE_WORKER = Path(__file__).with_name("fake_worker.js")
DESK = {"width": 1440, "height": 900}

# What a person's drop or paste is to a page: a file, and the events in their order
GIVE = """([kind, data, name, type]) => {
  const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
  const transfer = new DataTransfer();
  transfer.items.add(new File([bytes], name, {type}));
  const how = {bubbles: true, cancelable: true};
  if (kind === 'paste')
    return document.dispatchEvent(new ClipboardEvent('paste', {...how, clipboardData: transfer}));
  for (const event of ['dragenter', 'dragover', 'drop'])
    document.body.dispatchEvent(new DragEvent(event, {...how, dataTransfer: transfer}));
}"""
PIXELS = """(id) => {
  const canvas = document.getElementById(id);
  const {data} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  let text = '';
  for (let i = 0; i < data.length; i += 32768)
    text += String.fromCharCode(...data.subarray(i, i + 32768));
  return [canvas.width, canvas.height, btoa(text)];
}"""
LISTEN = """() => {
  window.asked = [];
  window.channel = new BroadcastChannel('asked');
  window.channel.onmessage = (event) => window.asked.push(event.data);
}"""


@dataclass
class Studio:
    """The page as a person has it before them.

    Attributes:
        page: Playwright's.
        origin: where all of it should come from.
        asked: addresses that it asked for, with the method.
        complaints: what the console shows as errors and warnings, and what was thrown.
    """

    page: Any
    origin: str
    asked: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def open(self) -> Any:
        self.page.goto(self.origin)
        self.page.wait_for_selector(".card.is-background", state="attached")
        self.page.evaluate(LISTEN)
        return self.page

    def wait(self, condition: str) -> None:
        """Until a condition in JavaScript holds; asked from here, since the page's policy
        lets nothing be evaluated inside of it."""
        until = time.monotonic() + SLOW / 1000
        while not self.page.evaluate(condition):
            assert time.monotonic() < until, f"never: {condition}; {self.complaints}"
            self.page.wait_for_timeout(40)

    def give(self, data: bytes, name: str = "photo.png", *, by: str = "drop") -> None:
        """Drop or paste a file."""
        kind = "image/png" if name.endswith("png") else "image/jpeg"
        self.page.evaluate(GIVE, [by, base64.b64encode(data).decode(), name, kind])

    def ready(self) -> None:
        """Wait until the photo is parsed."""
        self.wait("!document.querySelector('#download').disabled && !view.hidden")

    def rendered(self, do: Callable[[], object]) -> None:
        """Do something that changes the preview, and wait for the preview."""
        count = "Number(document.body.dataset.rendered ?? 0)"
        before = self.page.evaluate(count)
        do()
        self.wait(f"{count} > {before}")

    def toasts(self) -> str:
        self.page.wait_for_selector(".toast")
        return "\n".join(self.page.locator(".toast").all_inner_texts())

    def pixels(self, canvas: str) -> np.ndarray:
        """(H, W, 4) uint8 of a canvas by its id."""
        width, height, data = self.page.evaluate(PIXELS, canvas)
        return np.frombuffer(base64.b64decode(data), np.uint8).reshape(height, width, 4)

    def applied(self) -> list[dict[str, Any]]:
        """What the fake worker was asked to apply, as settings."""
        every = self.page.evaluate("window.asked")
        return [one["settings"] for one in every if one["kind"] == "apply"]

    def background(self, value: str) -> None:
        """Choose a tile."""
        self.page.locator(f"label:has([name=background][value='{value}'])").click()

    def switch(self, effect: str) -> None:
        self.page.locator(f"[data-effect={effect}] [role=switch]").click()

    def downloaded(self) -> tuple[str, bytes]:
        """Name and bytes of what the button gives."""
        with self.page.expect_download() as download:
            self.page.click("#download")
        return download.value.suggested_filename, Path(download.value.path()).read_bytes()


def decoded(data: bytes) -> np.ndarray:
    with Pil.open(io.BytesIO(data)) as picture:
        return np.asarray(picture)


def photo(height: int = 120, width: int = 90) -> bytes:
    """A PNG with no two pixels alike, so that a shift would show."""
    y, x = np.mgrid[:height, :width]
    return encode(np.dstack([x, y, (x * 7 + y * 3) % 256]).astype(np.uint8), ".png")


@cache
def driver() -> Any:
    """Playwright, of which a process has one."""
    if CHROMIUM is None:
        pytest.skip("no Chromium is installed (chromium, chromium-browser, google-chrome)")
    return pytest.importorskip("playwright.sync_api").sync_playwright().start()


@contextmanager
def launched(*args: str) -> Iterator[Any]:
    """A browser, with further arguments."""
    browser = driver().chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", *args])
    try:
        yield browser
    finally:
        browser.close()


@contextmanager
def watched(chromium: Any, origin: str, **how: Any) -> Iterator[Studio]:
    """A fresh page; at its end, nothing may have gone wrong, nor to anybody else."""
    context = chromium.new_context(
        **{"viewport": DESK, "accept_downloads": True, "reduced_motion": "reduce", **how}
    )
    try:
        page = context.new_page()
        page.set_default_timeout(SLOW)
        one = Studio(page, origin)
        context.on("request", lambda asked: one.asked.append(f"{asked.method} {asked.url}"))
        page.on(
            "console",
            lambda line: line.type in ("error", "warning") and one.complaints.append(line.text),
        )
        page.on("pageerror", lambda error: one.complaints.append(str(error)))
        yield one
        assert one.complaints == []
        own = (f"GET {origin}", f"GET blob:{origin}", f"POST {origin}v1/")
        assert one.asked and [url for url in one.asked if not url.startswith(own)] == []
    finally:
        context.close()


@pytest.fixture(scope="package", autouse=True)
def stopped() -> Iterator[None]:
    """At the last of these tests: while it runs, others in this process have no loop of theirs."""
    yield
    if driver.cache_info().currsize:
        driver().stop()
        driver.cache_clear()


@pytest.fixture(scope="package")
def chromium() -> Iterator[Any]:
    with launched() as browser:
        yield browser


@pytest.fixture(scope="session")
def parser() -> Parser:
    """The net that the page runs, in Python."""
    return load(MODEL)


@pytest.fixture(scope="session")
def studio(parser: Parser) -> Iterator[str]:
    """The address of a server like that of `easyportrait serve`."""
    files = made(find_model(MODEL), parser.card)
    with serving({MODEL: parser}, page=page_folder(), made=files) as served:
        yield f"http://127.0.0.1:{served.port}/"


@pytest.fixture(scope="session")
def fake_studio() -> Iterator[str]:
    """The same page with the fake worker, and a fake net behind /v1."""
    fake = net()
    files = made(find_model(MODEL), fake.card) | {"worker.js": FAKE_WORKER}
    with serving({"fake": fake}, page=page_folder(), made=files) as served:
        yield f"http://127.0.0.1:{served.port}/"


@pytest.fixture
def page(chromium: Any, studio: str) -> Iterator[Studio]:
    """The studio, opened."""
    with watched(chromium, studio) as one:
        one.open()
        yield one


@pytest.fixture
def fake_page(chromium: Any, fake_studio: str) -> Iterator[Studio]:
    """The page with the fake worker, opened."""
    with watched(chromium, fake_studio) as one:
        one.open()
        yield one
