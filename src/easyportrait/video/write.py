"""Videos out: whole or not at all, with the times of their frames, sound and subtitles.

.mp4 .m4v .mov .mkv   H.264, which plays everywhere, in 4:2:0
.webm                 VP9
.mov, transparent     ProRes 4444 with straight alpha, for editing
.webm, transparent    VP9 with alpha, for browsers
a folder              a PNG for each frame, and frames.jsonl with their times
"""

import json
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np

from ..errors import BadInput, BadKnob, OutputUnwritable, ShapeMismatch
from ..image.io import Image, encode, written
from .pyav import BICUBIC, BT709, FULL, LIMITED, RGB, SMPTE170M, accurately, load_pyav
from .read import VideoInfo
from .sound import Companions

CONTAINERS = {
    ".mp4": "mp4",
    ".m4v": "mp4",
    ".mov": "mov",
    ".mkv": "matroska",
    ".webm": "webm",
}
TRANSPARENT = (".mov", ".webm")
PLACE = "location"  # where it was filmed, as phones write it
OWN = ("major_brand", "minor_version", "compatible_brands", "encoder")  # of the file, not the film
TICKS = Fraction(1, 1_000_000)  # finer ones than this no encoder takes


@dataclass(frozen=True, slots=True)
class Coding:
    """How frames become a stream.

    Attributes:
        codec, pixels: FFmpeg's names.
        options: of the encoder.
        crf: its quality if none is wished for: lower is better and larger; None if it has none.
        even: whether width and height must be.
    """

    codec: str
    pixels: str
    options: dict[str, str]
    crf: int | None
    highest: int = 0
    even: bool = False


# twice as fast as "fast", for about the same size; the net and the effects need the cores
H264 = Coding("libx264", "yuv420p", {"preset": "veryfast"}, 18, 51, even=True)
VP9_OPTIONS = {"b": "0", "deadline": "good", "cpu-used": "4", "row-mt": "1"}
VP9 = Coding("libvpx-vp9", "yuv420p", VP9_OPTIONS, 24, 63)
VP9_ALPHA = Coding("libvpx-vp9", "yuva420p", VP9_OPTIONS | {"auto-alt-ref": "0"}, 24, 63)
PRORES = Coding("prores_ks", "yuva444p10le", {"profile": "4444", "vendor": "apl0"}, None)


def coding_for(path: Path, transparent: bool) -> Coding:
    if path.suffix.lower() == ".webm":
        return VP9_ALPHA if transparent else VP9
    return PRORES if transparent else H264


def is_folder(path: Path) -> bool:
    """Whether an output means a folder of pictures."""
    return path.is_dir() or not path.suffix


def check_target(
    path: Path, *, transparent: bool = False, crf: int | None = None, force: bool = False
) -> None:
    """Whether a video could be written there, as far as can be told beforehand.

    Raises:
        BadInput: the suffix is none of ours or cannot hold transparency, or something is
            there already and may not be replaced.
        BadKnob: `crf` is not what the encoder takes.
    """
    if is_folder(path):
        if path.is_dir() and any(path.iterdir()):
            raise BadInput(f"{path} is a folder with files in it; name a new or empty one")
        if crf is not None:
            raise BadKnob("crf is for video files; pictures in a folder lose nothing")
        return
    if path.suffix.lower() not in CONTAINERS:
        raise BadInput(
            f"videos are written as {', '.join(CONTAINERS)}, or as a folder of pictures "
            f"(a name without a suffix), not {path.suffix!r}"
        )
    if transparent and path.suffix.lower() not in TRANSPARENT:
        raise BadInput(
            f"{path}: {path.suffix} has no transparency; write .mov (ProRes 4444), "
            ".webm (VP9) or a folder of pictures"
        )
    coding = coding_for(path, transparent)
    if crf is not None and coding.crf is None:
        raise BadKnob(f"crf is for H.264 and VP9; {coding.codec} takes none")
    if crf is not None and not 0 <= crf <= coding.highest:
        raise BadKnob(f"crf is 0 (best) to {coding.highest}, got {crf}")
    if path.exists() and not force:
        raise BadInput(f"{path} is there already; --force (force=True) replaces it")


class Writer(Protocol):
    """Takes frames in order."""

    notes: list[str]

    def prepare(self, image: Image) -> Any:
        """The costly part of a frame, which other threads may do beforehand."""
        ...

    def write(self, prepared: Any, time: Fraction | float, duration: Fraction | float = 0) -> None:
        """Append a frame.

        Args:
            prepared: what `prepare` gave, or (H, W, 3 or 4) uint8.
            time, duration: in seconds; times grow.
        """
        ...


@contextmanager
def write_video(
    path: Path | str,
    info: VideoInfo,
    *,
    transparent: bool = False,
    crf: int | None = None,
    sound: Path | str | None = None,
    keep_location: bool = False,
    comment: str = "",
    force: bool = False,
) -> Iterator[Writer]:
    """A video that appears under `path` whole, or not at all.

    Args:
        path: its suffix chooses the kind, as drawn above.
        info: size, rate, ticks and colours; `Video.info` of another, or one made by hand.
        transparent: whether frames are RGBA.
        crf: quality, lower is better and larger: 18 for H.264 and 24 for VP9 without it.
        sound: the video whose sound and subtitles go along.
        keep_location: keep where it was filmed, if `info` says so.
        comment: written into the file where `info` has no comment.
        force: replace a file that is there.

    Raises:
        MissingExtra: PyAV is not installed.
        BadInput, BadKnob: as `check_target`.
        VideoUnreadable: `sound` is no video.
        OutputUnwritable: it cannot be written, or nothing was.
    """
    path = Path(path)
    check_target(path, transparent=transparent, crf=crf, force=force)
    if is_folder(path):
        with written_folder(path) as folder:
            yield PictureWriter(folder, info)
        return
    av = load_pyav()
    with written(path) as file:
        writer = None
        try:
            writer = FileWriter(av, Path(file.name), path, info, transparent, crf)
            writer.describe(keep_location, comment)
            if sound is not None:
                writer.take_sound_of(Path(sound))
            yield writer
            writer.finish()
        except av.FFmpegError as error:
            if isinstance(error, OSError):  # `written` says it
                raise
            raise OutputUnwritable(f"{path} cannot be encoded: {error}") from error
        finally:
            if writer is not None:
                writer.close()


class FileWriter:
    """Frames into a video file; `write_video` makes one."""

    def __init__(
        self, av: Any, part: Path, path: Path, info: VideoInfo, transparent: bool, crf: int | None
    ) -> None:
        self._av, self._path, self._info = av, path, info
        self._coding = coding = coding_for(path, transparent)
        self._size = info.height, info.width
        self._channels = 4 if transparent else 3
        self.notes: list[str] = []
        kind = CONTAINERS[path.suffix.lower()]
        options = {"movflags": "+faststart"} if kind in ("mp4", "mov") else {}
        self._container = av.open(str(part), "w", format=kind, container_options=options)
        quality = coding.crf if crf is None else crf
        more = {} if quality is None else {"crf": str(quality)}
        rate = info.rate.limit_denominator(1001 * 60)
        self._stream = self._container.add_stream(
            coding.codec, rate=rate, options={**coding.options, **more}
        )
        self._tick = max(info.tick, TICKS)
        self._set_up(self._stream.codec_context)
        self._companions: Companions | None = None
        self._ticks_of: dict[int, int] = {}  # durations of frames inside the encoder
        self._last: int | None = None

    def _set_up(self, context: Any) -> None:
        info, colours = self._info, self._info.colours
        odd = self._coding.even and (info.width % 2 or info.height % 2)
        context.width = info.width + (info.width % 2 if odd else 0)
        context.height = info.height + (info.height % 2 if odd else 0)
        if odd:
            self.notes.append(
                f"H.264 takes even sizes only: {info.width} x {info.height} became "
                f"{context.width} x {context.height} by repeating the last row or column"
            )
        context.pix_fmt = self._coding.pixels
        context.time_base = self._tick
        context.sample_aspect_ratio = info.aspect
        self._tags = {
            "colorspace": self._matrix_tag(),
            "color_range": colours.span or LIMITED,
            "color_primaries": colours.primaries,
            "color_trc": colours.transfer,
        }
        for name, value in self._tags.items():
            setattr(context, name, value)

    def _matrix_tag(self) -> int:
        """As the source says; where it is RGB, what we make of it."""
        info = self._info
        if info.colours.matrix != RGB:
            return info.colours.matrix
        return BT709 if info.colours.matrix_at(info.width, info.height) == 1 else SMPTE170M

    def describe(self, keep_location: bool, comment: str) -> None:
        kept = {
            key: value
            for key, value in self._info.metadata.items()
            if key.lower() not in OWN and (keep_location or PLACE not in key.lower())
        }
        self._container.metadata.update({"comment": comment, **kept} if comment else kept)
        if "yuva" in self._coding.pixels and self._path.suffix.lower() == ".webm":
            self._stream.metadata["alpha_mode"] = "1"

    def take_sound_of(self, source: Path) -> None:
        self._companions = Companions(self._av, source, self._container)
        self.notes += self._companions.notes

    def prepare(self, image: Image) -> Any:
        """(H, W, 3 or 4) uint8 -> a frame in the encoder's pixels. Raises: ShapeMismatch."""
        if image.shape != (*self._size, self._channels) or image.dtype != np.uint8:
            raise ShapeMismatch(
                f"frames are {(*self._size, self._channels)} uint8, got {image.shape} {image.dtype}"
            )
        context, (height, width) = self._stream.codec_context, self._size
        below, right = context.height - height, context.width - width
        if below or right:
            image = cv2.copyMakeBorder(image, 0, below, 0, right, cv2.BORDER_REPLICATE)
        plain = "rgba" if self._channels == 4 else "rgb24"
        frame = self._av.VideoFrame.from_ndarray(np.ascontiguousarray(image), plain)
        frame = frame.reformat(
            format=self._coding.pixels,
            dst_colorspace=self._info.colours.matrix_at(width, height),
            src_color_range=FULL,
            dst_color_range=self._info.colours.span or LIMITED,
            **accurately(BICUBIC),
        )
        for name, value in self._tags.items():
            setattr(frame, name, value)
        return frame

    def write(self, prepared: Any, time: Fraction | float, duration: Fraction | float = 0) -> None:
        frame = self.prepare(prepared) if isinstance(prepared, np.ndarray) else prepared
        pts = round(Fraction(time) / self._tick)
        pts = pts if self._last is None else max(pts, self._last + 1)
        self._last = pts
        frame.pts, frame.time_base = pts, self._tick
        self._ticks_of[pts] = round(Fraction(duration) / self._tick)
        self._pass_on(self._stream.encode(frame))

    def _pass_on(self, packets: list[Any]) -> None:
        for packet in packets:
            packet.duration = self._ticks_of.pop(packet.pts, 0) or packet.duration
            if self._companions is not None:
                self._companions.until(packet.dts * packet.time_base)
            self._container.mux(packet)

    def finish(self) -> None:
        """Raises: OutputUnwritable: no frame was written."""
        if self._last is None:
            raise OutputUnwritable(f"{self._path}: no frames were written")
        self._pass_on(self._stream.encode(None))
        if self._companions is not None:
            self._companions.until(None)
        self._container.close()

    def close(self) -> None:
        if self._companions is not None:
            self._companions.close()
        with suppress(Exception):  # after a failure, which is what is to be told
            self._container.close()


class PictureWriter:
    """Frames into a folder: 000001.png and so on, and frames.jsonl with their times."""

    def __init__(self, folder: Path, info: VideoInfo) -> None:
        self._folder, self._size, self._count = folder, (info.height, info.width), 0
        self.notes = ["pictures have no sound; frames.jsonl says when each is shown"]

    def prepare(self, image: Image) -> bytes:
        if image.shape[:2] != self._size:
            raise ShapeMismatch(f"frames are {self._size}, got {image.shape}")
        return encode(image, ".png", text={"easyportrait": "a frame"})

    def write(self, prepared: Any, time: Fraction | float, duration: Fraction | float = 0) -> None:
        data = self.prepare(prepared) if isinstance(prepared, np.ndarray) else prepared
        self._count += 1
        name = f"{self._count:06d}.png"
        (self._folder / name).write_bytes(data)
        line = {"file": name, "seconds": float(time), "duration": float(duration)}
        with (self._folder / "frames.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


@contextmanager
def written_folder(path: Path) -> Iterator[Path]:
    """A folder that appears under `path` with all that is put into it, or not at all.

    Raises:
        OutputUnwritable: it cannot be made or filled.
    """
    part = path.parent / f".{os.getpid()}-{secrets.token_hex(6)}.part"
    try:
        part.mkdir(parents=True)
        yield part
        if path.is_dir():
            path.rmdir()  # empty, or it would not have come to this
        part.replace(path)
    except OSError as error:
        raise OutputUnwritable(f"{path} cannot be written: {error.strerror or error}") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
