"""Make the README's picture: the photograph, its classes, the person cut out.

python docs/pictures.py
"""

from pathlib import Path

import cv2
import numpy as np

import easyportrait
from easyportrait.taxonomy import CLASSES

SIDE = 420


def checkerboard(rgba: np.ndarray, cell: int = 16) -> np.ndarray:
    """A cutout on the pattern that stands for transparency."""
    y, x = np.indices(rgba.shape[:2]) // cell
    board = np.where((x + y) % 2, 255, 225)[..., None]
    alpha = rgba[..., 3:] / 255
    return (rgba[..., :3] * alpha + board * (1 - alpha) + 0.5).astype(np.uint8)


def legend(width: int) -> np.ndarray:
    """The eight classes' colours with their names, in a row."""
    strip = np.full((34, width, 3), 255, np.uint8)
    step = width // 8
    for i, label in enumerate(CLASSES.labels[1:]):
        left = i * step + 8
        cv2.rectangle(strip, (left, 10), (left + 14, 24), label.rgb, -1)
        cv2.putText(
            strip, label.name.replace("_", " "), (left + 22, 22), cv2.FONT_HERSHEY_SIMPLEX, 0.45,
            (60, 60, 60), 1, cv2.LINE_AA,
        )  # fmt: skip
    return strip


def main() -> None:
    image = easyportrait.demo_image()
    parsing = easyportrait.parse(image)
    pictures = [
        image,
        easyportrait.overlay(image, parsing.labels),
        checkerboard(parsing.cutout()),
    ]
    small = [cv2.resize(p, (SIDE, SIDE), interpolation=cv2.INTER_AREA) for p in pictures]
    gap = np.full((SIDE, 10, 3), 255, np.uint8)
    row = np.hstack([small[0], gap, small[1], gap, small[2]])
    path = Path(__file__).parent / "images" / "demo.jpg"
    easyportrait.write_image(path, np.vstack([row, legend(row.shape[1])]))


if __name__ == "__main__":
    main()
