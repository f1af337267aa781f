"""Scores a model file through the same code that people run."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..data.portraits import Folder
from ..errors import BadInput
from ..models.parser import Parser
from ..taxonomy import CLASSES, IGNORE, PORTRAIT_SEGMENTATION, Mask
from .confusion import Confusion


@dataclass(frozen=True, slots=True)
class Scores:
    """What a model reaches on one set.

    Attributes:
        iou: per class of the joint task, and `person_whole`: every class above 0 as one.
        mean: over the classes that have a score.
        pictures: how many were parsed.
    """

    iou: dict[str, float]
    mean: float
    pictures: int


def evaluate(
    parser: Parser,
    folder: Folder,
    *,
    looks: int = 2,
    progress: Callable[[], None] = lambda: None,
) -> Scores:
    """Parse every picture and count it against its mask, at the picture's size.

    Args:
        parser: of a joint model.
        folder: pictures and masks; mask pixels of 255 do not count.
        looks: 1 or 2.
        progress: called after each picture.

    Returns:
        IoU over the whole set, from one confusion matrix. A class that the masks never
        hold is left out of the result, however often it is predicted: a set may draw only
        some classes and mark the rest 255.

    Raises:
        BadInput: the model has other classes than the nine.
    """
    if parser.card.task != "joint":
        raise BadInput(
            f"{parser.card.name} is a model of the task {parser.card.task!r}; "
            "only models of all nine classes (joint) can be scored"
        )
    joint, whole = Confusion(CLASSES), Confusion(PORTRAIT_SEGMENTATION)
    for portrait in folder:
        labels = parser.parse(portrait.image, looks=looks).labels
        joint.add(portrait.mask, labels)
        whole.add(as_person(portrait.mask), as_person(labels))
        progress()
    drawn = joint.counts.sum(1) > 0
    iou = {
        name: value
        for name, value, is_drawn in zip(CLASSES.names, joint.iou().values(), drawn, strict=True)
        if is_drawn
    }
    mean = float(np.mean(list(iou.values())))
    if drawn[0]:
        iou["person_whole"] = whole.iou()["person"]
    return Scores(iou, mean, len(folder))


def as_person(mask: Mask) -> Mask:
    """Nine classes to two: everything above 0 is a person, 255 stays."""
    return np.where((mask > 0) & (mask != IGNORE), 1, mask).astype(np.uint8)
