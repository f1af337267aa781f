import gc
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from easyportrait.errors import BadInput, BadKnob, VideoUnreadable
from easyportrait.models.parser import Parser
from easyportrait.models.session import FakeSession, fake_card
from easyportrait.parsing import Parsing
from easyportrait.video import pipeline
from easyportrait.video.pipeline import apply_to_video, in_order, prefetched
from easyportrait.video.read import read_video

from .films import UNEVEN, film, grey, index_of, packets, times_of


class Net:
    """Sees a person everywhere; counts, and takes its time with every third batch."""

    def __init__(self) -> None:
        self.runs = 0

    def __call__(self, batch: np.ndarray) -> np.ndarray:
        self.runs += 1
        if self.runs % 3 == 1:
            time.sleep(0.005)
        probs = np.zeros((len(batch), 9, 8, 8), np.float32)
        probs[:, 1] = 1
        return probs


@pytest.fixture
def net() -> Net:
    return Net()


@pytest.fixture
def parser(net: Net) -> Parser:
    return Parser(FakeSession(net, fake_card(frame_side=64)))


def apply(source: Path, target: Path, parser: Parser, **more: Any) -> pipeline.Done:
    return apply_to_video(source, target, model=parser, **({"anonymize": "blur"} | more))


def test_frames_times_and_sound_are_those_of_the_source(tmp_path: Path, parser: Parser) -> None:
    source = film(tmp_path / "a.mp4", times=UNEVEN)
    done = apply(source, tmp_path / "b.mp4", parser)
    assert (done.frames, done.looked, done.notes) == (10, 10, ())
    assert times_of(tmp_path / "b.mp4") == times_of(source)
    assert packets(tmp_path / "b.mp4") == packets(source)
    with read_video(tmp_path / "b.mp4") as video:
        assert [index_of(f.image) for f in video] == list(range(10))


def test_effects_are_applied_to_each_frame(tmp_path: Path, parser: Parser) -> None:
    """The net sees a person everywhere, so that nothing of the new background shows."""
    source = film(tmp_path / "a.mp4", sound=None)
    apply(source, tmp_path / "b.mov", parser, anonymize=None, background="remove")
    with read_video(tmp_path / "b.mov") as video:
        assert [index_of(f.image) for f in video] == list(range(10))


def test_a_video_behind_people(tmp_path: Path) -> None:
    nobody = Parser(FakeSession(lambda b: one_class(b, 0), fake_card(frame_side=64)))
    source = film(tmp_path / "a.mp4", count=6)
    behind = film(tmp_path / "c.mp4", count=4, sound=None)
    apply(source, tmp_path / "b.mp4", nobody, anonymize=None, background=behind)
    with read_video(tmp_path / "b.mp4") as video:
        assert [index_of(f.image) for f in video] == [0, 1, 2, 3, 0, 1]


def one_class(batch: np.ndarray, index: int) -> np.ndarray:
    probs = np.zeros((len(batch), 9, 8, 8), np.float32)
    probs[:, index] = 1
    return probs


def test_every_so_many_frames(tmp_path: Path, net: Net, parser: Parser) -> None:
    seen: list[int] = []

    def calm(parsing: Parsing) -> Parsing:
        seen.append(index_of(parsing.image))
        return parsing

    source = film(tmp_path / "a.mp4")
    done = apply(source, tmp_path / "b.mp4", parser, every=4, steady=calm)
    assert done.looked == net.runs == 3
    assert seen == [0, 4, 8]
    with read_video(tmp_path / "b.mp4") as video:
        assert [index_of(f.image) for f in video] == list(range(10))


def test_progress_counts_up_to_all(tmp_path: Path, parser: Parser) -> None:
    said: list[tuple[int, int | None]] = []
    source = film(tmp_path / "a.mp4", sound=None)
    apply(source, tmp_path / "b.mp4", parser, progress=lambda n, all: said.append((n, all)))
    assert said == [(i, 10) for i in range(1, 11)]


def test_few_frames_are_alive_however_long_it_is(
    tmp_path: Path, parser: Parser, monkeypatch: Any
) -> None:
    alive: weakref.WeakSet[Any] = weakref.WeakSet()
    most = 0
    ordinary = pipeline.Video.upright

    def counted(self: Any, raw: Any) -> Any:
        nonlocal most
        frame = ordinary(self, raw)
        alive.add(Watched(frame.image))
        most = max(most, len(alive))
        return frame

    class Watched:
        """Lives as long as the array does."""

        kept: dict[int, Any] = {}  # noqa: RUF012

        def __init__(self, image: np.ndarray) -> None:
            self.kept[id(image)] = self
            weakref.finalize(image, self.kept.pop, id(image), None)

    monkeypatch.setattr(pipeline.Video, "upright", counted)
    monkeypatch.setattr(pipeline, "cores", lambda: 2)
    source = film(tmp_path / "a.mp4", count=26, sound=None)
    peaks = []
    for every in (1, 3):
        most = 0
        apply(source, tmp_path / f"{every}.mp4", parser, every=every)
        peaks.append(most)
        gc.collect()
    assert 0 < peaks[0] <= 2 * (2 + 1) + 4
    assert 0 < peaks[1] <= 2 * (2 + 1) + 4 + 2 * 3


@pytest.mark.parametrize("stage", ["parse", "calm", "effect", "progress"])
def test_an_error_in_any_stage_ends_all_and_leaves_nothing(
    tmp_path: Path, parser: Parser, stage: str, monkeypatch: Any
) -> None:
    calls = 0

    def fail(*_: Any, **__: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls >= 3:
            raise RuntimeError(stage)
        return ordinary(*_, **__)

    more: dict[str, Any] = {}
    ordinary: Any = lambda *_: None  # noqa: E731
    if stage == "parse":
        ordinary = parser.session.run
        monkeypatch.setattr(parser.session, "run", fail)
    elif stage == "calm":
        ordinary, more = (lambda parsing: parsing), {"steady": fail}
    elif stage == "effect":
        ordinary = pipeline.Chain.__call__
        monkeypatch.setattr(pipeline.Chain, "__call__", fail)
    else:
        more = {"progress": fail}
    source, before = film(tmp_path / "a.mp4"), threading.active_count()
    with pytest.raises(RuntimeError, match=stage):
        apply(source, tmp_path / "b.mp4", parser, **more)
    assert [p.name for p in tmp_path.iterdir()] == ["a.mp4"]
    assert threading.active_count() == before


def test_a_damaged_source_leaves_nothing(tmp_path: Path, parser: Parser) -> None:
    source = film(tmp_path / "a.mkv", count=20, paint=noisy)
    data = bytearray(source.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 4000] = bytes(4000)
    source.write_bytes(data)
    with pytest.raises(VideoUnreadable, match="damaged at"):
        apply(source, tmp_path / "b.mp4", parser)
    assert [p.name for p in tmp_path.iterdir()] == ["a.mkv"]


def noisy(index: int) -> np.ndarray:
    return np.random.default_rng(index).integers(0, 255, (120, 160, 3)).astype(np.uint8)


@pytest.mark.parametrize(
    ("more", "error", "message"),
    [
        ({"anonymize": None}, BadInput, "name an effect"),
        ({"every": 0}, BadInput, "every is 1 or more, got 0"),
        ({"looks": 3}, BadInput, "looks is 1 or 2, got 3"),
        ({"steady": 2}, BadInput, "from 0 to 1, got 2"),
        ({"crf": 99}, BadKnob, "got 99"),
        ({"anonymize": "paint"}, BadKnob, "pixelate, blur"),
    ],
)
def test_what_cannot_be_done_is_said_before_anything_is_read(
    tmp_path: Path, parser: Parser, more: dict[str, Any], error: Any, message: str
) -> None:
    with pytest.raises(error, match=message):
        apply(tmp_path / "missing.mp4", tmp_path / "b.mp4", parser, **more)


def test_the_input_is_never_overwritten(tmp_path: Path, parser: Parser) -> None:
    source = film(tmp_path / "a.mp4", count=1)
    with pytest.raises(BadInput, match="would overwrite the input"):
        apply(source, tmp_path / ".." / tmp_path.name / "a.mp4", parser, force=True)


def test_ten_bits_are_said(tmp_path: Path, parser: Parser) -> None:
    source = film(tmp_path / "a.mp4", count=2, pixels="yuv420p10le", sound=None)
    assert "10 bits" in apply(source, tmp_path / "b.mp4", parser).notes[0]


# -- order ---------------------------------------------------------------------------------


def test_order_is_kept_and_work_overlaps() -> None:
    together, most = 0, 0
    lock = threading.Lock()

    def slow(i: int) -> int:
        nonlocal together, most
        with lock:
            together += 1
            most = max(most, together)
        time.sleep(0.004 if i % 2 else 0.001)
        with lock:
            together -= 1
        return i * i

    with ThreadPoolExecutor(3) as pool:
        assert list(in_order(pool, slow, range(20), 3)) == [i * i for i in range(20)]
    assert most >= 2


def test_nothing_is_begun_long_before_it_is_asked_for() -> None:
    begun: list[int] = []

    def items() -> Any:
        for i in range(100):
            begun.append(i)
            yield i

    with (
        ThreadPoolExecutor(2) as pool,
        closing(prefetched(items(), 3)) as early,
        closing(in_order(pool, lambda i: i, early, 2)) as out,
    ):
        for wanted in range(5):
            assert next(out) == wanted
            time.sleep(0.002)
            assert len(begun) <= wanted + 1 + 2 + 3 + 1


def test_prefetched_items_raise_where_they_would_have() -> None:
    def items() -> Any:
        yield from range(3)
        raise KeyError("gone")

    out = prefetched(items(), 2)
    assert [next(out) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(KeyError):
        next(out)


def test_uneven_distances_are_in_films() -> None:
    """What the tests of timing rest on."""
    assert len({b - a for a, b in pairwise(UNEVEN)}) > 4
    assert index_of(grey(7)) == 7 and Fraction(333, 1000) in UNEVEN
