"""LaPa (Liu et al. 2020), read as published.

<split>/images/NAME.jpg
<split>/labels/NAME.png      (H, W) uint8, 0 to 10
<split>/landmarks/NAME.txt   not used
"""

from pathlib import Path

from ...taxonomy import SOURCES
from .pairs import paired
from .samples import Found, How, Notes, indices

VALUES = (
    "background", "skin", "left_eyebrow", "right_eyebrow", "left_eye", "right_eye", "nose",
    "upper_lip", "inner_mouth", "lower_lip", "hair",
)  # fmt: skip


def read(src: Path, how: How, notes: Notes) -> list[Found]:
    return [
        Found(pair.name, pair.split, pair.image, indices(pair.mask, SOURCES["lapa"]))
        for pair in paired(src, "images", "labels", how, notes)
    ]
