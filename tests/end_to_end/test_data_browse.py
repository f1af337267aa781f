"""`easyportrait data browse` as people use it: started as a command, looked at in a browser."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from easyportrait.data.browse.server import Server
from easyportrait.data.verify import Finding, verify
from easyportrait.image.io import encode, read_mask
from easyportrait.taxonomy import CLASSES
from tests.unit.data.browsed import desk_of, fake_model, worked
from tests.unit.data.planted import FAULTS, sound

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
SLOW = 30_000  # ms: machines that run tests are busy


# -- the command ---------------------------------------------------------------------------


def start(*args: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "easyportrait", "data", "browse", *map(str, args), "--no-open"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.skipif(os.name == "nt", reason="Windows has no signal that asks to end")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_the_command_prints_its_address_serves_and_ends_when_asked(
    tmp_path: Path, how: signal.Signals
) -> None:
    root, cache = sound(tmp_path / "data"), tmp_path / "cache"
    with start(root, "--cache", cache) as server:
        assert server.stdout is not None
        address = server.stdout.readline().strip()
        assert address.startswith("http://127.0.0.1:")
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"{address}api/dataset", timeout=60) as answer:
            assert json.load(answer)["total"] == 6
        server.send_signal(how)
        out, words = server.communicate(timeout=60)
    assert server.returncode == 0 and out == "" and "Traceback" not in words
    assert "train 2, val 2, test 2" in words
    assert len(list(cache.glob("*.sqlite"))) == 1 and not list(cache.glob("*-journal"))


@pytest.mark.parametrize(
    ("args", "status", "message"),
    [
        (("nowhere",), 3, "nowhere is not a folder"),
        ((".", "-m", "no-such-model"), 4, "there is no model 'no-such-model'"),
    ],
)
def test_what_cannot_be_browsed_is_said(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    args: tuple[str, ...],
    status: int,
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    with start(*args, "--cache", tmp_path / "cache") as done:
        out, words = done.communicate(timeout=60)
    assert done.returncode == status and message in words and out == ""


# -- the page ------------------------------------------------------------------------------


@dataclass
class Watched:
    """A page, and all that it asked for and complained of.

    Attributes:
        page: Playwright's.
        origin: where all of it should come from.
        asked: addresses.
        complaints: what the console shows as errors and warnings, and what was thrown.
    """

    page: Any
    origin: str
    asked: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def open(self, address: str = "") -> Any:
        self.page.goto(self.origin + address)
        self.page.wait_for_selector(".place.is-there")
        return self.page

    @property
    def names(self) -> list[str]:
        """Of the pictures in the grid."""
        return self.page.locator(".cell .name").all_inner_texts()

    def wait(self, condition: str) -> None:
        """Until a condition in JavaScript holds; asked from here, since the page's policy
        lets nothing be evaluated inside of it."""
        until = time.monotonic() + SLOW / 1000
        while not self.page.evaluate(condition):
            assert time.monotonic() < until, f"never: {condition}"
            self.page.wait_for_timeout(20)

    def wait_for_names(self, names: list[str]) -> None:
        found = "[...document.querySelectorAll('.cell .name')].map((n) => n.textContent)"
        self.wait(f"JSON.stringify({found}) === '{json.dumps(names, separators=(',', ':'))}'")

    def opened(self, name: str) -> None:
        self.wait(
            f"document.getElementById('name').textContent === '{name}' && "
            "!document.querySelector('#view[hidden], #view.is-loading')"
        )

    def colours(self) -> set[tuple[int, ...]]:
        """Those of the overlay, as far as it is drawn."""
        seen = self.page.evaluate(
            """() => {
              const c = document.getElementById('overlay').cloneNode();
              const context = c.getContext('2d', {willReadFrequently: true});
              context.drawImage(document.getElementById('overlay'), 0, 0);
              const d = context.getImageData(0, 0, c.width, c.height).data;
              const seen = new Set();
              for (let i = 0; i < d.length; i += 4)
                if (d[i + 3]) seen.add(d.slice(i, i + 3).join());
              return [...seen];
            }"""
        )
        return {tuple(map(int, text.split(","))) for text in seen}

    def wait_for_colours(self, wanted: set[tuple[int, ...]]) -> None:
        until = time.monotonic() + SLOW / 1000
        while (seen := self.colours()) != wanted:
            assert time.monotonic() < until, f"{seen} instead of {wanted}"
            self.page.wait_for_timeout(20)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    if CHROMIUM is None:
        pytest.skip("no Chromium is installed (chromium, chromium-browser, google-chrome)")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as p:
        browser = p.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six pictures: p0 without teeth, with pixels of no class; p3 with changed sides."""
    root = sound(tmp_path_factory.mktemp("browsed"))
    first, other = root / "annotations/train/p0.png", root / "annotations/val/p3.png"
    mask = read_mask(first).copy()
    mask[mask == 8] = 7
    mask[4:7, 4:7] = 77
    first.write_bytes(encode(mask, ".png"))
    other.write_bytes(encode(CLASSES.mirror_table[read_mask(other)], ".png"))
    return root


@contextmanager
def browsing(chromium: Any, root: Path, cache: Path, **how: Any) -> Iterator[Watched]:
    options = {name: how.pop(name) for name in ("flags", "model", "findings") if name in how}
    desk = worked(desk_of(root, cache, **options))
    with Server(desk) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        context = chromium.new_context(
            **{"viewport": {"width": 1280, "height": 800}, "accept_downloads": True, **how}
        )
        try:
            page = context.new_page()
            page.set_default_timeout(SLOW)
            watched = Watched(page, server.address)
            page.on("request", lambda request: watched.asked.append(request.url))
            page.on(
                "console",
                lambda line: (
                    line.type in ("error", "warning") and watched.complaints.append(line.text)
                ),
            )
            page.on("pageerror", lambda error: watched.complaints.append(str(error)))
            yield watched
        finally:
            context.close()
            server.shutdown()
            thread.join()
            desk.close()


@pytest.fixture(scope="module")
def findings(root: Path) -> tuple[Finding, ...]:
    return verify(root, skip=["specks", "holes"]).findings


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def watched(
    chromium: Any, root: Path, cache: Path, findings: tuple[Finding, ...], tmp_path: Path
) -> Iterator[Watched]:
    """The page, compared with a model that knows no teeth; nothing may leave or go wrong."""
    with browsing(
        chromium,
        root,
        cache,
        flags=tmp_path / "flags.txt",
        model=fake_model(),
        findings=findings,
    ) as one:
        yield one
        assert one.complaints == []
        assert one.asked and all(url.startswith(one.origin) for url in one.asked)


PERSON, SKIN, LEFT_BROW, LIPS, TEETH = (
    (223, 87, 188),
    (160, 221, 255),
    (130, 106, 237),
    (113, 137, 255),
    (230, 232, 230),
)


def test_the_grid_is_filtered_by_class_split_and_finding(watched: Watched) -> None:
    page = watched.open()
    watched.wait_for_names(["p0", "p1", "p2", "p3", "p4", "p5"])
    assert page.inner_text("#count") == "6 pictures"
    page.get_by_label("Pictures without teeth").click()
    watched.wait_for_names(["p0"])
    assert page.inner_text("#count") == "1 of 6" and page.url.endswith("#lacks=teeth")
    page.locator(".chip").click()
    watched.wait_for_names(["p0", "p1", "p2", "p3", "p4", "p5"])
    page.locator("[data-list=split][data-value=val]").click()
    watched.wait_for_names(["p2", "p3"])
    page.locator("[data-list=finding][data-value=sides]").click()
    watched.wait_for_names(["p3"])
    page.go_back()
    watched.wait_for_names(["p2", "p3"])
    page.locator("#clear").click()
    page.locator("#f-size-least").fill("10000")
    page.locator("#f-size-least").press("Enter")
    page.wait_for_selector("#empty:not([hidden])")
    assert page.inner_text("#empty") == "No picture meets all of these conditions."


def test_a_picture_is_looked_through_by_keys_alone(watched: Watched) -> None:
    page = watched.open()
    page.keyboard.press("ArrowRight")  # gives the keyboard to the first
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    watched.opened("p1")
    assert page.inner_text("#place") == "2 of 6"
    page.keyboard.press("ArrowRight")
    watched.opened("p2")
    before = watched.colours()
    assert {PERSON, SKIN, LEFT_BROW, LIPS, TEETH} <= before and len(before) == 8
    page.keyboard.press("7")
    watched.wait_for_colours(before - {LIPS})
    page.keyboard.press("Shift+Digit8")
    watched.wait_for_colours({TEETH})
    page.keyboard.press("Shift+Digit8")
    watched.wait_for_colours(before)
    page.keyboard.press("0")
    watched.wait_for_colours(before | {(0, 0, 0)})
    page.keyboard.press("ArrowUp")
    watched.wait("getComputedStyle(document.getElementById('overlay')).opacity === '0.6'")
    page.keyboard.press("End")
    watched.opened("p5")
    page.keyboard.press("Escape")
    page.wait_for_selector("#view", state="hidden")
    watched.wait("document.activeElement.textContent.includes('p5')")


def test_the_photo_shows_while_f_is_held_or_from_tap_to_tap(watched: Watched) -> None:
    page = watched.open("#picture=p1")
    watched.opened("p1")
    overlay = "getComputedStyle(document.getElementById('overlay')).visibility"
    assert page.evaluate(overlay) == "visible"
    page.keyboard.down("f")
    watched.wait(f"{overlay} === 'hidden'")
    page.wait_for_timeout(400)
    page.keyboard.up("f")
    watched.wait(f"{overlay} === 'visible'")
    page.keyboard.press("f")
    watched.wait(f"{overlay} === 'hidden'")
    page.keyboard.press("f")
    watched.wait(f"{overlay} === 'visible'")
    page.keyboard.press("a")
    for state in ("hidden", "visible", "hidden"):  # by itself
        watched.wait(f"{overlay} === '{state}'")
    page.keyboard.press("a")
    watched.wait(f"{overlay} === 'visible'")


def test_a_prediction_is_compared_the_worst_first(watched: Watched) -> None:
    page = watched.open("#sort=score")
    watched.wait("document.querySelector('.cell .name').textContent === 'p1'")
    assert float(page.locator(".mark.is-score").first.inner_text()) < 0.2
    page.locator(".cell").nth(3).click()
    page.wait_for_selector("#view:not([hidden]):not(.is-loading)")
    page.keyboard.press("p")
    page.wait_for_selector("#place")
    page.keyboard.press("d")
    watched.wait("document.querySelectorAll('#legend .spot').length === 3")
    watched.wait("document.querySelector('#legend').textContent.includes('px')")
    watched.wait_for_colours({(255, 77, 157)})  # teeth and lips: another class, no more
    page.keyboard.press("Shift+Digit8")
    watched.wait_for_colours({(255, 170, 51)})  # of teeth alone: only in the mask
    page.keyboard.press("Shift+Digit7")
    watched.wait_for_colours({(51, 196, 255)})
    watched.wait("location.hash.includes('layer=difference')")


def test_an_address_says_all_and_back_leads_back(watched: Watched) -> None:
    page = watched.open("#split=val&picture=p3&style=outline&off=background,person&zoom=face")
    watched.opened("p3")
    assert page.inner_text("#place") == "2 of 2"
    assert PERSON not in watched.colours() and SKIN in watched.colours()
    assert page.locator("#boxes rect").count() == 0
    assert "to the right of the other side" in page.inner_text("#info")
    scale = float(page.inner_text("#tools .scale").split()[0])
    page.keyboard.press("w")
    watched.wait(f"parseFloat(document.querySelector('#tools .scale').textContent) < {scale}")
    page.keyboard.press("Escape")
    watched.wait_for_names(["p2", "p3"])
    page.locator(".cell").first.click()
    watched.opened("p2")
    page.go_back()
    page.wait_for_selector("#view", state="hidden")
    watched.wait_for_names(["p2", "p3"])
    page.go_forward()
    watched.opened("p2")
    page.evaluate("location.hash = '#picture=p0'")
    watched.opened("p0")
    assert page.locator("#boxes rect").count() == 1  # the pixels of no class, framed


def test_zoom_goes_to_the_pixels_and_tells_what_they_are(watched: Watched) -> None:
    page = watched.open("#picture=p1")
    watched.opened("p1")
    stage = page.locator("#stage").bounding_box()
    middle = stage["x"] + stage["width"] / 2, stage["y"] + stage["height"] / 2
    page.mouse.move(*middle)
    watched.wait("document.getElementById('pixel').textContent.includes('skin')")
    for _ in range(8):
        page.mouse.wheel(0, -120)
    watched.wait("document.querySelector('#sheet.is-near') !== null")
    assert (
        page.evaluate("getComputedStyle(document.getElementById('photo')).imageRendering")
        == "pixelated"
    )
    before = page.inner_text("#pixel")
    page.keyboard.press("Shift+ArrowLeft")
    page.mouse.move(middle[0] + 1, middle[1])
    watched.wait(f"document.getElementById('pixel').textContent !== '{before}'")
    page.keyboard.press("w")
    watched.wait("document.querySelector('#stage.is-whole') !== null")


def test_flags_are_set_kept_and_exported(watched: Watched, tmp_path: Path) -> None:
    page = watched.open("#picture=p2")
    watched.opened("p2")
    page.keyboard.press("x")
    page.wait_for_selector("#flag[aria-pressed=true]")
    page.keyboard.press("Escape")
    page.keyboard.press("Home")
    page.keyboard.press("x")
    watched.wait("document.getElementById('flag-count').textContent === '2'")
    assert (tmp_path / "flags.txt").read_text() == "p0\np2\n"
    page.click("#flags-button")
    assert str(tmp_path / "flags.txt") in page.inner_text("#flags-say")
    with page.expect_download() as coming:
        page.click("#flags-text")
    assert Path(coming.value.path()).read_text() == "p0\np2\n"
    assert coming.value.suggested_filename == "flagged.txt"
    page.click("#flags-show")
    watched.wait_for_names(["p0", "p2"])


def test_help_lists_the_keys_and_keys_rest_while_one_types(watched: Watched) -> None:
    page = watched.open()
    page.keyboard.press("?")
    page.wait_for_selector("#help[open]")
    sheet = page.inner_text("#help-keys")
    for what in ("photo only: hold it", "difference", "back to all pictures", "7 lips"):
        assert what in sheet
    page.keyboard.press("Escape")
    page.wait_for_selector("#help", state="hidden")
    page.keyboard.press("/")
    page.keyboard.type("p4?x")
    assert not page.is_visible("#help") and page.inner_text("#flag-count") == "0"
    page.locator("#f-name").fill("p4")
    watched.wait_for_names(["p4"])


def test_everything_that_can_be_pressed_has_a_name(watched: Watched) -> None:
    page = watched.open("#picture=p3")
    watched.opened("p3")
    nameless = page.evaluate(
        """() => [...document.querySelectorAll('button, a[href], input, select, [tabindex="0"]')]
          .filter((node) => !(node.innerText || node.textContent || '').trim()
            && !node.getAttribute('aria-label') && !(node.labels && node.labels.length))
          .map((node) => node.outerHTML)"""
    )
    assert nameless == []
    assert page.evaluate("document.documentElement.lang") == "en"
    assert page.evaluate("document.querySelector('#app').inert") is True


def test_who_asks_for_less_motion_gets_no_flicker(chromium: Any, root: Path, cache: Path) -> None:
    with browsing(chromium, root, cache, reduced_motion="reduce") as watched:
        page = watched.open("#picture=p1")
        watched.opened("p1")
        page.keyboard.press("a")
        watched.wait("document.getElementById('says').textContent.includes('less motion')")
        for _ in range(4):
            page.wait_for_timeout(300)
            assert not page.evaluate("document.documentElement.classList.contains('is-bare')")
        assert watched.complaints == []


def test_a_bad_picture_shows_its_reason(chromium: Any, tmp_path: Path) -> None:
    root = sound(tmp_path / "data")
    FAULTS["unreadable"][0](root)
    with browsing(chromium, root, tmp_path / "cache") as watched:
        page = watched.open()
        page.wait_for_selector(".place.has-problem")
        assert "p0.jpg is damaged or cut short" in page.inner_text(".problem >> visible=true")
        assert page.locator(".place.is-there").count() == 5
        page.locator(".cell").first.click()
        watched.wait("document.getElementById('notices').textContent.includes('cut short')")
        watched.opened("p0")
        page.keyboard.press("ArrowRight")
        watched.opened("p1")
        assert page.inner_text("#notices") == ""
        page.evaluate("location.hash = '#picture=nobody'")
        watched.wait("document.getElementById('notices').textContent.includes('no picture')")
        refused = [line for line in watched.complaints if "the server responded" in line]
        assert refused == watched.complaints  # nothing but what was refused, and said so


def test_a_phone_has_all_of_it(chromium: Any, root: Path, cache: Path) -> None:
    size = {"width": 390, "height": 844}
    with browsing(
        chromium, root, cache, model=fake_model(), viewport=size, has_touch=True, is_mobile=True
    ) as watched:
        page = watched.open()
        for _ in range(2):
            wide = "document.documentElement.scrollWidth <= innerWidth"
            assert page.evaluate(wide)
            assert not page.is_visible("#panel")
            page.tap("#panel-button")
            page.get_by_label("Pictures without teeth").tap()
            watched.wait("document.getElementById('panel-done').textContent.includes('1 of 6')")
            page.tap("#panel-done")
            watched.wait_for_names(["p0"])
            page.locator(".cell").first.tap()
            watched.opened("p0")
            assert page.evaluate(wide)
            page.go_back()
            page.locator(".chip").tap()
            watched.wait_for_names(["p0", "p1", "p2", "p3", "p4", "p5"])
        assert watched.complaints == []
