"""Portraits before walls, with parsings that know the truth."""

import cv2
import numpy as np

from easyportrait.parsing import Look, Parsing
from easyportrait.taxonomy import CLASSES
from tests.conftest import one_hot


def parsed(image: np.ndarray, alpha: np.ndarray, cell: int = 8) -> Parsing:
    """What a net with cells of so many pixels makes of a matte."""
    height, width = alpha.shape
    few = max(1, width // cell), max(1, height // cell)
    person = cv2.resize(alpha, few, interpolation=cv2.INTER_AREA)
    probs = np.zeros((9, *person.shape), np.float32)
    probs[1], probs[0] = person, 1 - person
    return Parsing(image, Look(probs, 0, 0, width, height), (), (), CLASSES, "test 0")


def sharp(mask: np.ndarray, image: np.ndarray) -> Parsing:
    """A parsing that says of each pixel just what the mask says."""
    return Parsing(image, Look(one_hot(mask), 0, 0, *mask.shape[::-1]), (), (), CLASSES, "test 0")


def hairy(wall: np.ndarray, size: int = 400) -> tuple[np.ndarray, np.ndarray]:
    """A brown head with fine hair before a wall of a colour, and its true matte."""
    rng = np.random.default_rng(0)
    big = np.zeros((2 * size, 2 * size), np.uint8)
    cv2.circle(big, (size, size), int(0.45 * size), 255, -1)
    for angle in rng.uniform(0, 2 * np.pi, 400):
        turn = np.array([np.cos(angle), np.sin(angle)])
        bent = np.array([np.cos(angle + 0.05), np.sin(angle + 0.05)])
        start = (size + 0.44 * size * turn).astype(int).tolist()
        end = (size + rng.uniform(0.46, 0.56) * size * bent).astype(int).tolist()
        cv2.line(big, start, end, 255, 2, cv2.LINE_AA)
    alpha = cv2.resize(big, (size, size), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    brown = np.array([90, 60, 40], np.float32) + rng.normal(0, 4, (size, size, 1))
    image = alpha[..., None] * brown + (1 - alpha[..., None]) * wall
    return np.clip(image, 0, 255).astype(np.uint8), alpha


def greenness(colours: np.ndarray) -> np.ndarray:
    """How much greener than red or blue; brown hair is at -30, the wall at 160."""
    colours = colours.astype(float)
    return colours[..., 1] - colours[..., [0, 2]].max(-1)
