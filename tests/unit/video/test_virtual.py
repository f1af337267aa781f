import sys
from types import ModuleType

import numpy as np
import pytest

from easyportrait.errors import CameraUnusable
from easyportrait.video.camera import Shown
from easyportrait.video.virtual import Virtual
from tests.unit.video.test_camera import person


class FakeCamera:
    """As pyvirtualcam's."""

    made: "list[FakeCamera]"

    def __init__(self, *, width: int, height: int, fps: float) -> None:
        self.width, self.height, self.fps = width, height, fps
        self.device, self.sent, self.is_open = "/dev/video9", list[np.ndarray](), True
        type(self).made.append(self)

    def send(self, frame: np.ndarray) -> None:
        assert frame.flags.c_contiguous and frame.shape == (self.height, self.width, 3)
        assert frame.dtype == np.uint8
        self.sent.append(frame.copy())

    def close(self) -> None:
        self.is_open = False


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[FakeCamera]:
    """pyvirtualcam is installed; which cameras it made."""
    module = ModuleType("pyvirtualcam")
    FakeCamera.made = []
    module.Camera = FakeCamera  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "pyvirtualcam", module)
    return FakeCamera.made


def shown(image: np.ndarray) -> Shown:
    return Shown(image, image, None, 0, 0.0)


def test_others_get_the_pictures(made: list[FakeCamera]) -> None:
    virtual = Virtual(24.0)
    assert made == [] and virtual.device is None and virtual.wants()
    wide = np.ascontiguousarray(person()[:90])
    assert virtual.show(shown(wide), "") and virtual.show(shown(wide[:, ::-1]), "")
    (camera,) = made
    assert (camera.width, camera.height, camera.fps) == (128, 90, 24)
    assert (camera.sent[0] == wide).all() and (camera.sent[1] == wide[:, ::-1]).all()
    assert virtual.device == "/dev/video9" and virtual.pressed() == []
    virtual.show(shown(person()), "")  # a camera that changed its size
    assert camera.sent[2].shape == (90, 128, 3) and len(made) == 1
    virtual.close()
    assert not camera.is_open


@pytest.mark.parametrize(("system", "needs"), [("linux", "v4l2loopback"), ("win32", "OBS Studio")])
def test_what_is_missing_is_said(
    system: str, needs: str, made: list[FakeCamera], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", system)

    def none_here(**_: object) -> None:
        raise RuntimeError("'x' backend: no device found\nmore")

    monkeypatch.setattr(sys.modules["pyvirtualcam"], "Camera", none_here)
    with pytest.raises(CameraUnusable, match=rf"no virtual camera.*{needs}.*no device found\)$"):
        Virtual().show(shown(person()), "")
    monkeypatch.setitem(sys.modules, "pyvirtualcam", None)
    with pytest.raises(CameraUnusable, match=f"pip install pyvirtualcam .*GPL-2.0.*{needs}"):
        Virtual()
