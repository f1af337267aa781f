import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from easyportrait.errors import CameraUnusable
from easyportrait.image.io import read_image
from easyportrait.video.camera import Camera, Shown
from easyportrait.video.preview import Window, fitted, keeper, on_checks, watch
from tests.unit.video.test_camera import SOON, net, person


class FakeScreen:
    """Shows pictures to nobody; at each it "hears" keys."""

    def __init__(self, keys: dict[int, str], *, seen: bool = True) -> None:
        self.keys, self.seen = keys, seen
        self.words: list[str] = []
        self.effects: list[bool] = []
        self._heard: list[str] = []

    def wants(self) -> bool:
        return True

    def show(self, shown: Shown, words: str) -> bool:
        self.words.append(words)
        self.effects.append(shown.parsing is not None)
        self._heard += filter(None, [self.keys.get(len(self.words))])
        return self.seen

    def pressed(self) -> list[str]:
        heard, self._heard = self._heard, []
        return heard

    def close(self) -> None:
        pass


def endless() -> Iterator[np.ndarray]:
    until = time.monotonic() + SOON
    while time.monotonic() < until:
        yield person()
        time.sleep(0.002)


def test_keys_switch_save_and_quit() -> None:
    screen = FakeScreen({1: "s", 3: "space", 8: "x", 15: "q"})
    kept: list[np.ndarray] = []

    def keep(image: np.ndarray) -> str:
        kept.append(image)
        return "saved here"

    with Camera(endless(), model=net(), anonymize="blur") as camera:
        watch(camera, [screen], keep)
    assert len(screen.words) == 15 == camera.summary.shown
    assert len(kept) == 1 and (kept[0] != person()).any()
    assert "saved here" not in screen.words[0] and "fps" in screen.words[2]
    assert screen.words[1].endswith(", saved here")
    assert screen.effects[0] and not any(screen.effects[6:])
    assert "effects off" in screen.words[-1] and not camera.effects_on


def test_what_nobody_saw_was_not_shown() -> None:
    with Camera(endless(), model=net()) as camera:
        watch(camera, [FakeScreen({3: "q"}, seen=False)], lambda image: "")
    assert camera.summary.shown == 0 and camera.summary.dropped > 0
    with Camera(endless(), model=net()) as camera:
        watch(camera, [FakeScreen({}, seen=False), FakeScreen({3: "q"})], lambda image: "")
    assert camera.summary.shown == 3


def test_while_nobody_looks_the_net_rests() -> None:
    class Blind(FakeScreen):
        asked = 0

        def wants(self) -> bool:
            self.asked += 1
            if self.asked == 5:
                self._heard.append("q")
            return False

    calls: list[None] = []
    with Camera(endless(), model=net(lambda: calls.append(None))) as camera:
        watch(camera, [blind := Blind({})], lambda image: "")
    assert blind.words == [] and len(calls) <= 1 and camera.summary.shown == 0


def test_the_end_of_a_camera_ends_it_whether_somebody_looks_or_not() -> None:
    for looks in (True, False):
        screen = FakeScreen({})
        screen.wants = lambda looks=looks: looks  # type: ignore[method-assign]
        with Camera([person()], model=net()) as camera:
            watch(camera, [screen], lambda image: "")
        assert len(screen.words) == looks


def test_pictures_are_saved_under_new_names(tmp_path: Path) -> None:
    keep = keeper(tmp_path / "new")
    said = [keep(person(n)) for n in range(3)]
    paths = [Path(words.removeprefix("saved ")) for words in said]
    assert len(set(paths)) == 3 and all(p.suffix == ".png" for p in paths)
    assert (read_image(paths[2]) == person(2)).all()
    (tmp_path / "file").touch()
    assert "cannot be written" in keeper(tmp_path / "file")(person())


def test_transparency_is_shown_on_squares_and_pictures_fit_the_screen() -> None:
    image = np.zeros((64, 128, 4), np.uint8)
    image[:32] = (10, 20, 30, 255)
    shown = on_checks(image)
    assert (shown[:32] == (10, 20, 30)).all()
    assert set(np.unique(shown[32:])) == {160, 200}
    assert fitted(shown, 64, 64).shape == (32, 64, 3)
    assert fitted(shown, 500, 500) is shown


@pytest.mark.skipif(sys.platform != "linux", reason="other desktops are always there")
def test_without_a_display_the_page_is_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    with pytest.raises(CameraUnusable, match="--page shows the picture in a browser"):
        Window()


def test_without_tkinter_the_page_is_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tkinter", None)
    with pytest.raises(CameraUnusable, match=r"python3-tk\); --page"):
        Window()


def test_a_window_shows_pictures_and_hears_keys() -> None:
    try:
        window = Window()
    except CameraUnusable as error:
        pytest.skip(str(error))
    try:
        image = person()
        for some in (image, image, image[:64]):
            assert window.show(Shown(some, some, None, 0, 0.0), "24 fps")
        assert window._root.title().startswith("easyportrait: 24 fps")
        assert (window._photo.width(), window._photo.height()) == (128, 64)
        window._root.focus_force()
        window._root.update()
        for key in ("<space>", "<s>", "<Q>"):
            window._root.event_generate(key)
        assert window.pressed() == ["space", "s", "q"]
    finally:
        window.close()
    assert not window.wants() and window.pressed() == ["q"]
