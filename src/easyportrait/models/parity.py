"""Whether two sessions of one net answer alike, at sizes that nobody prepared for."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..image.letterbox import Letterbox
from .card import Card
from .parser import normalised
from .session import Float, Session

SIZES = ((1, 4, 8), (2, 8, 8), (1, 12, 7))  # pictures; height and width in the card's multiples
SHARES = (0.5, 1.0, 1.5)  # of the card's frame side


@dataclass(frozen=True, slots=True)
class Gap:
    """How far two answers are apart.

    Attributes:
        worst: the largest difference of a probability; infinite if one is no number.
        same: the share of pixels whose likeliest class is the same.
    """

    worst: float
    same: float


def gap(ours: Session, theirs: Session, batches: Iterable[Float]) -> Gap:
    """How far `theirs` is from `ours` over all batches. Answers of another shape are as far
    as can be."""
    worst, same, pixels = 0.0, 0, 0
    for batch in batches:
        truth, answer = ours.run(batch), theirs.run(batch)
        if truth.shape != answer.shape:
            return Gap(np.inf, 0.0)
        apart = float(np.abs(truth - answer).max())
        worst = max(worst, apart if np.isfinite(apart) else np.inf)  # max() would pass a NaN over
        same += int((truth.argmax(1) == answer.argmax(1)).sum())
        pixels += truth.size // truth.shape[1]
    return Gap(worst, same / pixels)


def noise(multiple: int) -> Iterator[Float]:
    """Three batches of noise, of three sizes: one picture, two, one upright."""
    rng = np.random.default_rng(0)
    for count, rows, columns in SIZES:
        shape = count, 3, rows * multiple, columns * multiple
        yield rng.normal(0, 1, shape).astype(np.float32)


def frames(images: Iterable[npt.NDArray[np.uint8]], card: Card) -> Iterator[Float]:
    """Whole pictures, (H, W, 3) uint8 RGB, each at half the card's frame side, at it, and at
    one and a half."""
    for image in images:
        for share in SHARES:
            side = max(card.multiple, round(share * card.frame_side))
            box = Letterbox.fit(*image.shape[:2], side=side, multiple=card.multiple)
            yield normalised(box.apply(image), card)[None]
