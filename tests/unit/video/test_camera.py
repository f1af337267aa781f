import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from easyportrait.errors import BadInput, BadKnob, CameraUnusable, ModelError
from easyportrait.models.parser import Parser
from easyportrait.models.session import FakeSession, fake_card
from easyportrait.taxonomy import CLASSES
from easyportrait.video import camera as module
from easyportrait.video import capture
from easyportrait.video.camera import Camera, Meter, Shown
from tests.conftest import by_colour, face_mask

SIZE = 128
SOON = 10.0  # seconds after which something that should happen did not


def person(number: int = 0) -> np.ndarray:
    """A drawn person in the palette's colours, whose corner says which picture it is."""
    image = CLASSES.palette[face_mask(SIZE, SIZE)].astype(np.uint8)
    image[:16, :16] = 8 * number
    return image


def net(before: Callable[[], None] = lambda: None) -> Parser:
    """The net that knows classes by their colours; `before` is called before each answer."""

    def answer(batch: np.ndarray) -> np.ndarray:
        before()
        return by_colour(batch)

    return Parser(FakeSession(answer, fake_card(frame_side=SIZE, face_side=SIZE)))


def number_of(shown: Shown) -> int:
    return round(float(shown.before[:16, :16].mean()) / 8)


class Turns:
    """Pictures that come one by one, each when the one before has been shown."""

    def __init__(self, count: int) -> None:
        self._next = threading.Semaphore(1)
        self._count = count
        self.is_closed = False

    def __iter__(self) -> Iterator[np.ndarray]:
        for number in range(self._count):
            assert self._next.acquire(timeout=SOON)
            yield person(number)

    def shown(self, camera: Camera) -> Iterator[Shown]:
        for shown in camera.frames():
            yield shown
            self._next.release()

    def close(self) -> None:
        self.is_closed = True


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """30 pictures, 25 a second."""
    path = tmp_path / "film.avi"
    way = cv2.VideoWriter.fourcc(*"MJPG")
    writer = cv2.VideoWriter(str(path), way, 25.0, (SIZE, SIZE))
    for number in range(30):
        writer.write(person(number)[..., ::-1])
    writer.release()
    return path


# -- what is shown -------------------------------------------------------------------------


def test_of_those_that_come_while_the_net_is_busy_only_the_newest_is_kept() -> None:
    busy, go_on = threading.Event(), threading.Event()

    def wait() -> None:
        busy.set()
        assert go_on.wait(SOON)

    def pictures() -> Iterator[np.ndarray]:
        yield person(0)
        assert busy.wait(SOON)
        for number in range(1, 6):
            yield person(number)
        go_on.set()

    with Camera(pictures(), model=net(wait)) as camera:
        shown = list(camera.frames())
    assert [s.index for s in shown] == [0, 5] == [number_of(s) for s in shown]
    assert (camera.summary.shown, camera.summary.dropped) == (2, 4)


def test_a_film_plays_at_its_own_rate_and_a_slow_net_drops_instead_of_falling_behind(
    film: Path,
) -> None:
    slow = 0.15
    began = time.monotonic()
    ages, numbers = [], []
    with Camera(film, model=net(lambda: time.sleep(slow)), anonymize="pixelate") as camera:
        for shown in camera.frames():
            ages.append(time.monotonic() - shown.came)
            numbers.append(number_of(shown))
            assert number_of(shown) == shown.index
            assert np.abs(shown.image.astype(int) - shown.before).max() > 60
    assert time.monotonic() - began >= 29 / 25
    assert numbers == sorted(set(numbers))
    summary = camera.summary
    assert summary.dropped > summary.shown == len(numbers) > 1
    assert summary.shown + summary.dropped == 30
    # a queue would end some 3 s late
    assert min(ages) >= slow and np.median(ages) < slow + 0.04 + 0.3 and ages[-1] < 1.5
    assert summary.median_ms == pytest.approx(1000 * np.median(ages), abs=100)
    assert summary.p95_ms >= summary.median_ms


def test_one_that_lay_too_long_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "STALE", 0.0)
    asked = threading.Event()

    def pictures() -> Iterator[np.ndarray]:
        yield person(0)
        assert asked.wait(SOON)
        yield person(1)

    with Camera(pictures(), model=net()) as camera:
        camera.start()
        until_true(lambda: camera._ready is not None)
        asked.set()
        until_true(lambda: camera._newest is not None)
        shown = camera.take(SOON)
        assert shown is not None and shown.index == 1


def until_true(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + SOON
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.005)


def test_the_net_looks_at_every_so_many_and_its_answer_serves_those_between() -> None:
    calls: list[None] = []
    turns = Turns(7)
    with Camera(turns, model=net(lambda: calls.append(None)), every=3, anonymize="blur") as camera:
        for number, shown in enumerate(turns.shown(camera)):
            assert shown.index == number and shown.parsing is not None
            assert shown.parsing.image is shown.before and number_of(shown) == number
            assert (shown.image[:8] == shown.before[:8]).all()  # nothing of an older picture
            assert (shown.image != shown.before).any()
    assert number == 6 and len(calls) == 3


@pytest.mark.parametrize("looks", [1, 2])
def test_looks_at_faces_are_asked_for(looks: int) -> None:
    with Camera([person()], model=net(), looks=looks) as camera:
        (shown,) = camera.frames()
    assert shown.parsing is not None and len(shown.parsing.face_looks) == looks - 1


def test_the_net_sees_what_a_mirror_shows() -> None:
    image = person()
    image[:, :20] = 30
    with Camera([image], model=net(), mirror=True) as camera:
        (shown,) = camera.frames()
    assert (shown.before == image[:, ::-1]).all()
    assert shown.parsing is not None and shown.parsing.image is shown.before


def test_effects_are_switched_off_and_on_and_the_net_rests_meanwhile() -> None:
    calls: list[None] = []
    turns = Turns(4)
    seen = []
    with Camera(turns, model=net(lambda: calls.append(None)), anonymize="blur") as camera:
        for shown in turns.shown(camera):
            seen.append(shown.parsing is not None)
            assert seen[-1] == bool((shown.image != shown.before).any())
            assert ("effects off" in camera.speed) != camera.effects_on
            camera.effects_on = shown.index not in (0, 1)
    assert seen == [True, False, False, True] and len(calls) == 2


@pytest.mark.parametrize("steady", [True, False])
def test_answers_are_calmed(steady: bool) -> None:
    """The net sees someone, then half of him; the picture is the same."""
    answers = iter([1.0, 0.6])

    def unsure(batch: np.ndarray) -> np.ndarray:
        there = next(answers)
        probs = np.zeros((1, 9, 16, 16), np.float32)
        probs[:, 1], probs[:, 0] = there, 1 - there
        return probs

    def pictures() -> Iterator[np.ndarray]:
        for _ in range(2):
            assert turn.acquire(timeout=SOON)
            yield person()

    turn = threading.Semaphore(1)
    parser = Parser(FakeSession(unsure, fake_card(frame_side=SIZE)))
    with Camera(pictures(), model=parser, steady=steady) as camera:
        seen = []
        for shown in camera.frames():
            assert shown.parsing is not None
            seen.append(float(shown.parsing.region("person")[64, 64]))
            turn.release()
    assert seen[0] == pytest.approx(1) and seen[1] == pytest.approx(0.92 if steady else 0.6)


def test_a_video_behind_people_plays(tmp_path: Path) -> None:
    """One that begins black and is white from a tenth of a second on."""
    path = tmp_path / "behind.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10.0, (SIZE, SIZE))
    for number in range(200):
        writer.write(np.full((SIZE, SIZE, 3), 255 if number else 0, np.uint8))
    writer.release()
    turns = Turns(2)
    with Camera(turns, model=net(), background=path) as camera:
        corners = []
        for shown in turns.shown(camera):
            corners.append(int(shown.image[4, -4].mean()))
            time.sleep(0.15)
    assert corners[0] < 20 and corners[1] > 235


def test_rate_and_latency_are_worked_out() -> None:
    meter = Meter()
    for i in range(101):
        meter.add(came=i / 20, now=i / 20 + (0.3 if i > 90 else 0.05))
    told = meter.summary(200)
    assert (told.shown, told.dropped) == (101, 99)
    assert told.fps == pytest.approx(100 / 5.25)
    assert told.median_ms == pytest.approx(50) and told.p95_ms == pytest.approx(300)
    assert str(told) == (
        "101 frames shown, 99 dropped, 19.0 a second; latency 50 ms median, 300 ms for 95 of 100"
    )
    assert str(Meter().summary(3)) == "0 frames shown, 3 dropped"


# -- beginning, ending ---------------------------------------------------------------------


def test_who_stops_early_leaves_nothing_behind() -> None:
    turns = Turns(1000)
    before = threading.active_count()
    with Camera(turns, model=net()) as camera:
        assert next(turns.shown(camera)).index == 0
        turns._next.release()
    until_true(lambda: threading.active_count() == before)
    assert turns.is_closed and camera.summary.shown == 1


def test_one_that_was_never_asked_closes_its_camera() -> None:
    turns = Turns(1)
    Camera(turns, model=net()).close()
    assert turns.is_closed


def test_what_goes_wrong_in_a_thread_is_raised_where_pictures_are_asked_for() -> None:
    def fail() -> None:
        raise ModelError("the net is broken")

    with pytest.raises(ModelError, match="broken"), Camera([person()], model=net(fail)) as camera:
        list(camera.frames())
    with pytest.raises(BadInput, match="H, W, 3"), Camera([person()[..., 0]], model=net()) as bad:
        list(bad.frames())


@pytest.mark.parametrize("wrong", [{"every": 0}, {"looks": 3}])
def test_arguments_that_mean_nothing_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(BadInput, match=f"{next(iter(wrong))}="):
        Camera([person()], model=net(), **wrong)
    with pytest.raises(BadKnob, match="no effect 'sparkle'"):
        Camera([person()], model=net(), sparkle=True)


# -- cameras -------------------------------------------------------------------------------


class FakeCapture:
    """OpenCV's capture of a camera that gives some pictures and is then pulled out."""

    def __init__(self, pictures: int, size: tuple[int, int] = (SIZE, SIZE)) -> None:
        self.left, self.size, self.asked = pictures, size, dict[int, float]()
        self.is_released = False

    def isOpened(self) -> bool:  # noqa: N802
        return True

    def set(self, what: int, value: float) -> bool:
        self.asked[what] = value
        return True

    def get(self, what: int) -> float:
        sizes = {cv2.CAP_PROP_FRAME_WIDTH: self.size[0], cv2.CAP_PROP_FRAME_HEIGHT: self.size[1]}
        return sizes.get(what, 24.0)

    def read(self) -> tuple[bool, np.ndarray | None]:
        self.left -= 1
        if self.left < 0:
            return False, None
        return True, np.full((SIZE, SIZE, 3), (250, 20, 10), np.uint8)  # blue, green, red

    def release(self) -> None:
        self.is_released = True


@pytest.fixture
def devices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with two cameras, one of which has a name."""
    monkeypatch.setattr(capture, "DEVICES", tmp_path / "dev")
    monkeypatch.setattr(capture, "NAMES", tmp_path / "sys")
    monkeypatch.setattr(capture.sys, "platform", "linux")
    (tmp_path / "dev").mkdir()
    for number in (10, 2):
        (tmp_path / "dev" / f"video{number}").touch()
    (tmp_path / "sys" / "video2").mkdir(parents=True)
    (tmp_path / "sys" / "video2" / "name").write_text("HD Webcam\n")
    return tmp_path / "dev"


def plugged(monkeypatch: pytest.MonkeyPatch, fake: FakeCapture) -> FakeCapture:
    monkeypatch.setattr(capture, "opened", lambda source, way: fake)
    return fake


def test_a_camera_gives_red_green_blue_and_is_mirrored(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = plugged(monkeypatch, FakeCapture(1000000, (640, 480)))
    with Camera(0, model=net(), size=(1280, 720), fps=60) as camera:
        shown = next(camera.frames())
        assert tuple(shown.before[0, 0]) == (10, 20, 250) and camera._mirror
        assert camera.notes == ["camera 0 gives 640 x 480, not 1280 x 720"] and camera.rate == 24
    asked = [fake.asked[w] for w in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FPS)]
    assert asked == [1280, 60] and fake.is_released


def test_a_camera_that_is_pulled_out_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = plugged(monkeypatch, FakeCapture(3))
    with (
        pytest.raises(
            CameraUnusable, match="camera 1 stopped giving pictures after 3: is it still"
        ),
        Camera("1", model=net()) as camera,
    ):
        list(camera.frames())
    assert fake.is_released and camera.is_over()


def test_one_that_gives_nothing_may_be_in_use(
    monkeypatch: pytest.MonkeyPatch, devices: Path
) -> None:
    plugged(monkeypatch, FakeCapture(0))
    with (
        pytest.raises(CameraUnusable, match=r"no pictures: another program.*2 \(HD Webcam\), 10$"),
        Camera(2, model=net()) as camera,
    ):
        list(camera.frames())


def test_a_camera_that_is_not_there_is_named_with_those_that_are(devices: Path) -> None:
    with pytest.raises(CameraUnusable, match=r"no camera 7; cameras here: 2 \(HD Webcam\), 10$"):
        Camera(7, model=net())
    with pytest.raises(CameraUnusable, match=r"no camera and no video file 'x\.mp4'; cameras here"):
        Camera("x.mp4", model=net())
    for path in devices.iterdir():
        path.unlink()
    with pytest.raises(CameraUnusable, match="none was found here; a video file can take"):
        Camera(0, model=net())


def test_a_device_that_cannot_be_opened_says_why(
    devices: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(CameraUnusable, match="video2 cannot be opened: another program"):
        Camera(devices / "video2", model=net())

    def denied(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(Path, "open", denied)
    with pytest.raises(CameraUnusable, match=r"permission denied for .*video2 .*group 'video'"):
        Camera(2, model=net())


def test_where_the_system_lists_no_cameras_a_few_numbers_are_tried(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(capture.sys, "platform", "darwin")
    monkeypatch.setattr(capture, "answers", lambda number: number == 1)
    assert capture.cameras() == ["1"]


def test_a_file_that_is_no_film_and_wishes_that_a_film_cannot_have(
    tmp_path: Path, film: Path
) -> None:
    (tmp_path / "text.mp4").write_text("not a film")
    with pytest.raises(CameraUnusable, match=r"text\.mp4 is no video"):
        Camera(tmp_path / "text.mp4", model=net())
    with pytest.raises(CameraUnusable, match="size and fps are for cameras"):
        Camera(film, model=net(), fps=10)
    opened = Camera(film, model=net())
    assert not opened._mirror and opened.rate == 25
    opened.close()
