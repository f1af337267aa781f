"""What is kept of one picture that was parsed and held against its mask: counts."""

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np

from ..data.measures import value_counts
from ..data.portraits import Portrait
from ..errors import ShapeMismatch
from ..image.io import Image
from ..models.parser import Parser
from ..taxonomy import CLASSES, IGNORE, Mask, to_task
from .boundary import edge_counts, shrunk
from .calibration import bins_of
from .confusion import Counts, Floats, Numbers, counted, iou, mean
from .groups import attributes_of
from .matte import COUNTED, matte_errors

SHOT_SIDE = 240  # of a picture kept to be looked at, in pixels


@dataclass(frozen=True, slots=True, eq=False)
class Record:
    """What is kept of one picture: a kilobyte or two, from which all scores are read.

    Attributes:
        name: its id.
        user: whose it is; None where no table tells.
        attributes: groups.attributes_of.
        counts: (C, C), confusion.counted in the model's classes.
        edges: (C, 6), boundary.edge_counts; of a model of nine classes one more row, the
            whole person.
        bins: (3, BINS), calibration.bins_of.
        matte: (5,), matte.matte_errors; zeros for a model that knows no person.
    """

    name: str
    user: str | None
    attributes: Mapping[str, float | None]
    counts: Counts
    edges: Counts
    bins: Floats
    matte: Floats

    @property
    def miou(self) -> float:
        """Mean IoU over the classes that the mask holds; NaN if all of it is 255."""
        return float(mean(held_iou(self.counts)))


@dataclass(frozen=True, slots=True, eq=False)
class Shot:
    """A picture to look at, small: what was shown, drawn and predicted.

    Attributes:
        record: what was counted of it.
        image: (h, w, 3) uint8 RGB, at most `SHOT_SIDE` either way.
        truth, predicted: (h, w) uint8 in the model's classes.
    """

    record: Record
    image: Image
    truth: Mask
    predicted: Mask


def scored(parser: Parser, portrait: Portrait, looks: int) -> tuple[Record, Shot]:
    """Parse one picture and count all that is counted.

    The mask is seen as the model sees it: for one of eight classes the person is
    background, for one of two every class is a person.

    Raises:
        ShapeMismatch: the mask holds a value that is no class.
        ModelError: the model does not answer as its card says.
    """
    check_values(portrait.mask)
    task, taxonomy = parser.card.task, parser.card.taxonomy
    parsing = parser.parse(portrait.image, looks=looks)
    truth, labels = to_task(task)(portrait.mask), parsing.labels
    edges = edge_counts(truth, labels, len(taxonomy))
    if task == "joint":
        as_person = to_task("ps")
        edges = np.concatenate([edges, edge_counts(as_person(truth), as_person(labels), 2)[1:]])
    errors = np.zeros(len(COUNTED))
    if "person" in taxonomy.names:
        errors = matte_errors(parsing.person, truth)
    user = portrait.meta.get("user")
    record = Record(
        portrait.id,
        None if user is None else str(user),
        attributes_of(portrait.image, portrait.mask),
        counted(truth, labels, taxonomy),
        edges,
        bins_of(parsing, truth),
        errors,
    )
    small = shrunk(truth, SHOT_SIDE), shrunk(labels, SHOT_SIDE)
    size = small[0].shape[::-1]
    image = np.asarray(cv2.resize(portrait.image, size, interpolation=cv2.INTER_AREA))
    return record, Shot(record, image, *small)


def check_values(mask: Mask) -> None:
    """Raises:
    ShapeMismatch: it holds a value that is neither one of the nine classes nor 255.
    """
    strange = np.flatnonzero(value_counts(mask)[len(CLASSES) : IGNORE])
    if len(strange):
        raise ShapeMismatch(
            f"the mask holds the value {len(CLASSES) + strange[0]}; masks hold 0 to "
            f"{len(CLASSES) - 1}, and {IGNORE} where it is not known"
        )


def held_iou(counts: Numbers) -> Floats:
    """(..., C, C) -> (..., C): IoU of the classes that the masks hold, NaN for the others,
    however often they are predicted."""
    return held(iou(counts), counts)


def held(values: Floats, counts: Numbers) -> Floats:
    """(..., C) scores; NaN for the classes that the masks do not hold."""
    return np.where(counts.sum(-1) > 0, values, np.nan)
