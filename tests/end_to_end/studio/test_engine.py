"""The studio's worker in Chromium, with the real net: asked as the page asks it."""

import base64
import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

import easyportrait
from easyportrait.assets import demo_image
from easyportrait.image.io import encode, read_image
from easyportrait.models.card import Card
from easyportrait.models.catalog import find_model
from easyportrait.models.parser import Parser
from easyportrait.serve.studio import MODEL, build, made, page_folder
from easyportrait.taxonomy import CLASSES
from tests.unit.serve.asking import net, serving

from .conftest import watched

# As ui/local.js, but for what goes wrong, which is an answer here
ASK = """(script) => {
  const worker = new Worker(script, { type: "module" });
  const waiting = new Map();
  window.progress = [];
  worker.onmessage = ({ data }) => {
    if (data.kind === "progress") return window.progress.push(data.share);
    waiting.get(data.id)(data);
  };
  const broken = new Promise((tell) => {
    worker.onerror = (event) => tell({ broken: event.message });
  });
  let last = 0;
  window.ask = (message, transfer = []) => {
    const answered = new Promise((tell) => waiting.set(++last, tell));
    worker.postMessage({ id: last, ...message }, transfer);
    return Promise.race([answered, broken]);
  };
  window.read = async (url) => {
    const bitmap = await createImageBitmap(await (await fetch(url)).blob());
    const brush = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d");
    brush.drawImage(bitmap, 0, 0);
    return brush.getImageData(0, 0, bitmap.width, bitmap.height);
  };
  window.text = (bytes) => {
    let out = "";
    for (let at = 0; at < bytes.length; at += 32768)
      out += String.fromCharCode(...bytes.subarray(at, at + 32768));
    return btoa(out);
  };
  window.parse = async (url, looks) => {
    const { data, width, height } = await read(url);
    return ask({ kind: "parse", picture: { data, width, height }, looks }, [data.buffer]);
  };
}"""
PARSE = """async ([url, looks]) => {
  const { labels, ...answer } = await parse(url, looks);
  return { ...answer, labels: labels && text(labels) };
}"""
APPLY = """async (asked) => {
  const backgrounds = {};
  for (const [name, url] of Object.entries(asked.backgrounds ?? {}))
    backgrounds[name] = await read(url);
  const answer = await ask({ kind: "apply", ...asked, backgrounds });
  if (!answer.ok) return answer;
  const { data, width, height } = answer.picture;
  return { ok: true, width, height, data: text(data) };
}"""
LIVE = """async (url) => {
  const { data, width, height } = await read(url);
  const bitmap = await createImageBitmap(new ImageData(data, width, height));
  const settings = { "replace-background": { with: "#00ff00" } };
  const { ok, picture, labels, ms } = await ask({ kind: "live", bitmap, settings }, [bitmap]);
  return { ok, ms, size: [picture.width, picture.height], pixel: [...picture.data.slice(0, 4)],
    labels: text(labels) };
}"""


class Worker:
    """A worker of the studio, and a page that asks it."""

    def __init__(self, page: Any, script: str = "worker.js") -> None:
        self._page = page
        page.evaluate(ASK, script)

    def ask(self, **message: Any) -> Any:
        return self._page.evaluate("(message) => ask(message)", message)

    def open(self, base: str) -> Any:
        return self.ask(kind="open", base=base)

    def parse(self, name: str, looks: int = 2) -> tuple[Any, np.ndarray]:
        """The answer, and its labels."""
        answer = self._page.evaluate(PARSE, [name, looks])
        assert answer["ok"], answer
        labels = np.frombuffer(base64.b64decode(answer.pop("labels")), np.uint8)
        return answer, labels.reshape(answer["height"], answer["width"])

    def apply(self, settings: dict[str, Any], **more: Any) -> np.ndarray:
        answer = self._page.evaluate(APPLY, {"settings": settings, **more})
        assert answer["ok"], answer
        pixels = np.frombuffer(base64.b64decode(answer["data"]), np.uint8)
        return pixels.reshape(answer["height"], answer["width"], 4)

    def evaluate(self, code: str, given: Any = None) -> Any:
        return self._page.evaluate(code, given)


def crowd() -> np.ndarray:
    one = demo_image()[:400, 60:400]
    return np.concatenate([one, one[:, ::-1], one], 1)


PICTURES = {
    "portrait": lambda: demo_image()[:, 120:330],
    "landscape": lambda: cv2.resize(demo_image()[60:300], (900, 420)),
    "crowd": crowd,
    "tiny": lambda: cv2.resize(demo_image(), (24, 24), interpolation=cv2.INTER_AREA),
    "empty": lambda: np.full((90, 160, 3), 127, np.uint8),
    "panorama": lambda: cv2.resize(demo_image(), (4500, 500), interpolation=cv2.INTER_CUBIC),
    "large": lambda: cv2.resize(demo_image(), (2900, 2900), interpolation=cv2.INTER_CUBIC),
}
BARE = {  # the page itself has a worker, too
    "bare.html": b'<!DOCTYPE html><title>bare</title><link rel="icon" href="icon.svg">'
}


@pytest.fixture(scope="module")
def parser() -> Parser:
    return easyportrait.load(MODEL)


@pytest.fixture(scope="module")
def files(parser: Parser) -> dict[str, bytes]:
    return {
        f"{name}.jpg": encode(np.ascontiguousarray(draw()), ".jpg")
        for name, draw in PICTURES.items()
    }


@pytest.fixture(scope="module")
def address(parser: Parser, files: dict[str, bytes]) -> Iterator[str]:
    further = made(find_model(MODEL), parser.card) | BARE | files
    with serving({"fake": net()}, page=page_folder(), made=further) as served:
        yield f"http://127.0.0.1:{served.port}/"


@contextmanager
def worker_at(chromium: Any, address: str, script: str = "worker.js") -> Iterator[Worker]:
    with watched(chromium, address) as studio:
        studio.page.goto(f"{address}bare.html")
        yield Worker(studio.page, script)


@pytest.fixture(scope="module")
def worker(chromium: Any, address: str) -> Iterator[Worker]:
    """With its net open."""
    with worker_at(chromium, address) as one:
        answer = one.open(address)
        assert answer["ok"], answer
        yield one


def overlaps(a: np.ndarray, b: np.ndarray) -> dict[str, float]:
    """Intersection over union of each class that is there."""
    return {
        name: ((a == i) & (b == i)).sum() / ((a == i) | (b == i)).sum()
        for i, name in enumerate(CLASSES.names)
        if (b == i).sum() >= 50
    }


# -- what Python answers -------------------------------------------------------------------


@pytest.mark.parametrize("looks", [1, 2])
def test_the_demo_is_parsed_as_in_python(worker: Worker, parser: Parser, looks: int) -> None:
    expected = parser.parse(demo_image(), looks=looks)
    answer, labels = worker.parse("demo.jpg", looks)
    assert (labels == expected.labels).mean() > 0.995
    found = overlaps(labels, expected.labels)
    assert len(found) >= 8 and min(found.values()) > 0.97, found
    assert answer["faces"] == len(expected.faces) == 1
    (box,), (face,) = answer["boxes"], expected.faces
    for side in ("left", "top", "right", "bottom"):
        assert box[side] == pytest.approx(getattr(face.box, side), abs=2)
    shares = {name: (expected.labels == i).mean() for i, name in enumerate(CLASSES.names)}
    assert answer["classesFound"] == pytest.approx(shares, abs=1e-3)


@pytest.mark.parametrize("name", PICTURES)
def test_pictures_of_all_shapes_are_parsed_as_in_python(
    worker: Worker, parser: Parser, files: dict[str, bytes], name: str
) -> None:
    """The largest has 8 megapixels."""
    image = read_image(files[f"{name}.jpg"])
    expected = parser.parse(image)
    answer, labels = worker.parse(f"{name}.jpg")
    assert labels.shape == image.shape[:2]
    assert (labels == expected.labels).mean() > 0.995
    assert answer["faces"] == len(expected.faces)
    assert name != "crowd" or answer["faces"] == 3
    assert name != "empty" or not labels.any()


def test_a_picture_gets_the_effects_that_python_gives_it(worker: Worker) -> None:
    worker.parse("demo.jpg")
    green = worker.apply({"replace-background": {"with": "#00ff00"}})
    expected = easyportrait.apply(demo_image(), model=MODEL, background="#00ff00")
    far = np.abs(green[..., :3].astype(int) - expected)
    assert far.mean() < 0.2 and (far > 8).mean() < 0.002
    small = worker.apply({"remove-background": {}}, preview=128)
    assert small.shape == (128, 128, 4) and small[0, 0, 3] == 0 and small[60, 58, 3] == 255
    behind = {"replace-background": "crowd.jpg"}
    scene = worker.apply({"replace-background": {}}, backgrounds=behind)
    assert scene.shape == (512, 512, 4) and (scene[..., :3] != green[..., :3]).any()
    assert worker.apply({}).tolist() == np.dstack([demo_image(), np.full((512, 512), 255)]).tolist()


def test_frames_of_a_camera_are_parsed_and_changed(worker: Worker, parser: Parser) -> None:
    answer = worker.evaluate(LIVE, "crowd.jpg")
    labels = np.frombuffer(base64.b64decode(answer["labels"]), np.uint8).reshape(400, 1020)
    assert answer["ok"] and answer["size"] == [1020, 400] and answer["pixel"] == [0, 255, 0, 255]
    assert (labels == parser.parse(crowd()).labels).mean() > 0.97  # it looks less finely


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="this system has no /proc")
def test_memory_does_not_grow(chromium: Any, worker: Worker) -> None:
    """Over 20 pictures of 9 MB each, and of as much again that is worked out from each."""
    session = chromium.new_browser_cdp_session()
    processes = session.send("SystemInfo.getProcessInfo")["processInfo"]
    renderers = [process["id"] for process in processes if process["type"] == "renderer"]

    def used() -> int:
        pages = [int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in renderers]
        return sum(pages) * os.sysconf("SC_PAGESIZE")

    def parse(times: int) -> None:
        code = "async (n) => { for (let i = 0; i < n; i++) await parse('panorama.jpg', 1); }"
        worker.evaluate(code, times)

    parse(4)
    before = used()
    parse(20)
    assert used() < before + 100e6, f"{before / 1e6:.0f} MB grew to {used() / 1e6:.0f} MB"


# -- what goes wrong -----------------------------------------------------------------------


def test_it_says_how_far_it_is_and_what_it_has(chromium: Any, address: str, parser: Parser) -> None:
    with worker_at(chromium, address) as worker:
        early = worker.evaluate("() => parse('demo.jpg', 2)")
        answer = worker.open(address)
        progress = worker.evaluate("() => progress")
        strange = worker.ask(kind="dance")
        nothing = worker.ask(kind="apply", settings={})
        is_isolated = worker.evaluate("() => crossOriginIsolated")
    assert early["message"] == "the net is not open yet" and early["ok"] is False
    assert progress == sorted(progress) and progress[-1] == 1 and len(progress) > 3
    assert answer["classes"][8] == {"name": "teeth", "color": "#e6e8e6"}
    assert Card.from_json(json.dumps(without_colours(answer["card"])), "page") == parser.card
    assert is_isolated and answer["threads"] >= 1
    assert strange["message"] == 'there is no message "dance"'
    assert nothing["message"] == "there is no picture yet"


def without_colours(card: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in card.items() if name != "colours"}


def test_a_picture_that_is_too_large_is_refused(worker: Worker) -> None:
    empty = {"width": 9000, "height": 6000}
    answer = worker.evaluate(
        "(size) => ask({kind: 'parse', picture: {...size, data: new Uint8ClampedArray(0)}})", empty
    )
    assert (
        "9000 × 6000 is 54 megapixels, more than the 50 that this page takes" in answer["message"]
    )


def test_a_net_that_is_no_net_is_said(chromium: Any, parser: Parser) -> None:
    further = made(find_model(MODEL), parser.card) | BARE | {"model/model.onnx": b"a poem"}
    with serving({"fake": net()}, page=page_folder(), made=further) as served:
        address = f"http://127.0.0.1:{served.port}/"
        with worker_at(chromium, address) as worker:
            answer = worker.open(address)
    assert answer["ok"] is False and answer["message"].startswith("the net cannot be opened: ")


def test_a_net_that_is_missing_is_said(chromium: Any, parser: Parser) -> None:
    further = made(find_model(MODEL), parser.card) | BARE
    del further["model/model.onnx"]
    with serving({"fake": net()}, page=page_folder(), made=further) as served:
        address = f"http://127.0.0.1:{served.port}/"
        context = chromium.new_context()
        page = context.new_page()
        page.goto(f"{address}bare.html")
        answer = Worker(page).open(address)
        context.close()
    assert answer["message"] == "the net is missing: /model/model.onnx answers 404"


def test_a_browser_that_cannot_run_the_net_is_told(chromium: Any, parser: Parser) -> None:
    old = {
        "old.js": b"import './without.js'; import './worker.js';",
        "without.js": b"delete globalThis.WebAssembly;",
    }
    further = made(find_model(MODEL), parser.card) | BARE | old
    with serving({"fake": net()}, page=page_folder(), made=further) as served:
        address = f"http://127.0.0.1:{served.port}/"
        with worker_at(chromium, address, "old.js") as worker:
            answer = worker.open(address)
    assert answer["ok"] is False
    assert answer["message"].startswith("this browser cannot run the net: it has no WebAssembly")


# -- without the server --------------------------------------------------------------------


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory, parser: Parser) -> Iterator[str]:
    """A build, served by a server that knows of nothing and sets no headers."""
    folder: Path = tmp_path_factory.mktemp("plain") / "site"
    build(folder, find_model(MODEL), parser.card)
    (folder / "bare.html").write_bytes(BARE["bare.html"])
    handler = partial(Quiet, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def test_a_build_parses_without_the_server(chromium: Any, plain: str, parser: Parser) -> None:
    with worker_at(chromium, plain) as worker:
        opened = worker.open(plain)
        _, labels = worker.parse("demo.jpg")
        assert worker.evaluate("() => crossOriginIsolated") is False
    assert opened["threads"] == 1
    assert (labels == parser.parse(demo_image()).labels).mean() > 0.995
