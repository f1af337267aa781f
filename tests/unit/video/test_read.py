import builtins
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image as Pil

from easyportrait.errors import ImageTooLarge, MissingExtra, VideoUnreadable
from easyportrait.image.io import write_image
from easyportrait.video.read import ebml_number, promised, read_video

from .films import UNEVEN, corners, film, grey, index_of


def test_frames_come_in_order_with_their_times(tmp_path: Path) -> None:
    with read_video(film(tmp_path / "a.mp4", times=UNEVEN)) as video:
        frames = list(video)
        assert (video.info.width, video.info.height, video.info.count) == (160, 120, 10)
    assert [f.time for f in frames] == [round(t * 12800) * Fraction(1, 12800) for t in UNEVEN]
    assert [index_of(f.image) for f in frames] == [f.index for f in frames] == list(range(10))


@pytest.mark.parametrize("rotation", [90, 180, -90])
def test_what_was_filmed_on_its_side_is_upright(tmp_path: Path, rotation: int) -> None:
    path = film(tmp_path / "a.mov", count=2, paint=corners, rotation=rotation, sound=None)
    with read_video(path) as video:
        image = next(iter(video)).image
    expected = np.rot90(corners(), rotation // 90)  # both counter-clockwise
    assert image.shape == expected.shape
    assert np.abs(image.astype(int) - expected)[10:-10:20, 10:-10:20].max() <= 3


@pytest.mark.parametrize(
    ("pixels", "tags"),
    [
        ("yuv420p", {"colorspace": 1, "color_range": 1}),
        ("yuv420p", {"colorspace": 5, "color_range": 1}),
        ("yuvj420p", {"colorspace": 5, "color_range": 2}),
        ("yuv420p10le", {"colorspace": 9, "color_range": 1}),
    ],
)
def test_a_colour_comes_out_as_its_video_means_it(
    tmp_path: Path, pixels: str, tags: dict[str, Any]
) -> None:
    colour = (200, 80, 40)
    path, tick = tmp_path / "a.mp4", Fraction(1, 25)
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 64, pixels
        for name, value in tags.items():
            setattr(stream.codec_context, name, value)
        picture = av.VideoFrame.from_ndarray(np.full((64, 64, 3), colour, np.uint8), "rgb24")
        frame = picture.reformat(
            format=pixels,
            dst_colorspace=tags["colorspace"],
            src_color_range=2,
            dst_color_range=tags["color_range"],
        )
        frame.pts, frame.time_base = 0, tick
        out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    with read_video(path) as video:
        got = next(iter(video)).image[32, 32]
        assert video.info.bits == (10 if "10" in pixels else 8)
    assert np.abs(got.astype(int) - colour).max() <= 4


def test_a_transparent_video_lies_on_white(tmp_path: Path) -> None:
    half = np.zeros((120, 160, 4), np.uint8)
    half[:, :80] = (255, 0, 0, 255)
    path = film(
        tmp_path / "a.mov",
        count=1,
        paint=lambda _: half,
        codec="prores_ks",
        pixels="yuva444p10le",
        sound=None,
    )
    with read_video(path) as video:
        image = next(iter(video)).image
    assert np.abs(image[60, 40].astype(int) - (255, 0, 0)).max() < 8
    assert (image[60, 120] > 250).all()


def noisy(index: int) -> np.ndarray:
    return np.random.default_rng(index).integers(0, 255, (120, 160, 3)).astype(np.uint8)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts"])
def test_damage_in_the_middle_is_an_error_and_says_where(tmp_path: Path, suffix: str) -> None:
    path = film(tmp_path / f"a{suffix}", count=20, paint=noisy)
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 4000] = bytes(4000)
    path.write_bytes(data)
    with read_video(path) as video, pytest.raises(VideoUnreadable, match=r"damaged at 0\.\d\d s"):
        list(video)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".webm"])
def test_a_file_that_is_cut_short_is_refused_at_once(tmp_path: Path, suffix: str) -> None:
    path = film(
        tmp_path / f"a{suffix}",
        paint=noisy,
        codec="libvpx-vp9" if suffix == ".webm" else "libx264",
        sound="libopus" if suffix == ".webm" else "aac",
        options={"movflags": "+faststart"} if suffix == ".mp4" else None,
    )
    path.write_bytes(path.read_bytes()[:-20000])
    with pytest.raises(VideoUnreadable, match="cut short: 20,000 bytes are missing"):
        read_video(path)


def test_a_live_recording_without_a_length_is_not_cut_short(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mkv", options={"live": "1"})
    assert promised(path) == 0
    with read_video(path) as video:
        assert len(list(video)) == 10


def test_ebml_numbers() -> None:
    assert ebml_number(b"\x81", 0) == (1, 1)
    assert ebml_number(b"x\x40\x02", 1) == (2, 3)
    assert ebml_number(b"\x01" + b"\xff" * 7, 0) == (0, 8)  # unknown
    assert ebml_number(b"", 0) == (0, 0)


def nothing(path: Path) -> None:
    pass


def empty(path: Path) -> None:
    path.write_bytes(b"")


def text(path: Path) -> None:
    path.write_text("hello")


def playlist(path: Path) -> None:
    path.write_text("#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n/etc/hostname\n#EXT-X-ENDLIST\n")


def picture(path: Path) -> None:
    Pil.fromarray(grey(0)).save(path, "PNG")


def song(path: Path) -> None:
    with av.open(str(path), "w", format="mp3") as out:
        stream = out.add_stream("libmp3lame", rate=48000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 9600), np.int16), "s16", "mono")
        frame.sample_rate = 48000
        out.mux(stream.encode(frame))
        out.mux(stream.encode(None))


def frameless(path: Path) -> None:
    path.write_bytes(b"YUV4MPEG2 W64 H64 F25:1 Ip A1:1 C420\n")


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (nothing, "does not exist"),
        (empty, "is empty"),
        (text, "not a video of a known format"),
        (playlist, "not a video of a known format"),
        (picture, "is a picture, not a video; `easyportrait apply` takes it"),
        (song, "has no video in it, only audio"),
        (frameless, "holds no frames"),
        (Path.mkdir, "is a folder"),
    ],
)
def test_what_is_no_video_is_named_with_the_reason(tmp_path: Path, make: Any, reason: str) -> None:
    path = tmp_path / "clip.mp4"
    make(path)
    with pytest.raises(VideoUnreadable, match=reason) as caught:
        read_video(path)
    assert str(path) in str(caught.value)


def test_a_picture_by_its_own_name_is_named_so(tmp_path: Path) -> None:
    write_image(tmp_path / "a.png", grey(0))
    with pytest.raises(VideoUnreadable, match="is a picture"):
        read_video(tmp_path / "a.png")


def test_the_number_of_pixels_is_limited(tmp_path: Path) -> None:
    with pytest.raises(ImageTooLarge, match="160 x 120"):
        read_video(film(tmp_path / "a.mp4", count=1), max_pixels=160 * 120 - 1)


def test_frames_of_an_avi_keep_their_distances(tmp_path: Path) -> None:
    """AVI has no times of showing; with B-frames, those that FFmpeg makes up are wrong."""
    path = film(tmp_path / "a.avi", tick=Fraction(1, 25), sound="libmp3lame")
    with read_video(path) as video:
        frames = list(video)
    assert [index_of(frame.image) for frame in frames] == list(range(10))
    assert [frame.time for frame in frames] == [Fraction(i, 25) for i in range(10)]


def test_without_pyav_it_says_how_to_get_it(tmp_path: Path, monkeypatch: Any) -> None:
    ordinary = builtins.__import__

    def without(name: str, *args: Any, **more: Any) -> Any:
        if name == "av":
            raise ImportError(name)
        return ordinary(name, *args, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingExtra, match=r"easyportrait\[video\]"):
        read_video(tmp_path / "a.mp4")
