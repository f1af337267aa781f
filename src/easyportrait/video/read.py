"""Videos in: upright RGB frames with their times, one at a time.

Containers are an allow-list and only local files are opened, so that a playlist that calls
itself .mp4 cannot make anybody read other files or the network.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from ..errors import ImageTooLarge, ImageUnreadable, VideoUnreadable
from ..image.io import MAX_PIXELS, Image, picture_size
from ..image.io import SUFFIXES as PICTURES
from .pyav import BILINEAR, FULL, LIMITED, Colours, accurately, load_pyav

SUFFIXES = frozenset(
    [
        ".mp4",
        ".m4v",
        ".mov",
        ".mkv",
        ".webm",
        ".avi",
        ".ts",
        ".mts",
        ".m2ts",
        ".mpg",
        ".mpeg",
        ".3gp",
        ".flv",
        ".wmv",
        ".ogv",
        ".mxf",
        ".gif",
    ]
)
CONTAINERS = (
    "mov,mp4,3gp,matroska,webm,avi,mpegts,mpeg,mpegvideo,flv,asf,ogg,mxf,gif,apng,ivf,nut,dv,"
    "h264,hevc,yuv4mpegpipe,mp3,wav,flac,aac,aiff,ac3"  # sound alone, to say that it is
)
OPTIONS = {"format_whitelist": CONTAINERS, "protocol_whitelist": "file"}
STILL = PICTURES - {".gif"}
PICTURE = "{} is a picture, not a video; `easyportrait apply` takes it"
NO_TIMES = ("avi", "h264", "hevc")  # of showing: only of decoding
FREE_CLOCKS = ("mpegts", "mpeg")  # their times begin anywhere


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One picture of a video.

    Attributes:
        image: (H, W, 3) uint8 RGB, upright.
        time: when it is shown, in seconds, exactly.
        duration: for how long, in seconds; 0 where the video does not say.
        index: 0 for the first.
    """

    image: Image
    time: Fraction
    duration: Fraction
    index: int


@dataclass(frozen=True, slots=True, eq=False)
class Raw:
    """A decoded frame that is neither RGB nor upright yet; fields as `Frame`'s."""

    frame: Any
    time: Fraction
    duration: Fraction
    index: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoInfo:
    """What there is to know before the frames.

    Attributes:
        width, height: of the upright frames, in pixels.
        rate: frames a second, on average.
        tick: all times are multiples of it, in seconds.
        count: how many frames there are, as far as the file says; None if it does not.
        aspect: width of a pixel over its height.
        colours: what the video says of its colours.
        bits: of a channel.
        metadata: what the file says of itself, title and such.
    """

    width: int
    height: int
    rate: Fraction = Fraction(30)
    tick: Fraction = Fraction(1, 90000)
    count: int | None = None
    aspect: Fraction = Fraction(1)
    colours: Colours = field(default_factory=Colours)
    bits: int = 8
    metadata: dict[str, str] = field(default_factory=dict)


class Video:
    """An opened video. Iterating gives its frames in order, once.

    Args:
        path: a file.
        max_pixels: the most pixels that a frame may have.

    Attributes:
        info: known as soon as it is open, since the first frame is read then.

    Raises:
        MissingExtra: PyAV is not installed.
        VideoUnreadable: the file is missing, no video, damaged, or holds no frame.
        ImageTooLarge: frames have more pixels than `max_pixels`.
    """

    def __init__(self, path: Path | str, *, max_pixels: int = MAX_PIXELS) -> None:
        self.path, self._av, self._max_pixels = Path(path), load_pyav(), max_pixels
        self._container = open_container(self._av, self.path)
        try:
            self._stream = video_stream(self._container, self.path)
            self.start = start_of(self._container)
            self._check_whole()
            self._raws = self._timed()
            self._first = next(self._raws, None)
            if self._first is None:
                raise VideoUnreadable(f"{self.path} holds no frames")
            self._size: tuple[int, ...] | None = None
            image = self.upright(self._first).image
            self._size = image.shape[:2]
            self.info = self._described(image)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> "Video":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self._container.close()

    def __iter__(self) -> Iterator[Frame]:
        return map(self.upright, self.raws())

    def raws(self) -> Iterator[Raw]:
        """The frames as they are decoded, for `upright`."""
        if self._first is not None:
            first, self._first = self._first, None
            yield first
        yield from self._raws

    def upright(self, raw: Raw) -> Frame:
        """The costly part of a frame, which several threads may do for several frames."""
        image = turned(as_rgb(raw.frame, self._colours), self._turn)
        if self._size and image.shape[:2] != self._size:  # some change it midway
            height, width = self._size
            image = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
        return Frame(image, raw.time, raw.duration, raw.index)

    # -- frames ----------------------------------------------------------------------------

    def _timed(self) -> Iterator[Raw]:
        tick, in_file_order = self._stream.time_base, self._container.format.name in NO_TIMES
        step = max(1, round(1 / (rate_of(self._stream) * tick)))
        at = None
        for index, frame in enumerate(self._decoded()):
            if index == 0:
                self._taste(frame)
                late = frame.dts or 0 if in_file_order else 0
            pts = frame.dts if in_file_order else frame.pts
            pts = (0 if at is None else at + step) if pts is None else pts - late
            if at is not None and pts <= at:  # two frames at one time: no container takes that
                pts = at + 1
            at = pts
            yield Raw(frame, pts * tick - self.start, (frame.duration or 0) * tick, index)

    def _decoded(self) -> Iterator[Any]:
        """Frames as they come. Broken ones ahead of the first good one are left out: a video
        cut out of a stream begins with them."""
        at, seen = Fraction(0), 0
        try:
            for packet in self._container.demux(self._stream):
                for frame in packet.decode():
                    if frame.is_corrupt:
                        if seen:
                            raise VideoUnreadable(f"{self.path} is damaged {place(at, seen)}")
                        continue
                    seen += 1
                    at = frame.pts * self._stream.time_base if frame.pts is not None else at
                    yield frame
        except (self._av.FFmpegError, ValueError) as error:
            reason = reason_of(error)
            raise VideoUnreadable(f"{self.path} is damaged {place(at, seen)}: {reason}") from error

    def _taste(self, frame: Any) -> None:
        """What holds for all frames, from the first."""
        if frame.width * frame.height > self._max_pixels:
            raise ImageTooLarge(
                f"{self.path}: frames of {frame.width} x {frame.height} are over the limit of "
                f"{self._max_pixels / 1e6:.1f} megapixels; raise it with max_pixels (--max-pixels)"
            )
        self._turn = turn_of(frame)
        self._colours = Colours(
            frame.colorspace, frame.color_range, frame.color_primaries, frame.color_trc
        )
        if frame.format.name.startswith("yuvj"):
            self._colours = Colours(frame.colorspace, FULL, frame.color_primaries, frame.color_trc)
        self._bits = max(part.bits for part in frame.format.components)

    def _described(self, image: Image) -> VideoInfo:
        stream, height, width = self._stream, image.shape[0], image.shape[1]
        rate = rate_of(stream)
        length = stream.duration * stream.time_base if stream.duration else None
        if length is None and self._container.duration:
            length = Fraction(self._container.duration, self._av.time_base)
        aspect = stream.sample_aspect_ratio or Fraction(1)
        return VideoInfo(
            width=width,
            height=height,
            rate=rate,
            tick=stream.time_base,
            count=stream.frames or (round(length * rate) if length else None),
            aspect=1 / aspect if self._turn[0] else aspect,
            colours=self._colours,
            bits=self._bits,
            metadata=dict(self._container.metadata),
        )

    def _check_whole(self) -> None:
        """Raises: VideoUnreadable: the file ends before what its own index points to."""
        end = promised(self.path)
        if "mp4" in self._container.format.name:  # whose index is complete
            for stream in self._container.streams:
                ends = (entry.pos + entry.size for entry in stream.index_entries)
                end = max(end, max(ends, default=0))
        missing = end - self.path.stat().st_size
        if missing > 0:
            raise VideoUnreadable(
                f"{self.path} is cut short: {missing:,} bytes are missing at its end"
            )


def read_video(path: Path | str, *, max_pixels: int = MAX_PIXELS) -> Video:
    """Open a video; iterate over it for its frames. Arguments and errors as `Video`.

    A file that is damaged raises VideoUnreadable when the iteration comes to the damage.
    """
    return Video(path, max_pixels=max_pixels)


def open_container(av: Any, path: Path) -> Any:
    """Raises: VideoUnreadable: as `Video`."""
    if path.is_dir():
        raise VideoUnreadable(f"{path} is a folder, not a video")
    try:
        if path.stat().st_size == 0:
            raise VideoUnreadable(f"{path} is empty (0 bytes)")
        if path.suffix.lower() in STILL and is_picture(path):  # FFmpeg would open some
            raise VideoUnreadable(PICTURE.format(path))
        return av.open(str(path.absolute()), options=dict(OPTIONS), metadata_errors="replace")
    except FileNotFoundError as error:
        raise VideoUnreadable(f"{path} does not exist") from error
    except (av.FFmpegError, OSError) as error:
        if is_picture(path):
            raise VideoUnreadable(PICTURE.format(path)) from error
        known = "damaged, cut short, or not a video of a known format (mp4, mov, mkv, webm, ...)"
        denied = isinstance(error, PermissionError)
        why = "may not be read: permission denied" if denied else f"is {known}: {reason_of(error)}"
        raise VideoUnreadable(f"{path} {why}") from error


def is_picture(path: Path) -> bool:
    try:
        picture_size(path)
    except (ImageUnreadable, ImageTooLarge):
        return False
    return True


def video_stream(container: Any, path: Path) -> Any:
    """The first stream of moving pictures; covers of songs are none.

    Raises:
        VideoUnreadable: there is none.
    """
    for stream in container.streams.video:
        if "attached_pic" not in str(stream.disposition):
            if stream.codec_context is None:
                raise VideoUnreadable(f"{path}: there is no decoder for its video")
            stream.thread_type = "AUTO"
            return stream
    kinds = sorted({stream.type for stream in container.streams})
    only = f"only {' and '.join(kinds)}" if kinds else "nor anything else"
    raise VideoUnreadable(f"{path} has no video in it, {only}")


def promised(path: Path) -> int:
    """How long a Matroska or WebM file says it is, in bytes; 0 if it does not."""
    with path.open("rb") as file:
        head = file.read(4096)
    if not head.startswith(b"\x1a\x45\xdf\xa3"):
        return 0
    header, at = ebml_number(head, 4)
    at += header
    if head[at : at + 4] != b"\x18\x53\x80\x67":
        return 0
    size, at = ebml_number(head, at + 4)
    return at + size if size else 0


def ebml_number(data: bytes, at: int) -> tuple[int, int]:
    """A number at a place, 0 where it is said to be unknown, and the place behind it."""
    length = 9 - data[at].bit_length() if data[at : at + 1] else 9
    if length > 8:
        return 0, at
    bits = 7 * length
    number = int.from_bytes(data[at : at + length], "big") & ((1 << bits) - 1)
    return (0 if number == (1 << bits) - 1 else number), at + length


def start_of(container: Any) -> Fraction:
    """What to take off all times, in seconds: clocks of broadcasts begin anywhere."""
    if container.format.name in FREE_CLOCKS and container.start_time:
        return Fraction(container.start_time, 1_000_000)
    return Fraction(0)


def rate_of(stream: Any) -> Fraction:
    rate = stream.average_rate or stream.guessed_rate or Fraction(30)
    return rate if 0 < rate <= 1000 else Fraction(30)


def reason_of(error: BaseException) -> str:
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return str(text).splitlines()[0]


def place(at: Fraction, seen: int) -> str:
    return f"at {float(at):.2f} s, after {seen} good frames" if seen else "from its first frame on"


# -- pixels --------------------------------------------------------------------------------

Turn = tuple[bool, bool, bool]  # rows for columns, then mirror left-right, then top-bottom


def turn_of(frame: Any) -> Turn:
    """How to turn frames so that they are upright, out of the display matrix.

    Players map (x, y) to (a x + c y, b x + d y); cameras write quarter turns and mirrors.
    """
    found = frame.side_data.get("DISPLAYMATRIX")
    if found is None:
        return False, False, False
    a, b, _, c, d = np.frombuffer(bytes(found), np.int32)[:5].tolist()
    if abs(a) + abs(d) >= abs(b) + abs(c):
        return False, a < 0, d < 0
    return True, c < 0, b < 0


def turned(image: Image, turn: Turn) -> Image:
    """(H, W, C) -> upright, contiguous."""
    swap, mirror, flip = turn
    if swap:
        image = image.transpose(1, 0, 2)
    if mirror:
        image = image[:, ::-1]
    if flip:
        image = image[::-1]
    return np.ascontiguousarray(image)


def as_rgb(frame: Any, colours: Colours) -> Image:
    """(H, W, 3) uint8 RGB; transparent frames lie on white, as transparent pictures do."""
    has_alpha = any(part.is_alpha for part in frame.format.components)
    array: Image = frame.reformat(
        format="rgba" if has_alpha else "rgb24",
        src_colorspace=colours.matrix_at(frame.width, frame.height),
        src_color_range=colours.span or LIMITED,
        dst_color_range=FULL,
        **accurately(BILINEAR),
    ).to_ndarray()
    if has_alpha:
        share = array[..., 3:].astype(np.float32) / 255
        array = (255 + share * (array[..., :3] - np.float32(255)) + 0.5).astype(np.uint8)
    return array
