import errno
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from easyportrait.errors import BadInput, BadKnob, OutputUnwritable, ShapeMismatch
from easyportrait.video.pyav import Colours
from easyportrait.video.read import VideoInfo, read_video
from easyportrait.video.write import check_target, write_video

from .films import UNEVEN, coded, corners, film, grey, index_of, packets, times_of

INFO = VideoInfo(width=160, height=120, rate=Fraction(25))


def write(path: Path, info: VideoInfo = INFO, count: int = 10, **more: Any) -> Path:
    with write_video(path, info, **more) as out:
        for i in range(count):
            out.write(grey(i), Fraction(i, 25))
    return path


@pytest.mark.parametrize(
    ("name", "codec"),
    [("a.mp4", "h264"), ("a.mov", "h264"), ("a.mkv", "h264"), ("a.webm", "vp9")],
)
def test_frames_come_back_in_order(tmp_path: Path, name: str, codec: str) -> None:
    path = write(tmp_path / "new" / name)
    assert coded(path) == (codec, "yuv420p", 160, 120)
    with read_video(path) as video:
        assert [index_of(frame.image) for frame in video] == list(range(10))
    assert times_of(path) == [Fraction(i, 25) for i in range(10)]
    assert [p.name for p in path.parent.iterdir()] == [name]


@pytest.mark.parametrize("name", ["a.mp4", "a.mov", "a.mkv"])
def test_uneven_times_are_kept_and_how_long_the_last_is_shown(tmp_path: Path, name: str) -> None:
    info = VideoInfo(width=160, height=120, tick=Fraction(1, 1000))
    with write_video(tmp_path / name, info) as out:
        for i, time in enumerate(UNEVEN):
            out.write(grey(i), time, Fraction(300, 1000) if i == 9 else 0)
    assert times_of(tmp_path / name) == UNEVEN
    if name == "a.mkv":  # FFmpeg's reader of the others does not tell
        with av.open(str(tmp_path / name)) as file:
            assert abs(file.duration / 1e6 - 1.0) < 0.002


@pytest.mark.parametrize(
    ("name", "pixels"), [("a.mov", ("prores", "yuva444p12le")), ("a.webm", ("vp9", "yuva420p"))]
)
def test_transparency_is_kept(tmp_path: Path, name: str, pixels: tuple[str, str]) -> None:
    image = np.full((120, 160, 4), (200, 80, 40, 255), np.uint8)
    image[:, :40, 3], image[:, 40:80, 3] = 0, 128
    with write_video(tmp_path / name, INFO, transparent=True) as out:
        for i in range(3):
            out.write(image, Fraction(i, 25))
    with av.open(str(tmp_path / name)) as file:
        stream = file.streams.video[0]
        codec = stream.codec.canonical_name
        reader = av.CodecContext.create("libvpx-vp9", "r") if codec == "vp9" else stream
        frames = [f for packet in file.demux(stream) for f in reader.decode(packet)]
    assert len(frames) == 3 and (codec, frames[0].format.name) == pixels
    back = frames[1].to_ndarray(format="rgba").astype(int)
    assert np.abs(back[..., 3] - image[..., 3])[:, 4::8].max() <= 6
    assert np.abs(back[60, 120, :3] - (200, 80, 40)).max() <= 6


@pytest.mark.parametrize(
    ("name", "size"), [("a.mp4", (162, 122)), ("a.webm", (161, 121)), ("a.mov", (162, 122))]
)
def test_odd_sizes(tmp_path: Path, name: str, size: tuple[int, int]) -> None:
    info = VideoInfo(width=161, height=121, rate=Fraction(25))
    with write_video(tmp_path / name, info) as out:
        out.write(np.full((121, 161, 3), 200, np.uint8), 0)
        notes = out.notes
    assert coded(tmp_path / name)[2:] == size
    assert ("161 x 121 became 162 x 122" in "".join(notes)) == (size == (162, 122))
    with read_video(tmp_path / name) as video:
        assert next(iter(video)).image.min() > 190  # no black line


@pytest.mark.parametrize(
    "colours",
    [Colours(1, 1, 1, 1), Colours(6, 2, 6, 6), Colours(9, 1, 9, 16), Colours(2, 1, 2, 2)],
)
def test_what_a_video_says_of_its_colours_is_kept_and_true(
    tmp_path: Path, colours: Colours
) -> None:
    info = VideoInfo(width=160, height=120, colours=colours)
    with write_video(tmp_path / "a.mp4", info, crf=4) as out:
        out.write(corners(), 0)
    with read_video(tmp_path / "a.mp4") as video:
        got = video.info.colours
        # limited is what silence means
        assert replace(got, span=got.span or 1) == colours
        image = next(iter(video)).image
    assert np.abs(image.astype(int) - corners())[10:-10:20, 10:-10:20].max() <= 5


def test_rgb_in_becomes_tagged_yuv(tmp_path: Path) -> None:
    info = VideoInfo(width=160, height=120, colours=Colours(matrix=0, span=2))
    write(tmp_path / "a.mp4", info)
    with read_video(tmp_path / "a.mp4") as video:
        assert video.info.colours.matrix == 6


def test_many_turns_do_not_darken(tmp_path: Path) -> None:
    image = np.full((120, 160, 3), (180, 120, 90), np.uint8)
    for turn in range(5):
        path = tmp_path / f"{turn}.mp4"
        with write_video(path, INFO, crf=8) as out:
            out.write(image, 0)
        with read_video(path) as video:
            image = next(iter(video)).image
    assert np.abs(image[60, 80].astype(int) - (180, 120, 90)).max() <= 2


def test_a_lower_crf_is_larger(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (120, 160, 3)).astype(np.uint8)
    sizes = []
    for crf in (10, 40):
        with write_video(tmp_path / f"{crf}.mp4", INFO, crf=crf) as out:
            out.write(noise, 0)
        sizes.append((tmp_path / f"{crf}.mp4").stat().st_size)
    assert sizes[0] > 2 * sizes[1]


def test_a_folder_gets_pictures_and_their_times(tmp_path: Path) -> None:
    write(tmp_path / "frames", count=3)
    names = sorted(p.name for p in (tmp_path / "frames").iterdir())
    assert names == ["000001.png", "000002.png", "000003.png", "frames.jsonl"]
    line = (tmp_path / "frames" / "frames.jsonl").read_text().splitlines()[1]
    assert line == '{"file": "000002.png", "seconds": 0.04, "duration": 0.0}'
    assert [p.name for p in tmp_path.iterdir()] == ["frames"]


@pytest.mark.parametrize("name", ["a.mp4", "frames"])
def test_after_an_error_nothing_stays(tmp_path: Path, name: str) -> None:
    def fail() -> None:
        with write_video(tmp_path / name, INFO) as out:
            out.write(grey(0), 0)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_disk_is_said(tmp_path: Path) -> None:
    full = tmp_path / "a.mkv"
    full.symlink_to("/dev/full")
    with pytest.raises(OutputUnwritable, match=r"a\.mkv cannot be written: No space left"):
        write(full, force=True)


def test_a_failing_encoder_leaves_nothing(tmp_path: Path, monkeypatch: Any) -> None:
    from easyportrait.video import write as module

    def full(self: Any, packets: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(module.FileWriter, "_pass_on", full)
    with pytest.raises(OutputUnwritable, match="No space left"):
        write(tmp_path / "a.mp4")
    assert list(tmp_path.iterdir()) == []


def test_no_frames_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OutputUnwritable, match="no frames were written"):
        write(tmp_path / "a.mp4", count=0)
    assert list(tmp_path.iterdir()) == []


def test_a_frame_of_another_size_is_refused(tmp_path: Path) -> None:
    with (
        pytest.raises(ShapeMismatch, match=r"\(120, 160, 3\)"),
        write_video(tmp_path / "a.mp4", INFO) as out,
    ):
        out.write(np.zeros((120, 162, 3), np.uint8), 0)


@pytest.mark.parametrize(
    ("name", "more", "error", "message"),
    [
        ("a.avi", {}, BadInput, r"\.mp4, .*not '.avi'"),
        ("a.mp4", {"transparent": True}, BadInput, "no transparency; write .mov"),
        ("a.mkv", {"transparent": True}, BadInput, "no transparency"),
        ("a.mp4", {"crf": 52}, BadKnob, "0 .* to 51, got 52"),
        ("a.mov", {"crf": 20, "transparent": True}, BadKnob, "takes none"),
        ("frames", {"crf": 20}, BadKnob, "crf is for video files"),
        ("there.mp4", {}, BadInput, "is there already; --force"),
        ("full", {"force": True}, BadInput, "folder with files in it"),
    ],
)
def test_what_cannot_be_written_is_said_before(
    tmp_path: Path, name: str, more: dict[str, Any], error: Any, message: str
) -> None:
    (tmp_path / "there.mp4").write_bytes(b"x")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "a.txt").write_text("mine")
    with pytest.raises(error, match=message):
        check_target(tmp_path / name, **more)
    assert (tmp_path / "there.mp4").read_bytes() == b"x"


def test_force_replaces_at_the_end(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"x")
    with write_video(tmp_path / "a.mp4", INFO, force=True) as out:
        out.write(grey(0), 0)
        assert (tmp_path / "a.mp4").read_bytes() == b"x"
    assert len(times_of(tmp_path / "a.mp4")) == 1


# -- what goes along -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "sound", "target"),
    [
        ("a.mp4", "aac", "b.mp4"),
        ("a.mp4", "aac", "b.mov"),
        ("a.mkv", "libopus", "b.mp4"),
        ("a.mkv", "flac", "b.mkv"),
        ("a.mov", "pcm_s16le", "b.mov"),
        ("a.mkv", "libopus", "b.webm"),
    ],
)
def test_sound_is_copied_packet_by_packet(
    tmp_path: Path, source: str, sound: str, target: str
) -> None:
    before = film(tmp_path / source, sound=sound)
    after = write(tmp_path / target, sound=before)
    assert [data for _, data in packets(after)] == [data for _, data in packets(before)]
    drift = [float(b - a) for (a, _), (b, _) in zip(packets(before), packets(after), strict=True)]
    assert max(map(abs, drift)) < 0.0011  # Matroska counts in milliseconds


@pytest.mark.parametrize(
    ("sound", "target", "became"),
    [("aac", "b.webm", "opus"), ("libopus", "b.mov", "aac")],
)
def test_sound_that_does_not_fit_is_encoded_and_said(
    tmp_path: Path, sound: str, target: str, became: str
) -> None:
    before = film(tmp_path / "a.mkv", sound=sound, count=25)
    with write_video(tmp_path / target, INFO, sound=before) as out:
        for i in range(25):
            out.write(grey(i), Fraction(i, 25))
        assert f"encoded as {became}" in "".join(out.notes)
    with av.open(str(tmp_path / target)) as file:
        stream = file.streams.audio[0]
        assert stream.codec.canonical_name == became
        wave = np.concatenate([f.to_ndarray().ravel() for f in file.decode(stream)])
    assert abs(len(wave) / 48000 - 1) < 0.1
    tone = np.abs(np.fft.rfft(wave[4800:28800])).argmax() * 48000 / 24000
    assert abs(tone - 440) < 3


def test_a_place_is_left_out_unless_asked_for(tmp_path: Path) -> None:
    said = {"title": "a walk", "location": "+52.5+013.4/"}
    before = film(tmp_path / "a.mov", metadata=said)
    for keep in (False, True):
        with read_video(before) as video:
            path = write(tmp_path / f"{keep}.mov", video.info, keep_location=keep, comment="c")
        with av.open(str(path)) as file:
            assert file.metadata["title"] == "a walk" and file.metadata["comment"] == "c"
            assert any("location" in key for key in file.metadata) == keep


def test_sound_comes_from_where_frames_begin(tmp_path: Path) -> None:
    """A broadcast's clock begins anywhere; both are moved by as much."""
    before = film(tmp_path / "a.ts")
    with read_video(before) as video:
        start = video.start
        with write_video(tmp_path / "b.mkv", video.info, sound=before) as out:
            for frame in video:
                out.write(frame.image, frame.time)
    assert start > 0
    apart = [times_of(p)[0] - packets(p)[0][0] for p in (before, tmp_path / "b.mkv")]
    assert abs(float(apart[0] - apart[1])) < 0.002
