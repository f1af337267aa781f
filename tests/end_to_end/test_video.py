"""`easyportrait video`, run as users run it, with the net inside the package."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner, Result

from easyportrait import apply_to_video, demo_image, read_video
from easyportrait.cli.app import app
from tests.unit.video.films import coded, film, packets, times_of


def run(*args: object) -> Result:
    return CliRunner().invoke(app, ["video", *map(str, args)])


def person(index: int) -> np.ndarray:
    """Somebody who moves to the right."""
    return np.roll(cv2.resize(demo_image()[:384], (160, 120)), 2 * index, axis=1)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return film(tmp_path_factory.mktemp("film") / "clip.mp4", paint=person, count=8)


def test_a_face_is_hidden_in_every_frame_and_the_sound_is_kept(clip: Path, tmp_path: Path) -> None:
    result = run(clip, "-o", tmp_path / "o.mp4", "--anonymize", "blur", "--crf", 10, "--looks", 1)
    assert result.exit_code == 0, result.output
    assert "8 frames" in result.output and result.stdout == ""
    assert times_of(tmp_path / "o.mp4") == times_of(clip)
    assert packets(tmp_path / "o.mp4") == packets(clip)
    with read_video(clip) as before, read_video(tmp_path / "o.mp4") as after:
        for a, b in zip(before, after, strict=True):
            changed = np.abs(a.image.astype(int) - b.image).max(2)
            left = 2 * a.index
            assert changed[20:50, 60 + left : 80 + left].mean() > 8  # the face
            assert changed[90:].mean() < 4


def test_a_removed_background_is_transparent(clip: Path, tmp_path: Path) -> None:
    options = ["--background", "remove", "--every", 4, "--looks", 1]
    result = run(clip, "-o", tmp_path / "o.mov", *options)
    assert result.exit_code == 0, result.output
    assert coded(tmp_path / "o.mov")[:2] == ("prores", "yuva444p12le")
    with read_video(tmp_path / "o.mov") as video:
        first = next(iter(video)).image
    assert (first[5, 5] > 250).all()  # white, where nothing is
    assert first[100, 80].min() < 200  # she is there


def test_a_video_behind_her(clip: Path, tmp_path: Path) -> None:
    green = np.zeros((60, 60, 3), np.uint8)
    green[..., 1] = 200
    behind = film(tmp_path / "green.webm", codec="libvpx-vp9", paint=lambda _: green, sound=None)
    result = run(clip, "-o", tmp_path / "o.mkv", "--background", behind, "--looks", 1)
    assert result.exit_code == 0, result.output
    with read_video(tmp_path / "o.mkv") as video:
        for frame in video:
            assert np.abs(frame.image[5, 5].astype(int) - (0, 200, 0)).max() < 12


@pytest.mark.parametrize(
    ("name", "args", "status", "message"),
    [
        ("o.mp4", [], 3, "name an effect: --background"),
        ("o.mp4", ["--background", "remove"], 3, "no transparency; write .mov"),
        ("o.avi", ["--anonymize", "blur"], 3, "not '.avi'"),
        ("there.mp4", ["--anonymize", "blur"], 3, "is there already; --force"),
        ("o.mp4", ["--anonymize", "blur", "--every", "0"], 2, "--every"),
    ],
)
def test_a_wrong_wish_is_said_and_writes_nothing(
    clip: Path, tmp_path: Path, name: str, args: list[str], status: int, message: str
) -> None:
    (tmp_path / "there.mp4").write_bytes(b"x")
    result = run(clip, "-o", tmp_path / name, *args)
    assert getattr(result.exception, "exit_status", result.exit_code) == status
    said = str(result.exception) if status == 3 else result.output
    assert message in said.replace("\n", " ")
    assert [p.name for p in tmp_path.iterdir()] == ["there.mp4"]


def test_a_picture_is_sent_to_apply(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.jpg"), person(0))
    result = run(tmp_path / "a.jpg", "-o", tmp_path / "o.mp4", "--anonymize", "blur")
    assert "is a picture, not a video" in str(result.exception)


@pytest.mark.skipif(sys.platform == "win32", reason="signals of Unix")
@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_stopped_in_the_middle_it_leaves_nothing(tmp_path: Path, sign: signal.Signals) -> None:
    source = film(tmp_path / "a.mp4", paint=person, count=1000)
    out = tmp_path / "out"
    out.mkdir()
    command = [sys.executable, "-m", "easyportrait", "video", str(source)]
    job = subprocess.Popen(
        [*command, "-o", str(out / "o.mp4"), "--anonymize", "blur"],
        stderr=subprocess.PIPE,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    until = time.monotonic() + 60
    while not any(out.iterdir()) and time.monotonic() < until:
        time.sleep(0.02)
    assert [p.suffix for p in out.iterdir()] == [".part"]  # it is at it
    time.sleep(0.1)
    job.send_signal(sign)
    _, said = job.communicate(timeout=60)
    assert job.returncode != 0 and b"Traceback" not in said
    assert list(out.iterdir()) == []


def test_python_does_the_same(clip: Path, tmp_path: Path) -> None:
    done = apply_to_video(clip, tmp_path / "o.mp4", anonymize="pixelate", looks=1, every=8)
    assert (done.frames, done.looked) == (8, 1)
    with pytest.raises(Exception, match="there already"):
        apply_to_video(clip, tmp_path / "o.mp4", anonymize="pixelate")
