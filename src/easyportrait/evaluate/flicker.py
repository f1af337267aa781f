"""How much labels change from frame to frame where nothing moves."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
import numpy.typing as npt

from ..parsing import Float, Image
from ..taxonomy import CLASSES, Mask, Taxonomy
from .confusion import Counts, accuracy, counted, iou, mean

Bools = npt.NDArray[np.bool_]

STILL = 3.0  # levels of blurred luma: above a camera's grain, below what eyes call motion
AROUND = 4  # pixels
FEWEST = 2e-5  # of a frame's pixels, still ones of a class: of fewer a share is chance


def flicker(frames: Iterable[Mask], taxonomy: Taxonomy) -> float:
    """The mean IoU by which consecutive frames disagree, for a video in which nothing moves.

    Args:
        frames: (H, W) uint8 labels of each frame, in order. Read one at a time.

    Returns:
        0 (no pixel ever changes) to 1: one minus the mean IoU of each frame with the next,
        over frames. Pixels that are 255 in the earlier frame do not count; a class that is
        in neither frame is left out, and one that is in one of them only counts as 1. NaN
        for fewer than two frames.

    Raises:
        ShapeMismatch: frames differ in size, or hold values that are no class.

    >>> from easyportrait.taxonomy import CLASSES
    >>> still = np.zeros((2, 2), np.uint8)
    >>> flicker([still, still, still], CLASSES)
    0.0
    """
    changes = Changes(taxonomy)
    for before, after in pairwise(frames):
        changes.add(counted(before, after, taxonomy))
    return changes.apart


class Changes:
    """Which labels became which from frame to frame: counts, of one size for any video."""

    def __init__(self, taxonomy: Taxonomy) -> None:
        self.taxonomy = taxonomy
        self.still = np.zeros((len(taxonomy), len(taxonomy)), np.int64)
        self.pixels = 0
        self._apart, self._pairs = 0.0, 0

    def add(self, counts: Counts, still: Counts | None = None) -> None:
        """One frame and the next: (C, C) pixels, class before first; of all and of still ones."""
        self.pixels += int(counts.sum())
        self._apart += 1 - float(mean(iou(counts)))
        self._pairs += 1
        if still is not None:
            self.still += still

    @property
    def apart(self) -> float:
        """As `flicker`."""
        return self._apart / self._pairs if self._pairs else float("nan")

    @property
    def labels(self) -> float:
        """Share of still pixels whose class is another than before; NaN without still pixels."""
        return 1 - float(accuracy(self.still))

    @property
    def classes(self) -> dict[str, float]:
        """Of the still pixels that are of a class in either frame, the share in only one.
        Classes of hardly any are left out."""
        either = self.still.sum(0) + self.still.sum(1) - np.diagonal(self.still)
        told = zip(self.taxonomy.names, (1 - iou(self.still)).tolist(), strict=True)
        few = FEWEST * self.pixels
        return {name: share for (name, share), n in zip(told, either, strict=True) if n > few}


@dataclass(frozen=True, slots=True)
class Unrest:
    """How much answers change where a video does not, over its frames.

    Attributes:
        labels: share of still pixels whose class is not that of the frame before.
        person: mean change of the soft person in still pixels, of 1; NaN for a model that
            knows no person.
        still: share of pixels that are still.
        classes: of the still pixels that are of a class in a frame or the one before, the
            share that is in one of both only. Classes of less than `FEWEST` are left out.
        apart: as `flicker`, of all pixels, whether they moved or not.
    """

    labels: float
    person: float
    still: float
    classes: Mapping[str, float]
    apart: float


class Restless:
    """Measures `unrest` of one series of answers over one video, a frame at a time."""

    def __init__(self, taxonomy: Taxonomy = CLASSES) -> None:
        self._changes = Changes(taxonomy)
        self._moved = 0.0
        self._before: tuple[Mask, Float | None] | None = None

    def add(self, labels: Mask, person: Float | None, still: Bools | None) -> None:
        """The next frame.

        Args:
            labels: (H, W) uint8.
            person: (H, W) float32 in [0, 1]; None if the model knows none.
            still: as `Stillness` says of it.

        Raises:
            ShapeMismatch: frames differ in size, or hold values that are no class.
        """
        if self._before is not None and still is not None:
            before, old = self._before
            taxonomy = self._changes.taxonomy
            counts = counted(before, labels, taxonomy)
            self._changes.add(counts, counted(before[still], labels[still], taxonomy))
            if person is None or old is None:
                self._moved = float("nan")
            else:
                self._moved += float(np.abs(person - old)[still].sum(dtype=np.float64))
        self._before = labels, person

    @property
    def found(self) -> Unrest:
        """NaN in all but `apart` where there is no still pixel; in all for fewer than two
        frames."""
        still, pixels = int(self._changes.still.sum()), self._changes.pixels
        nan = float("nan")
        return Unrest(
            labels=self._changes.labels,
            person=self._moved / still if still else nan,
            still=still / pixels if pixels else nan,
            classes=self._changes.classes,
            apart=self._changes.apart,
        )


class Stillness:
    """Where a video keeps still, asked frame by frame.

    A pixel is still if its luma, blurred against grain, stays within `STILL` levels of the
    frame before, and so do its neighbours within `AROUND` pixels.
    """

    def __init__(self) -> None:
        self._before: Float | None = None

    def __call__(self, image: Image) -> Bools | None:
        """(H, W, 3) uint8 RGB -> (H, W); None for the first frame."""
        grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)
        light, before = cv2.GaussianBlur(grey, (0, 0), 2), self._before
        self._before = light
        if before is None:
            return None
        around = np.ones((2 * AROUND + 1,) * 2, np.uint8)
        return np.asarray(cv2.dilate(np.abs(light - before), around) < STILL)


def unrest(
    frames: Iterable[tuple[Image, Mask, Float | None]], taxonomy: Taxonomy = CLASSES
) -> Unrest:
    """What a viewer calls flicker, without knowing the truth or how things moved.

    Only pixels that keep still (`Stillness`) are compared, so nothing needs to be warped and
    no motion is taken for flicker.

    Args:
        frames: of each frame in order (H, W, 3) uint8 RGB, (H, W) uint8 labels, and (H, W)
            float32 in [0, 1], or None. Read one at a time.

    Returns:
        As `Restless.found`.
    """
    stillness, restless = Stillness(), Restless(taxonomy)
    for image, labels, person in frames:
        restless.add(labels, person, stillness(image))
    return restless.found
