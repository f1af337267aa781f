"""Painted eyes of which all is known: where the iris is, how large, how far the lids are open."""

from dataclasses import dataclass

import cv2
import numpy as np

from easyportrait.parsing import Look, Parsing
from easyportrait.taxonomy import CLASSES

SKIN, WHITE = (205, 160, 138), (222, 214, 210)
BROWN, RED_BROWN, BLUE = (88, 56, 36), (118, 60, 40), (104, 136, 168)
BLACK, RED = (22, 18, 18), (190, 40, 42)


@dataclass(frozen=True, kw_only=True)
class PaintedEye:
    """A picture of one eye on skin.

    Attributes:
        image, parsing: the picture, and a soft and coarse answer of where the eye is.
        x, y, radius: of the iris.
        far: (H, W) of each pixel from the iris' middle.
        lids: (H, W) in [0, 1], the eye that is open.
    """

    image: np.ndarray
    parsing: Parsing
    x: float
    y: float
    radius: float
    far: np.ndarray
    lids: np.ndarray

    @property
    def region(self) -> np.ndarray:
        return self.parsing.region("left_eye")


def painted_eye(
    radius: float,
    *,
    gaze: tuple[float, float] = (0, 0),
    opening: float = 1.0,
    iris: tuple[int, int, int] = BROWN,
    pupil: tuple[int, int, int] = BLACK,
    pupil_share: float = 0.4,
    glint: bool = True,
    light: float = 1.0,
    skin: tuple[int, int, int] = SKIN,
) -> PaintedEye:
    """Args:
    gaze: where the iris is off the eye's middle, right and down, in its radii.
    opening: 1 wide open, 0.5 half shut, 0 shut.
    """
    fine = max(2, min(8, round(60 / radius)))  # then averaged: edges as a camera sees them
    half = 2.1 * radius
    height, width = round(5 * radius), round(7 * radius)
    ys, xs = (np.mgrid[: fine * height, : fine * width] + 0.5) / fine - 0.5
    middle_x, middle_y = width / 2 + 0.13, height / 2 - 0.21
    u = (xs - middle_x) / half
    arch = np.clip(1 - u**2, 0, None)
    upper = middle_y + radius * (0.85 - 1.7 * opening) * arch
    lower = middle_y + 0.85 * radius * arch
    lids = (np.abs(u) < 1) & (ys > upper) & (ys < lower)
    x, y = middle_x + gaze[0] * radius, middle_y + gaze[1] * radius
    far = np.hypot(xs - x, ys - y)

    picture = np.empty((*far.shape, 3), np.float32)
    picture[:] = skin
    ball = np.empty_like(picture)
    ball[:] = WHITE
    texture = 1 + 0.12 * np.sin(14 * np.arctan2(ys - y, xs - x))
    rim = np.clip(1.25 - 0.5 * np.clip(far / radius - 0.5, 0, 1), 0, 1.2)
    ball = np.where((far < radius)[..., None], (texture * rim)[..., None] * iris, ball)
    ball = np.where((far < pupil_share * radius)[..., None], np.float32(pupil), ball)
    if glint:
        spot = np.hypot(xs - x - 0.25 * radius, ys - y + 0.25 * radius) < 0.16 * radius
        ball = np.where(spot[..., None], np.float32(250), ball)
    shadow = np.clip((ys - upper) / (0.35 * radius), 0, 1)
    ball *= (0.7 + 0.3 * shadow)[..., None]
    picture = np.where(lids[..., None], ball, picture)
    lashes = (np.abs(u) < 1) & (ys > upper - 0.12 * radius) & (ys <= upper)
    picture = np.where(lashes[..., None], np.float32((50, 38, 34)), picture)

    def small(values: np.ndarray) -> np.ndarray:
        return cv2.resize(np.float32(values), (width, height), interpolation=cv2.INTER_AREA)

    noise = np.random.default_rng(5).normal(0, 1.5, (height, width, 3))
    image = np.clip(light * small(picture) + noise, 0, 255).astype(np.uint8)
    seen = small(lids)
    cells = (
        max(8, round(height / max(1.0, radius / 4))),
        max(8, round(width / max(1.0, radius / 4))),
    )
    coarse = cv2.resize(
        cv2.GaussianBlur(seen, (0, 0), 0.12 * radius), cells[::-1], interpolation=cv2.INTER_AREA
    )
    probs = np.zeros((9, *cells), np.float32)
    probs[5], probs[2] = coarse, 1 - coarse
    parsing = Parsing(image, Look(probs, 0, 0, width, height), (), (), CLASSES, "test 0")
    return PaintedEye(
        image=image, parsing=parsing, x=x, y=y, radius=radius, far=small(far), lids=seen
    )
