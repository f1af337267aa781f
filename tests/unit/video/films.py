"""Small videos made on the spot."""

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

Paint = Callable[[int], np.ndarray]
TICK = Fraction(1, 12800)
UNEVEN = [Fraction(ms, 1000) for ms in (0, 40, 110, 120, 200, 333, 400, 500, 520, 700)]


def grey(index: int) -> np.ndarray:
    """A picture that tells its index by its brightness."""
    return np.full((120, 160, 3), 20 + 8 * index, np.uint8)


def index_of(image: np.ndarray) -> int:
    return round((float(np.median(image[..., :3])) - 20) / 8)


def corners(_: int = 0) -> np.ndarray:
    """Red, green / blue, white."""
    image = np.zeros((120, 160, 3), np.uint8)
    image[:60, :80, 0] = image[:60, 80:, 1] = image[60:, :80, 2] = 255
    image[60:, 80:] = 255
    return image


def film(
    path: Path,
    *,
    count: int = 10,
    times: Sequence[Fraction] | None = None,
    tick: Fraction = TICK,
    paint: Paint = grey,
    codec: str = "libx264",
    pixels: str = "yuv420p",
    sound: str | None = "aac",
    rotation: int | None = None,
    tags: dict[str, Any] | None = None,
    options: dict[str, str] | None = None,
    metadata: dict[str, str] | None = None,
) -> Path:
    """A video at 25 frames a second, or at `times`, with a tone of 440 Hz."""
    times = times or [Fraction(i, 25) for i in range(count)]
    height, width = paint(0).shape[:2]
    with av.open(str(path), "w", container_options=options or {}) as out:
        out.metadata.update(metadata or {})
        stream = out.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = width, height, pixels
        stream.codec_context.time_base = tick
        for name, value in (tags or {}).items():
            setattr(stream.codec_context, name, value)
        if rotation is not None:
            stream.set_display_rotation(rotation)
        tone = out.add_stream(sound, rate=48000, layout="mono") if sound else None
        for i, time in enumerate(times):
            image = paint(i)
            frame = av.VideoFrame.from_ndarray(image, "rgba" if image.shape[2] == 4 else "rgb24")
            frame.pts, frame.time_base = round(time / tick), tick
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
        if tone is not None:
            hum(out, tone, float(times[-1]) + 0.04)
    return path


def hum(out: Any, stream: Any, seconds: float) -> None:
    wave = 8000 * np.sin(np.arange(int(48000 * seconds)) * 2 * np.pi * 440 / 48000)
    for at in range(0, len(wave), 960):
        frame = av.AudioFrame.from_ndarray(
            wave[None, at : at + 960].astype(np.int16), "s16", "mono"
        )
        frame.sample_rate, frame.pts, frame.time_base = 48000, at, Fraction(1, 48000)
        out.mux(stream.encode(frame))
    out.mux(stream.encode(None))


def packets(path: Path) -> list[tuple[Fraction, bytes]]:
    """Times and bytes of its sound."""
    with av.open(str(path)) as file:
        found = file.demux(file.streams.audio[0])
        return [(p.pts * p.time_base, bytes(p)) for p in found if p.size]


def times_of(path: Path) -> list[Fraction]:
    with av.open(str(path)) as file:
        return [f.pts * f.time_base for f in file.decode(video=0)]


def coded(path: Path) -> tuple[str, str, int, int]:
    """Codec, pixels, width and height as they lie in the file."""
    with av.open(str(path)) as file:
        stream = file.streams.video[0]
        return stream.codec.canonical_name, stream.pix_fmt, stream.width, stream.height
