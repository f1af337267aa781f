"""Kinds of pictures, which a model may suit more or less.

An attribute joins by being listed in `ATTRIBUTES`: it is then measured, scored by group,
and stands in JSON, page and docs/howto/evaluate.md.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
import numpy.typing as npt

from ..data.measures import faces_in
from ..image.io import Image
from ..taxonomy import CLASSES, Mask
from .confusion import Floats

SKIN = CLASSES.index("skin")
UNKNOWN = "not known"


@dataclass(frozen=True, slots=True)
class Attribute:
    """Something that a picture has a value of.

    Attributes:
        name: in the JSON.
        label: what people call it.
        unit: of its values, as they are written.
        edges: between its groups; a value on one belongs above it. None for the set's
            own quartiles.
        names: of the groups between fixed edges, one more than edges.
        times: what values are multiplied with to be written.
    """

    name: str
    label: str
    unit: str
    edges: tuple[float, ...] | None = None
    names: tuple[str, ...] = ()
    times: float = 1


ATTRIBUTES = (
    Attribute("brightness", "brightness", "mean luma, 0 to 255"),
    Attribute("skin_luma", "skin of faces", "mean luma, 0 to 255"),
    Attribute("shorter_side", "shorter side", "pixels"),
    Attribute("faces", "faces in the mask", "", (1, 2), ("none", "one", "several")),
    Attribute("face_height", "largest face", "% of the picture's height", times=100),
    Attribute(
        "yaw",
        "largest face, turned by",
        "rough degrees",
        (10, 20),
        ("frontal, under 10", "10 to 20", "20 and more"),
    ),
    Attribute(
        "roll",
        "largest face, tilted by",
        "degrees",
        (10, 20),
        ("upright, under 10", "10 to 20", "20 and more"),
    ),
)


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """Pictures of a set that have something in common.

    Attributes:
        name: the values it spans, or what is said of it.
        low, high: low <= value < high; None where it is open, or no value is known.
        members: (N,) bool, over the pictures of the set.
    """

    name: str
    low: float | None
    high: float | None
    members: npt.NDArray[np.bool_]


def attributes_of(image: Image, mask: Mask) -> dict[str, float | None]:
    """The value of each attribute.

    Pose and size are those of the largest face in the mask, not in what a model says.

    Args:
        image: (H, W, 3) uint8 RGB.
        mask: (H, W) uint8 of nine classes, 255 where not known.

    Returns:
        None where the mask does not tell: a face without both eyes has no roll.
    """
    luma = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    skin = (mask == SKIN).astype(np.uint8)
    faces = faces_in(mask)
    face = faces[0] if faces else None
    yaw, roll = (face.yaw, face.roll) if face else (None, None)
    return {
        "brightness": round(cv2.mean(luma)[0], 2),
        "skin_luma": round(cv2.mean(luma, skin)[0], 2) if skin.any() else None,
        "shorter_side": min(mask.shape),
        "faces": len(faces),
        "face_height": round(face.box.height / mask.shape[0], 4) if face else None,
        "yaw": None if yaw is None else round(abs(yaw), 1),
        "roll": None if roll is None else round(abs(roll), 1),
    }


def grouped(attribute: Attribute, pictures: Sequence[Mapping[str, float | None]]) -> list[Group]:
    """The groups that have a picture, in order, and last those of which nothing is known.

    Returns:
        Empty if all pictures are in one group: there is nothing to compare.
    """
    values = np.array([p[attribute.name] for p in pictures], np.float64)  # None becomes NaN
    known = ~np.isnan(values)
    edges = _edges(attribute, values[known])
    at = np.where(known, np.digitize(values, edges), -1)
    names = attribute.names or _names(edges * attribute.times)
    ends = [None, *edges.tolist(), None]
    found = [
        Group(name, ends[i], ends[i + 1], at == i)
        for i, name in enumerate(names)
        if (at == i).any()
    ]
    if not known.all():
        found.append(Group(UNKNOWN, None, None, ~known))
    return found if len(found) > 1 else []


def _edges(attribute: Attribute, values: Floats) -> Floats:
    if attribute.edges is not None:
        return np.array(attribute.edges, np.float64)
    return np.unique(np.quantile(values, [0.25, 0.5, 0.75])) if len(values) else np.array([])


def _names(edges: Floats) -> list[str]:
    """
    >>> _names(np.array([80.0, 112.4]))
    ['under 80', '80 to 112', '112 and more']
    """
    if not len(edges):
        return ["all"]
    told = [f"{edge:.0f}" for edge in edges]
    between = [f"{low} to {high}" for low, high in pairwise(told)]
    return [f"under {told[0]}", *between, f"{told[-1]} and more"]
