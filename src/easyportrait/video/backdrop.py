"""A video as background: looped for as long as the other one lasts."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from pathlib import Path

import numpy as np

from ..effects.background import fitted
from ..effects.chain import Chain, Step
from ..image.io import MAX_PIXELS, Image, read_image
from .read import SUFFIXES, Frame, Video


class Backdrop:
    """A video whose frames are asked for by time, forwards.

    Args:
        path: a video, or an animation (GIF).
        max_pixels: as `Video`.

    Attributes:
        first: its first frame.

    Raises:
        VideoUnreadable, ImageTooLarge, MissingExtra: as `Video`.
    """

    def __init__(self, path: Path, max_pixels: int = MAX_PIXELS) -> None:
        self._open = partial(Video, path, max_pixels=max_pixels)
        self._video = self._open()
        self._frames: Iterator[Frame] = iter(self._video)
        self._now = self._next = next(self._frames)
        self._began = -self._now.time  # when this round began
        self.first = self._now.image

    def close(self) -> None:
        self._video.close()

    def at(self, time: Fraction | float) -> Image:
        """(h, w, 3) uint8: what it shows then.

        Args:
            time: in seconds, not before the last one asked for.
        """
        while self._next.time + self._began <= time:
            self._now = self._next
            following = next(self._frames, None)
            if following is None:  # from the start again, once the last has been shown
                end = self._now.time + (self._now.duration or 1 / self._video.info.rate)
                self._video.close()
                self._video = self._open()
                self._frames = iter(self._video)
                following = next(self._frames)
                self._began += end - following.time
            self._next = following
        return self._now.image


@dataclass(slots=True)
class Opener:
    """Reads what a wish names by a path: a picture, or a video's first frame, which
    `moving` finds in the chain again."""

    max_pixels: int
    backdrop: Backdrop | None = None

    def __call__(self, path: Path | str) -> Image:
        if Path(path).suffix.lower() in SUFFIXES:
            self.backdrop = Backdrop(Path(path), self.max_pixels)
            return self.backdrop.first
        return read_image(path, max_pixels=self.max_pixels)

    def close(self) -> None:
        if self.backdrop is not None:
            self.backdrop.close()

    def moving(self, chain: Chain, time: Fraction | float) -> Chain:
        """The chain for the frame at a time, in seconds."""
        if self.backdrop is None:
            return chain
        image, first = self.backdrop.at(time), self.backdrop.first
        return with_knobs(chain, lambda step, value: image if value is first else value)

    def at_size(self, chain: Chain, height: int, width: int) -> Chain:
        """The chain with pictures for the background brought to (height, width) once."""
        if self.backdrop is not None:  # each frame of it is fitted when it comes
            return chain

        def fit(step: Step, value: object) -> object:
            if not isinstance(value, np.ndarray) or "fit" not in step.knobs:
                return value
            return fitted(value, height, width, step.knobs["fit"])

        return with_knobs(chain, fit)


def with_knobs(chain: Chain, change: Callable[[Step, object], object]) -> Chain:
    steps = (
        replace(step, knobs={name: change(step, value) for name, value in step.knobs.items()})
        for step in chain.steps
    )
    return Chain(tuple(steps))
