"""What goes along with the frames of a video: sound and subtitles, copied as they are.

They are read from the file a second time, in step with the frames that are written, so that
nothing piles up however far apart the two lie in the file.
"""

import io
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

from ..errors import VideoUnreadable
from .read import open_container, reason_of, start_of, video_stream

SPOKEN = {"webm": "libopus"}  # what sound becomes where it cannot be copied; else AAC
OPUS_RATES = (48000, 24000, 16000, 12000, 8000)


class Companions:
    """Sound and subtitles of one file on their way into another.

    Args:
        av: PyAV.
        source: a video.
        target: an opened output, with no packet in it yet. Streams are added to it.

    Attributes:
        notes: what could not be kept as it was, a line each.

    Raises:
        VideoUnreadable: the source cannot be opened, or is damaged (later).
    """

    def __init__(self, av: Any, source: Path, target: Any) -> None:
        self._av, self._target, self.notes = av, target, []
        self._source = open_container(av, source)
        self._start = start_of(self._source)
        self._ways: dict[int, Any] = {}  # stream -> its copy, or what encodes it
        self._encoded: set[int] = set()
        picture = video_stream(self._source, source)
        for stream in self._source.streams:
            if stream.type in ("audio", "subtitle"):
                self._add(stream)
            elif stream.type == "video" and stream is not picture:
                self.notes.append("a second picture (a cover, say) is left out")
        self._packets = self._read(source)
        self._next: Any = next(self._packets, None)

    def _read(self, source: Path) -> Iterator[Any]:
        streams = [self._source.streams[i] for i in self._ways]
        try:
            yield from self._source.demux(*streams) if streams else ()
        except self._av.FFmpegError as error:
            raise VideoUnreadable(
                f"{source} is damaged in its sound: {reason_of(error)}"
            ) from error

    def close(self) -> None:
        self._source.close()

    def until(self, time: Fraction | None) -> None:
        """Write all that comes up to a time, in seconds; all that is left without one.

        Raises:
            OSError, or what PyAV raises: the output cannot be written.
        """
        while self._next is not None and (time is None or self._when(self._next) <= time):
            self._pass_on(self._next)
            self._next = next(self._packets, None)
        if time is None:
            for index in self._encoded:
                self._target.mux(self._ways[index].encode(None))

    # -- one stream, one packet ------------------------------------------------------------

    def _add(self, stream: Any) -> None:
        kind, name = stream.type, name_of(stream)
        if self._fits(stream):
            way = self._target.add_stream_from_template(stream)
        else:
            if kind == "subtitle" or stream.codec_context is None:
                what = "subtitles" if kind == "subtitle" else "sound"
                self.notes.append(f"{what} in {name} cannot go into this kind of file: left out")
                return
            way = self._encoder(stream)
            self._encoded.add(stream.index)
            self.notes.append(
                f"sound in {name} cannot go into this kind of file as it is: "
                f"encoded as {name_of(way)}"
            )
        way.metadata.update(stream.metadata)
        way.disposition = stream.disposition.value
        self._ways[stream.index] = way

    def _fits(self, stream: Any) -> bool:
        """Whether the output takes it as it is: a header with nothing else is tried, since
        no table tells all that containers refuse."""
        if stream.codec_context is None:
            return False
        try:
            with self._av.open(io.BytesIO(), "w", format=self._target.format.name) as trial:
                trial.add_stream_from_template(stream)
                trial.start_encoding()
        except (ValueError, self._av.FFmpegError):
            return False
        return True

    def _encoder(self, stream: Any) -> Any:
        name = SPOKEN.get(self._target.format.name, "aac")
        rate = stream.codec_context.sample_rate
        if name == "libopus" and rate not in OPUS_RATES:
            rate = 48000
        way = self._target.add_stream(name, rate=rate, layout=stream.codec_context.layout.name)
        way.codec_context.bit_rate = 96_000 * max(1, stream.codec_context.channels)
        return way

    def _when(self, packet: Any) -> Fraction:
        at = packet.dts if packet.dts is not None else packet.pts
        if at is None:  # it ends its stream, or goes with the one before
            return Fraction(-1)
        return Fraction(at * packet.time_base) - self._start

    def _pass_on(self, packet: Any) -> None:
        index = packet.stream.index
        way, shift = self._ways[index], round(self._start / packet.time_base)
        if index in self._encoded:
            for frame in packet.decode():
                if frame.pts is not None:
                    frame.pts -= shift
                self._target.mux(way.encode(frame))
        elif packet.dts is not None or packet.size:
            packet.pts = None if packet.pts is None else packet.pts - shift
            packet.dts = None if packet.dts is None else packet.dts - shift
            packet.stream = way
            self._target.mux(packet)


def name_of(stream: Any) -> str:
    """Of what it is coded in: "mp3", not "mp3float"."""
    codec = stream.codec_context.codec if stream.codec_context else None
    return str(getattr(codec, "canonical_name", None) or getattr(codec, "name", "unknown"))
