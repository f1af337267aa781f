"""A camera's pictures after effects, now: what comes too fast is dropped, never queued.

    a thread                     a thread                               the caller
    camera --> the newest one --> net --> steady --> effects --> one --> shows it, and asks
               replaces the                                              for the next
               one before

The net begins with the newest picture as soon as the one before was taken. So a picture is
shown about one frame and the net's time after it came, however slow the net is.
"""

import time
from array import array
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Condition, Event, Thread

import cv2
import numpy as np

from ..core import load
from ..effects.chain import Chain
from ..errors import BadInput
from ..image.io import MAX_PIXELS, Image
from ..models.catalog import DEFAULT
from ..models.parser import Parser
from ..parsing import Parsing
from .backdrop import Opener
from .capture import open_source
from .steady import Steady

STALE = 0.25  # seconds that a finished picture may lie before a newer one is waited for
RECENT = 30  # pictures over which rate and latency are shown
PATIENCE = 2.0  # seconds that threads have to end


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """One picture, ready to be shown.

    Attributes:
        image: (H, W, 3) uint8 RGB after effects; (H, W, 4) RGBA where the background is
            removed.
        before: (H, W, 3) uint8 RGB as it came, mirrored if that was wished.
        parsing: which pixel is what; None while effects are switched off.
        index: which one of the camera's it is; gaps are dropped ones.
        came: when it came, by `time.monotonic()`.
    """

    image: Image
    before: Image
    parsing: Parsing | None
    index: int
    came: float


@dataclass(frozen=True, slots=True)
class Summary:
    """How it went.

    Attributes:
        shown, dropped: of the pictures that came.
        fps: pictures shown a second.
        median_ms, p95_ms: from a picture's coming to its being shown; what the camera and
            its cable take before, and the display after, is not in it.
    """

    shown: int
    dropped: int
    fps: float
    median_ms: float
    p95_ms: float

    def __str__(self) -> str:
        if not self.shown:
            return f"0 frames shown, {self.dropped} dropped"
        return (
            f"{self.shown} frames shown, {self.dropped} dropped, {self.fps:.1f} a second; "
            f"latency {self.median_ms:.0f} ms median, {self.p95_ms:.0f} ms for 95 of 100"
        )


@dataclass(slots=True)
class Meter:
    """Latencies, a few bytes each, for as long as it takes."""

    latencies: "array[float]" = field(default_factory=lambda: array("f"))
    recent: deque[float] = field(default_factory=lambda: deque(maxlen=RECENT))
    began: float = 0.0

    def add(self, came: float, now: float) -> None:
        self.began = self.began or now
        self.latencies.append(now - came)
        self.recent.append(now)

    def summary(self, came: int) -> Summary:
        """Args: came: how many the camera gave."""
        shown = len(self.latencies)
        if not shown:
            return Summary(0, came, 0.0, 0.0, 0.0)
        span = self.recent[-1] - self.began
        median, p95 = 1000 * np.percentile(np.array(self.latencies), (50, 95))
        rate = (shown - 1) / span if span else 0.0
        return Summary(shown, came - shown, rate, float(median), float(p95))

    def __str__(self) -> str:
        """Rate and latency of late."""
        if len(self.recent) < 2:
            return "starting"
        rate = (len(self.recent) - 1) / max(self.recent[-1] - self.recent[0], 1e-6)
        latency = 1000 * float(np.median(self.latencies[-RECENT:]))
        return f"{rate:.{0 if rate >= 10 else 1}f} fps, {latency:.0f} ms"


class Camera:
    """A camera with effects.

    Args:
        source: a camera's number, its device's path, a video file, which plays at its own
            rate, or an iterable of (H, W, 3) uint8 RGB that gives pictures when they come.
        model, runtime: as `easyportrait.load`; `model` may be what it gave.
        looks: 1, since two take three times as long and a face before a camera is large; 2
            is better in small faces, and for teeth and eyes.
        every: the net looks at every so many pictures; those between take its last answer.
        steady: whether answers are calmed from picture to picture.
        mirror: as a mirror shows it; None for a camera but not for a file. Left stays the
            viewer's left, as the net sees what is shown.
        size, fps: (width, height) and frames a second to ask a camera for.
        max_pixels: the most that a background's file may hold.
        effects: as `easyportrait.apply`; a background may be a video, too, which is looped.
            Without any, pictures are parsed only.

    Attributes:
        effects_on: may be set at any time; while it is off, pictures pass as they are.
        notes: what is not as it was wished, a line each.

    Raises:
        CameraUnusable: there is no such camera, or it gives no pictures (then or later).
        BadInput, BadKnob: one of the arguments is not taken.
        UnknownModel, ModelError, MissingExtra: as `load`.

    >>> with Camera([np.zeros((90, 160, 3), np.uint8)], anonymize="blur") as camera:
    ...     [shown.image.shape for shown in camera.frames()]
    [(90, 160, 3)]
    """

    def __init__(
        self,
        source: int | str | Path | Iterable[Image] = 0,
        *,
        model: str | Path | Parser = DEFAULT,
        runtime: str = "onnx",
        looks: int = 1,
        every: int = 1,
        steady: bool = True,
        mirror: bool | None = None,
        size: tuple[int, int] | None = None,
        fps: float | None = None,
        max_pixels: int = MAX_PIXELS,
        **effects: object,
    ) -> None:
        if every < 1 or looks not in (1, 2):
            raise BadInput(f"every is 1 or more and looks 1 or 2, got {every=}, {looks=}")
        opener = Opener(max_pixels)
        chain = Chain.of(effects, read=opener)
        parser = model if isinstance(model, Parser) else load(model, runtime=runtime)
        self._source = open_source(source, size, fps)
        self._mirror = self._source.is_live if mirror is None else mirror
        self._studio = Studio(parser, chain, opener, looks, every, Steady() if steady else None)
        self.effects_on = True
        self.notes = self._source.notes
        self.rate = self._source.rate
        self._meter, self._came = Meter(), 0
        self._news = Condition()  # guards all that follows
        self._stop = Event()
        self._newest: tuple[int, float, Image] | None = None
        self._ready: tuple[float, Shown] | None = None  # and since when
        self._working = self._capturing = True
        self._error: BaseException | None = None
        self._taken: Shown | None = None
        self._threads = [
            Thread(target=self._guarded, args=[job], daemon=True)
            for job in (self._capture, self._work)
        ]

    def __enter__(self) -> "Camera":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        """Begin to take pictures; asking for one does so, too."""
        for thread in self._threads:
            if thread.ident is None:
                thread.start()

    def close(self) -> None:
        """Let go of the camera. A driver that hangs is not waited for."""
        self.count()
        self._stop.set()
        with self._news:
            self._news.notify_all()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(PATIENCE)
        if self._threads[0].ident is None:  # otherwise it lets go itself
            self._source.close()
        if not self._threads[1].is_alive():
            self._studio.close()

    # -- for who shows them ----------------------------------------------------------------

    def frames(self) -> Iterator[Shown]:
        """Pictures until there are no more. One counts as shown when the next is asked for.

        Raises:
            CameraUnusable: the camera gives no pictures, or no more.
            BadInput: the model does not know the classes that an effect needs.
        """
        while not self.is_over():
            shown = self.take(0.1)  # not for ever, so that Ctrl-C works everywhere
            if shown is not None:
                yield shown
                self.count()

    def take(self, timeout: float) -> Shown | None:
        """The next picture; None if there is none within `timeout` seconds. Errors as
        `frames`."""
        self.start()
        self.count()
        until = time.monotonic() + timeout
        with self._news:
            while self._ready is None or self._is_stale():
                if self._ready is not None:
                    self._ready = None
                    self._news.notify_all()
                self._complain()
                left = until - time.monotonic()
                if left <= 0 or not self._working:
                    return None
                self._news.wait(left)
            self._taken, self._ready = self._ready[1], None
            self._news.notify_all()
            return self._taken

    def count(self, seen: bool = True) -> None:
        """The picture that was taken last has been shown now, or is not going to be."""
        if self._taken is not None and seen:
            self._meter.add(self._taken.came, time.monotonic())
        self._taken = None

    def is_over(self) -> bool:
        """Whether all have been taken. Errors as `frames`."""
        with self._news:
            self._complain()
            return self._ready is None and not self._working

    @property
    def has_ended(self) -> bool:
        """Whether no more pictures come, though some may not have been taken yet."""
        with self._news:
            return not self._capturing

    @property
    def summary(self) -> Summary:
        return self._meter.summary(self._came)

    @property
    def speed(self) -> str:
        """Rate and latency of late, for people."""
        return str(self._meter) + ("" if self.effects_on else ", effects off")

    def _complain(self) -> None:
        if self._error is not None:
            error, self._error = self._error, None
            raise error

    def _is_stale(self) -> bool:
        """The one that is ready lay too long, and there is a newer one."""
        assert self._ready is not None
        return self._newest is not None and time.monotonic() - self._ready[0] > STALE

    # -- threads ---------------------------------------------------------------------------

    def _guarded(self, job: Callable[[], None]) -> None:
        try:
            job()
        except BaseException as error:  # it is raised where pictures are asked for
            with self._news:
                self._error, self._working = error, False
                self._news.notify_all()
            self._stop.set()

    def _capture(self) -> None:
        try:
            for image in self._source.frames(self._stop):
                with self._news:
                    self._newest = self._came, time.monotonic(), image
                    self._came += 1
                    self._news.notify_all()
                if self._stop.is_set():
                    break
        finally:
            self._source.close()
            with self._news:
                self._capturing = False
                self._news.notify_all()

    def _work(self) -> None:
        while (begun := self._next()) is not None:
            index, came, image = begun
            before = cv2.flip(image, 1) if self._mirror else image
            image, parsing = self._studio(before, came, self.effects_on)
            with self._news:
                self._ready = time.monotonic(), Shown(image, before, parsing, index, came)
                self._news.notify_all()
        with self._news:
            self._working = False
            self._news.notify_all()

    def _next(self) -> tuple[int, float, Image] | None:
        """The newest picture, as soon as the one before has been taken."""
        with self._news:
            while not self._stop.is_set():
                if self._ready is None and self._newest is not None:
                    begun, self._newest = self._newest, None
                    return begun
                if self._newest is None and not self._capturing:
                    return None
                self._news.wait(0.5)
        return None


class Studio:
    """Net, steadiness and effects, one picture after the other."""

    def __init__(
        self,
        parser: Parser,
        chain: Chain,
        opener: Opener,
        looks: int,
        every: int,
        steady: Steady | None,
    ) -> None:
        self._parser, self._chain, self._opener, self._looks = parser, chain, opener, looks
        self._every, self._steady = every, steady
        self._last: Parsing | None = None
        self._since = 0  # pictures since the net looked, this one included
        self._began: float | None = None
        self._size: tuple[int, ...] = ()

    def __call__(self, image: Image, came: float, wanted: bool) -> tuple[Image, Parsing | None]:
        if not wanted:
            self._last = None
            return image, None
        self._last = self._parsed(image)
        return self._effects(image, came)(self._last), self._last

    def close(self) -> None:
        self._opener.close()

    def _parsed(self, image: Image) -> Parsing:
        last, self._since = self._last, self._since + 1
        if last is not None and last.image.shape == image.shape and self._since < self._every:
            return replace(last, image=image)
        self._since = 0
        parsing = self._parser.parse(image, looks=self._looks)
        return parsing if self._steady is None else self._steady(parsing)

    def _effects(self, image: Image, came: float) -> Chain:
        """The chain, a background's picture brought to size once, its video at its time."""
        if image.shape[:2] != self._size:
            self._size = image.shape[:2]
            self._fitted = self._opener.at_size(self._chain, *image.shape[:2])
        if self._began is None:
            self._began = came
        return self._opener.moving(self._fitted, came - self._began)
