"""Measures of pictures that there are none of."""

from easyportrait.data.measures import FaceMeasures, Measures


def measured(
    name: str = "a",
    user: str | None = "u",
    brightness: float = 100,
    faces: tuple[FaceMeasures, ...] = (FaceMeasures(0.5, 1.0, None),),
    split: str = "train",
) -> Measures:
    return Measures(name, split, user, 40, 50, brightness, (2000,) + (0,) * 8, 0, 0, faces)
