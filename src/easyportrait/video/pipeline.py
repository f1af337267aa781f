"""Effects on every frame of a video, with all cores busy and few frames in memory.

    a thread         all cores             here            all cores          here
    decode ---------> RGB, parse ---------> steady --------> effects, YUV ----> encode, sound
            few            one per core,            in order         one per core,
            ahead          handed on in order                        handed on in order

Whatever goes wrong anywhere ends all of it, and nothing of the output stays.
"""

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from ..core import load
from ..effects.chain import Chain
from ..errors import BadInput
from ..image.io import MAX_PIXELS, Image
from ..models.catalog import DEFAULT
from ..models.parser import Parser
from ..models.session import cores
from ..parsing import Parsing
from .backdrop import Opener
from .read import Frame, Raw, Video, VideoInfo, read_video
from .steady import Steady
from .write import Writer, check_target, write_video

WORKERS = 8  # more cores than these wait for the encoder anyway
AHEAD = 3  # frames decoded before they are asked for
MOST_WAITING = 24  # frames in front of the net

T = TypeVar("T")
R = TypeVar("R")
Progress = Callable[[int, int | None], None]
Calm = Callable[[Parsing], Parsing]


@dataclass(frozen=True, slots=True)
class Done:
    """What came of a video.

    Attributes:
        frames: how many were written.
        looked: at how many of them the net looked.
        notes: what could not be kept as it was, a line each.
    """

    frames: int
    looked: int
    notes: tuple[str, ...]


def apply_to_video(
    source: Path | str,
    target: Path | str,
    *,
    model: str | Path | Parser = DEFAULT,
    runtime: str = "onnx",
    looks: int = 2,
    every: int = 1,
    steady: float | Calm = 1.0,
    crf: int | None = None,
    keep_location: bool = False,
    force: bool = False,
    max_pixels: int = MAX_PIXELS,
    progress: Progress | None = None,
    **effects: object,
) -> Done:
    """A video after effects, with its sound, subtitles and timing, upright.

    Args:
        source: a video.
        target: where to; docs/howto/video.md says which suffix makes what.
        model, looks, max_pixels, effects: as `easyportrait.apply`; a background may be a
            video, too, which is looped.
        runtime: what runs the net, as `load`; of no use with a parser.
        every: the net looks at every so many frames. Those between take its last answer,
            over their own picture: masks and boxes of faces stay where they were until then.
        steady: how far to calm parsings from frame to frame (`steady.Steady`), 0 to 1; or
            what does it: asked for each answer of the net once, in order.
        crf, keep_location, force: as `write_video`.
        progress: called after each frame with frames done and, if known, how many there are.

    Raises:
        MissingExtra: PyAV is not installed.
        BadInput, BadKnob: no effect, or one of the arguments is not taken.
        VideoUnreadable: the source is no video, or damaged; nothing is written then.
        OutputUnwritable: as `write_video`.
        UnknownModel, ModelError: as `load`.
    """
    source, target = Path(source), Path(target)
    opener = Opener(max_pixels)
    with ExitStack() as stack:
        stack.callback(opener.close)
        chain = Chain.of(effects, read=opener)
        check(source, target, chain, every, looks, steady)
        check_target(target, transparent=chain.makes_transparency, crf=crf, force=force)
        video = stack.enter_context(read_video(source, max_pixels=max_pixels))
        parser = model if isinstance(model, Parser) else load(model, threads=1, runtime=runtime)
        writer = stack.enter_context(
            write_video(
                target,
                video.info,
                transparent=chain.makes_transparency,
                crf=crf,
                sound=source,
                keep_location=keep_location,
                comment=f"edited with easyportrait: {', '.join(chain.described)}",
                force=force,
            )
        )
        chain = opener.at_size(chain, video.info.height, video.info.width)
        parse = partial(parser.parse, looks=looks)
        calm = steady if callable(steady) else Steady(steady)
        return run(video, writer, chain, opener, parse, every, calm, progress)


def check(
    source: Path, target: Path, chain: Chain, every: int, looks: int, steady: float | Calm
) -> None:
    if not chain.steps:
        raise BadInput("name an effect: without one there is nothing to do")
    check_arguments(every, looks, steady)
    if target.exists() and target.resolve() == source.resolve():
        raise BadInput(f"the result would overwrite the input {source}; choose another name")


def check_arguments(every: int, looks: int, steady: float | Calm) -> None:
    if every < 1:
        raise BadInput(f"every is 1 or more, got {every}")
    if looks not in (1, 2):
        raise BadInput(f"looks is 1 or 2, got {looks!r}")
    if not callable(steady) and not 0 <= steady <= 1:
        raise BadInput(f"steady is a number from 0 to 1, got {steady!r}")


def run(
    video: Video,
    writer: Writer,
    chain: Chain,
    opener: Opener,
    parse: Callable[[Image], Parsing],
    every: int,
    calm: Calm,
    progress: Progress | None,
) -> Done:
    """All frames through the stages drawn above."""
    info, workers, answer = video.info, workers_of(), Answers(calm)
    done = looked = 0

    def finish(work: tuple[Frame, Parsing, Chain]) -> tuple[Frame, Any]:
        frame, parsing, wanted = work
        return frame, writer.prepare(wanted(parsing))

    def steadied(seen: Iterable[tuple[Frame, Parsing | None]]) -> Iterator[Any]:
        nonlocal looked
        for frame, parsing in seen:
            looked += parsing is not None
            yield frame, answer(frame, parsing), opener.moving(chain, frame.time)

    with (
        ThreadPoolExecutor(workers) as pool,
        closing(seen_by(pool, video, parse, every)) as seen,
        closing(in_order(pool, finish, steadied(seen), workers)) as finished,
    ):
        for frame, prepared in finished:
            writer.write(prepared, frame.time, frame.duration)
            done += 1
            if progress is not None:
                progress(done, info.count)
    return Done(done, looked, (*told(info), *writer.notes))


def parsings(
    video: Video,
    parser: Parser,
    *,
    looks: int = 2,
    every: int = 1,
    steady: Sequence[float] = (1.0,),
) -> Generator[tuple[Frame, list[Parsing]], None, None]:
    """Each frame of a video and the parsings that `apply_to_video` would use, in order.

    Args:
        video: an open one; its frames are gone then.
        parser: loaded with `threads=1`, as each core does a frame.
        looks, every: as `apply_to_video`.
        steady: how far to calm, 0 to 1; a parsing for each.

    Raises:
        BadInput: one of the arguments is not taken.
        VideoUnreadable: the video is damaged there.
    """
    for strength in steady:
        check_arguments(every, looks, strength)
    answers = [Answers(Steady(strength)) for strength in steady]
    with (
        ThreadPoolExecutor(workers_of()) as pool,
        closing(seen_by(pool, video, partial(parser.parse, looks=looks), every)) as seen,
    ):
        for frame, parsing in seen:
            yield frame, [answer(frame, parsing) for answer in answers]


class Answers:
    """What is taken for true of each frame: the net's answer made calm or, where it did not
    look, the last one over the frame's own picture."""

    def __init__(self, calm: Calm) -> None:
        self._calm = calm
        self._last: Parsing | None = None

    def __call__(self, frame: Frame, parsing: Parsing | None) -> Parsing:
        if parsing is not None:
            self._last = self._calm(parsing)
        assert self._last is not None  # the net looks at the first frame
        return replace(self._last, image=frame.image)


def seen_by(
    pool: ThreadPoolExecutor, video: Video, parse: Callable[[Image], Parsing], every: int
) -> Generator[tuple[Frame, Parsing | None], None, None]:
    """Frames decoded ahead in a thread, and parsed by a pool where the net looks, in order."""
    workers = workers_of()
    waiting = min(workers * every, max(workers, MOST_WAITING))

    def look(raw: Raw) -> tuple[Frame, Parsing | None]:
        frame = video.upright(raw)
        return frame, parse(frame.image) if frame.index % every == 0 else None

    with (
        closing(prefetched(video.raws(), AHEAD)) as raws,
        closing(in_order(pool, look, raws, waiting)) as seen,
    ):
        yield from seen


def workers_of() -> int:
    return min(cores(), WORKERS)


def told(info: VideoInfo) -> Iterator[str]:
    if info.colours.is_hdr:
        yield "HDR: seen and written with 8 bits, so smooth skies may show steps"
    elif info.bits > 8:
        yield f"{info.bits} bits a channel: seen and written with 8"


# -- order out of many threads -------------------------------------------------------------


def in_order(
    pool: ThreadPoolExecutor, function: Callable[[T], R], items: Iterable[T], ahead: int
) -> Generator[R, None, None]:
    """`map` by a pool, in order, with at most `ahead` items begun before they are asked for."""
    pending: deque[Future[R]] = deque()
    try:
        for item in items:
            pending.append(pool.submit(function, item))
            if len(pending) > ahead:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        for future in pending:
            future.cancel()


def prefetched(items: Iterable[T], ahead: int) -> Generator[T, None, None]:
    """The same items, made in a thread of their own, at most `ahead` before their time."""
    iterator = iter(items)
    end: Any = object()
    with ThreadPoolExecutor(1) as thread:
        pending: deque[Future[Any]] = deque()
        try:
            while True:
                while len(pending) < ahead:
                    pending.append(thread.submit(next, iterator, end))
                item = pending.popleft().result()
                if item is end:
                    return
                yield item
        finally:
            for future in pending:
                future.cancel()
