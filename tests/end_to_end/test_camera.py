"""`easyportrait camera`, run as users run it, with films in a camera's place."""

import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner, Result

from easyportrait import Camera, demo_image
from easyportrait.cli.app import app
from easyportrait.errors import EasyPortraitError
from easyportrait.image.io import read_image

FAKE = """
from pathlib import Path
class Camera:
    device = "fake"
    def __init__(self, width, height, fps):
        self.width, self.height, self.count = width, height, 0
    def send(self, frame):
        self.count += 1
        Path(f"{self.count}.part").write_bytes(frame.tobytes())
        Path(f"{self.count}.part").rename(f"{self.count}.rgb")
    def close(self):
        Path("closed").touch()
"""
SOON = 60.0


def film(path: Path, seconds: float) -> Path:
    """The astronaut, who moves a little, 15 times a second."""
    picture = cv2.resize(demo_image(), (192, 192), interpolation=cv2.INTER_AREA)[..., ::-1]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 15.0, (192, 160))
    for i in range(round(15 * seconds)):
        writer.write(np.ascontiguousarray(picture[i % 8 : i % 8 + 160]))
    writer.release()
    return path


def run(*args: object) -> Result:
    return CliRunner().invoke(app, ["camera", *map(str, args)])


@pytest.fixture
def headless(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT for one process")
def test_ctrl_c_ends_a_virtual_camera_with_what_it_did(tmp_path: Path, headless: None) -> None:
    (tmp_path / "fake").mkdir()
    (tmp_path / "fake" / "pyvirtualcam.py").write_text(FAKE)
    film(tmp_path / "me.avi", 120)
    args = ["camera", "--camera", "me.avi", "--anonymize", "pixelate", "--virtual"]
    process = subprocess.Popen(
        [sys.executable, "-m", "easyportrait", *args],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(tmp_path / "fake")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        until = time.monotonic() + SOON
        while not (tmp_path / "3.rgb").exists():
            assert time.monotonic() < until and process.poll() is None
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=SOON)
    finally:
        process.kill()
    assert process.returncode == 0 and out == "" and "Traceback" not in err, err
    assert "frames shown" in err.splitlines()[-1] and "latency" in err.splitlines()[-1]
    assert (tmp_path / "closed").exists()
    sent = np.frombuffer((tmp_path / "3.rgb").read_bytes(), np.uint8).reshape(160, 192, 3)
    picture = cv2.resize(demo_image(), (192, 192), interpolation=cv2.INTER_AREA)
    around = [np.abs(picture[i : i + 160].astype(int) - sent).mean(2) for i in range(8)]
    change = min(around, key=lambda c: c[100:].mean())
    assert change[100:].mean() < 6  # not mirrored, since others see it
    assert change[15:70, 60:105].mean() > 2 * change[100:].mean()  # the face


def test_the_page_shows_it_saves_it_and_quits(
    tmp_path: Path, headless: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A browser's part is played here."""
    opened: list[str] = []
    seen: list[bytes] = []
    problems: list[BaseException] = []

    def ask(path: str, method: str = "GET") -> tuple[bytes, str]:
        request = urllib.request.Request(opened[0] + path, method=method)
        with urllib.request.urlopen(request, timeout=SOON) as answer:
            return answer.read(), answer.headers.get("X-Index", "-1")

    def browse(address: str) -> None:
        opened.append(address)
        try:
            index = "-1"
            for i in range(4):
                data, index = ask(f"frame?after={index}")
                seen.append(data)
                if i == 1:
                    ask("key/s", "POST")
            ask("key/q", "POST")
        except BaseException as error:
            problems.append(error)
            raise

    monkeypatch.setattr("webbrowser.open", browse)
    path = film(tmp_path / "me.avi", 60)
    options = ["--background", "#00ff00", "--snapshots", tmp_path / "kept"]
    result = run("--camera", path, "--page", *options)
    assert result.exit_code == 0 and not problems, result.output
    assert opened[0] + "\n" == result.stdout and "latency" in result.stderr
    assert "q quits" in result.stderr
    last = cv2.imdecode(np.frombuffer(seen[-1], np.uint8), cv2.IMREAD_COLOR)
    assert last.shape == (160, 192, 3) and last[5, 186, 1] > 240 > 40 > last[5, 186, 0]
    (kept,) = (tmp_path / "kept").glob("*.png")
    assert read_image(kept).shape == (160, 192, 3) and f"saved {kept}" in result.stderr
    assert "easyportrait-" in kept.name


def test_a_film_that_ends_ends_it(tmp_path: Path, headless: None) -> None:
    path = film(tmp_path / "me.avi", 0.4)
    result = run("--camera", path, "--page", "--no-open", "--anonymize", "blur")
    assert result.exit_code == 0 and "0 frames shown" in result.stderr


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (["--anonymize", "blur"], "--page shows the picture in a browser"),
        (["--page"], "name an effect"),
        (["--page", "--background", "remove"], "no transparency.*#00ff00"),
        (["--page", "--anonymize", "blur", "--size", "big"], "written like 1280x720, got 'big'"),
        (["--page", "--anonymize", "blur", "--camera", "me.mp4"], "no camera and no video file"),
        (["--page", "--anonymize", "blur", "--camera", "4321"], "no camera 4321"),
        (["--page", "--anonymize", "sparkle"], "sparkle"),
    ],
    ids=["display", "effect", "transparency", "size", "file", "number", "knob"],
)
@pytest.mark.skipif(sys.platform != "linux", reason="other desktops are always there")
def test_what_cannot_be_is_said(
    args: list[str], told: str, headless: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    before = threading.active_count()
    error = run(*args).exception
    assert isinstance(error, EasyPortraitError) and error.exit_status == 3
    with pytest.raises(EasyPortraitError, match=told):
        raise error
    assert threading.active_count() <= before  # the page is gone


@pytest.mark.parametrize("mirror", [True, False])
def test_left_stays_the_viewers_left(mirror: bool) -> None:
    """In a mirror the other eye is on the left, and the net calls it the left one."""
    with Camera([demo_image()], mirror=mirror, looks=2) as camera:
        (shown,) = camera.frames()
    assert shown.parsing is not None
    (face,) = shown.parsing.faces
    left, right = face.parts["left_eye"].centre[0], face.parts["right_eye"].centre[0]
    assert left < right
    middle = (left + right) / 2
    assert (middle > 256) == mirror  # she sits a little to the left of the picture's middle
