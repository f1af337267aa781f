"""Mouths drawn with known colours, for the effects on teeth and lips."""

import cv2
import numpy as np

from easyportrait.image.colour import from_lab, to_lab
from easyportrait.parsing import Look, Parsing
from easyportrait.taxonomy import CLASSES
from tests.conftest import one_hot

SKIN, LIP, GUM, DARK, METAL = (68, 15, 18), (50, 28, 16), (58, 30, 14), (12, 6, 4), (45, 0, 1)
YELLOW = (72, 4, 20)


class Mouth:
    """A smile: lips, a dark inside, a row of teeth in shade at either end, gums above.

    Attributes:
        image: (H, W, 3) uint8.
        where: (H, W) bool of each part: skin, lips, teeth, gaps, gums, metal, inside.
    """

    def __init__(self, tooth: tuple[float, float, float] = YELLOW, light: float = 1.0) -> None:
        self.size = height, width = 140, 240
        ys, xs = np.mgrid[:height, :width]

        def oval(rx: int, ry: int) -> np.ndarray:
            return ((xs - 120) / rx) ** 2 + ((ys - 70) / ry) ** 2 <= 1

        row = oval(70, 30) & (ys >= 58) & (ys < 80)
        gaps = row & (xs % 20 < 2)
        metal = row & (abs(ys - 70) < 3) & (abs(xs % 20 - 11) < 3) & (xs > 120)
        self.where = {
            "skin": ~oval(92, 48),
            "lips": oval(92, 48) & ~oval(74, 34),
            "inside": oval(74, 34) & ~row,
            "gaps": gaps,
            "metal": metal,
            "gums": row & (ys < 61) & ~gaps,
            "teeth": row & ~gaps & ~metal & (ys >= 61),
        }
        colours = [SKIN, LIP, DARK, DARK, METAL, GUM, tooth]
        lab = np.zeros((height, width, 3), np.float32)
        for part, colour in zip(self.where.values(), colours, strict=True):
            lab[part] = colour
        # less light at the mouth's ends: L + 16, a and b all shrink alike (CIELAB's cube root)
        shade = (light * (1 - 0.25 * (abs(xs - 120) / 120) ** 2))[..., None].astype(np.float32)
        lab[..., :1] = (lab[..., :1] + 16) * shade - 16
        lab[..., 1:] *= shade
        self.image = from_lab(lab)
        self.mask = np.full(self.size, 1, np.uint8)
        for name, index in (("skin", 2), ("lips", 7), ("teeth", 8)):
            self.mask[self.where[name]] = index
        for name in ("gaps", "metal", "gums"):  # a net takes them for teeth
            self.mask[self.where[name]] = 8

    def parsed(self, cell: int = 1) -> Parsing:
        """As a net with cells of so many pixels sees it."""
        probs = one_hot(self.mask)
        height, width = self.size
        small = (width // cell, height // cell)
        coarse = np.stack([cv2.resize(p, small, interpolation=cv2.INTER_AREA) for p in probs])
        return Parsing(self.image, Look(coarse, 0, 0, width, height), (), (), CLASSES, "test 0")

    def lab(self, name: str, image: np.ndarray | None = None) -> np.ndarray:
        """(n, 3) CIELAB of one part, one pixel from its edge."""
        part = self.where[name].astype(np.uint8)
        if name not in ("gaps", "gums", "metal"):  # which are too thin
            part = cv2.erode(part, np.ones((3, 3), np.uint8))
        return to_lab(self.image if image is None else image)[part > 0]


def far(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(n,) distances of colours (CIE 1976)."""
    return np.linalg.norm(a - b, axis=-1)
