"""Training samples: one scene, framed, relit and worn, from a handful of portraits.

Everything is drawn from the `rng` that is passed in, so sample n of a run is the same
on any machine and after any restart.

    portrait(s) ── scene ── frame ── things ── mirror ── light ── wear ── sample
                   other     whole    behind    twins     gain,    blur,
                   back-     or face  or in     swapped   colour   noise,
                   ground             front                        JPEG
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from ..data.portraits import Portrait
from ..taxonomy import CLASSES, IGNORE, Mask
from .recipe import Scenes

Image = npt.NDArray[np.uint8]
Pick = Callable[[], Portrait]

DRAWN = [CLASSES.index(name) for name in ("left_eye", "right_eye", "lips")]


@dataclass(frozen=True, slots=True)
class Scene:
    """A picture and its mask on their way to becoming a sample."""

    image: Image
    mask: Mask


def sample(rng: np.random.Generator, pick: Pick, side: int, how: Scenes) -> Scene:
    """One (side, side) training sample.

    Args:
        rng: the only source of chance.
        pick: gives a portrait, drawn with the same `rng`.
        side: edge of the square, in pixels.
        how: probabilities and ranges, from the recipe.
    """
    kind = rng.choice(
        ["face", "frame", "crowd", "empty"], p=[how.face, how.frame, how.crowd, how.empty]
    )
    if kind == "empty":
        scene = Scene(backdrop(rng, pick, side), np.zeros((side, side), np.uint8))
        for _ in range(rng.integers(0, 4)):
            scene = put_object(rng, scene, pick)
    elif kind == "crowd":
        scene = crowd(rng, pick, side, how)
    else:
        portrait = pick()
        if rng.random() < how.new_background:
            portrait = other_background(rng, portrait, pick)
        window = face_window if kind == "face" else frame_window
        scene = warp(portrait, window(rng, portrait, side, how), side, rng)
    if rng.random() < how.objects:
        scene = put_object(rng, scene, pick)
    if rng.random() < how.occlude:
        scene = occlude(rng, scene, pick)
    if rng.random() < 0.5:
        scene = Scene(np.ascontiguousarray(scene.image[:, ::-1]), CLASSES.flip(scene.mask))
    return Scene(wear(rng, relight(rng, scene.image, how), how), scene.mask)


# -- framing -------------------------------------------------------------------------------


def face_window(
    rng: np.random.Generator, portrait: Portrait, side: int, how: Scenes
) -> npt.NDArray[np.float32]:
    """(2, 3) matrix that brings one face to a drawn height near the middle."""
    ys, xs = np.nonzero((portrait.mask >= 2) & (portrait.mask != IGNORE))
    if len(ys) < 20:
        return frame_window(rng, portrait, side, how)
    height = max(ys.max() - ys.min() + 1, (xs.max() - xs.min() + 1) * 1.1)
    middle = (xs.min() + xs.max()) / 2, (ys.min() + ys.max()) / 2
    scale = side * rng.uniform(*how.face_height) / height
    shift = rng.normal(0, how.shift, 2) * side
    return similarity(middle, scale, rng.normal(0, how.turn), side, shift)


def frame_window(
    rng: np.random.Generator, portrait: Portrait, side: int, how: Scenes
) -> npt.NDArray[np.float32]:
    """(2, 3) matrix that fits the whole picture, at a drawn scale and place."""
    height, width = portrait.mask.shape
    scale = side / max(height, width) * np.exp(rng.uniform(*np.log(how.frame_scale)))
    spare = np.abs(side - scale * np.array([width, height])) / 2
    shift = rng.uniform(-1, 1, 2) * spare
    return similarity((width / 2, height / 2), scale, rng.normal(0, how.turn / 2), side, shift)


def similarity(
    middle: tuple[float, float],
    scale: float,
    degrees: float,
    side: int,
    shift: npt.NDArray[np.float64],
) -> npt.NDArray[np.float32]:
    matrix = cv2.getRotationMatrix2D(middle, degrees, scale)
    matrix[:, 2] += side / 2 + shift - np.array(middle)
    return matrix.astype(np.float32)


def warp(
    portrait: Portrait, matrix: npt.NDArray[np.float32], side: int, rng: np.random.Generator
) -> Scene:
    """Outside the picture: grey or its border stretched, as `Letterbox` pads; mask 255
    where the border is stretched (a shoulder may go on there), 0 where it is grey."""
    scale = float(np.hypot(matrix[0, 0], matrix[0, 1]))
    source = portrait.image
    if scale < 0.5:  # bilinear sampling alone would alias
        source = cv2.GaussianBlur(source, (0, 0), 0.35 / scale)
    stretch = rng.random() < 0.3
    image = cv2.warpAffine(
        source,
        matrix,
        (side, side),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE if stretch else cv2.BORDER_CONSTANT,
        borderValue=(127, 127, 127),
    )
    return Scene(image, warp_mask(portrait, matrix, side, IGNORE if stretch else 0))


def warp_mask(portrait: Portrait, matrix: npt.NDArray[np.float32], side: int, border: int) -> Mask:
    """Eyes and lips, and what they cover or lay bare, are taken from where they belong."""

    def warped(how: npt.NDArray[np.float32]) -> Mask:
        return cv2.warpAffine(
            portrait.mask,
            how,
            (side, side),
            flags=cv2.INTER_NEAREST,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=border,
        )

    plain = warped(matrix)
    if not portrait.drawn_off:
        return plain
    back = matrix.copy()
    back[:, 2] -= matrix[:, :2].sum(1) * portrait.drawn_off
    moved = warped(back)
    return np.where(np.isin(plain, DRAWN) | np.isin(moved, DRAWN), moved, plain)


# -- scenes --------------------------------------------------------------------------------


def backdrop(rng: np.random.Generator, pick: Pick, side: int) -> Image:
    """A (side, side) picture without a person: a strip beside somebody, or plain colours."""
    if rng.random() < 0.75:
        for _ in range(4):
            portrait = pick()
            free = (portrait.mask == 0).mean(axis=0) > 0.999
            runs = np.flatnonzero(np.diff(np.concatenate([[0], free, [0]])))
            spans = sorted(zip(runs[::2], runs[1::2], strict=True), key=lambda s: s[0] - s[1])
            if spans and spans[0][1] - spans[0][0] >= 40:
                left, right = spans[0]
                strip = portrait.image[:, left:right]
                height = min(len(strip), int((right - left) * rng.uniform(0.8, 2)))
                top = rng.integers(0, len(strip) - height + 1)
                return cv2.resize(strip[top : top + height], (side, side))
    corners = rng.integers(0, 256, (2, 2, 3), dtype=np.uint8)
    if rng.random() < 0.5:
        corners[:] = corners[0, 0]
    return cv2.resize(corners, (side, side), interpolation=cv2.INTER_LINEAR)


def soft_person(mask: Mask) -> npt.NDArray[np.float32]:
    """(H, W, 1) in [0, 1]: the person with a pixel of softness; unsure counts as half."""
    alpha = np.where(mask == IGNORE, 0.5, (mask > 0)).astype(np.float32)
    return cv2.GaussianBlur(alpha, (0, 0), 1.0)[..., None]


def other_background(rng: np.random.Generator, portrait: Portrait, pick: Pick) -> Portrait:
    """The same person before something else; unsure pixels keep both picture and doubt."""
    height, width = portrait.mask.shape
    behind = cv2.resize(backdrop(rng, pick, max(height, width)), (width, height))
    alpha = soft_person(portrait.mask)
    unsure = cv2.GaussianBlur((portrait.mask == IGNORE).astype(np.float32), (0, 0), 2)
    alpha = np.maximum(alpha, unsure[..., None])
    image = (portrait.image * alpha + behind * (1 - alpha)).astype(np.uint8)
    return replace(portrait, image=image)


def crowd(rng: np.random.Generator, pick: Pick, side: int, how: Scenes) -> Scene:
    """Two to four people in one scene, the later ones in front."""
    scene = Scene(backdrop(rng, pick, side), np.zeros((side, side), np.uint8))
    count = int(rng.integers(2, 5))
    for place in rng.permutation(count):
        portrait = pick()
        height, width = portrait.mask.shape
        scale = side / max(height, width) * rng.uniform(0.3, 1.0)
        shift = np.array([(place + 0.5) / count - 0.5, rng.uniform(0.0, 0.25)]) * side
        matrix = similarity(
            (width / 2, height / 2), scale, rng.normal(0, how.turn / 2), side, shift
        )
        whole = np.full(portrait.mask.shape, 255, np.uint8)
        inside = cv2.warpAffine(whole, matrix, (side, side))[..., None] / np.float32(255)
        one = warp(portrait, matrix, side, rng)
        # whatever is unsure beside somebody pasted is no longer what it was: keep the doubt
        known = np.where(inside[..., 0] > 0.5, one.mask, 0).astype(np.uint8)
        alpha = soft_person(known) * inside
        image = (one.image * alpha + scene.image * (1 - alpha)).astype(np.uint8)
        scene = Scene(image, np.where(known > 0, known, scene.mask))
    return scene


def blob(rng: np.random.Generator, side: int, reach: tuple[float, float]) -> Mask:
    """(side, side) of 0 and 1: a round or cornered thing, its radius drawn from `reach`."""
    shape = np.zeros((side, side), np.uint8)
    centre, radius = rng.uniform(0.1, 0.9, 2) * side, rng.uniform(*reach) * side
    if rng.random() < 0.5:
        axes = (radius * rng.uniform(0.5, 1.2, 2) + 1).astype(int).tolist()
        middle = centre.astype(int).tolist()
        cv2.ellipse(shape, middle, axes, rng.uniform(0, 180), 0, 360, 1, -1)
        return shape
    corners = rng.integers(4, 9)
    angles = np.sort(rng.uniform(0, 2 * np.pi, corners))
    far = radius * rng.uniform(0.6, 1.2, corners)
    points = centre + far[:, None] * np.stack([np.cos(angles), np.sin(angles)], 1)
    cv2.fillPoly(shape, [points.astype(np.int32)], 1)
    return shape


def stuff(rng: np.random.Generator, pick: Pick, side: int) -> Image:
    """What things are made of: a strip of some background, or one colour, often that of
    skin, shaded as round things are."""
    if rng.random() < 0.4:
        return backdrop(rng, pick, side)
    colour = rng.uniform(0, 255, 3)
    if rng.random() < 0.4:
        colour = np.array([1.0, 0.75, 0.62]) * rng.uniform(70, 245)
    light = cv2.resize(rng.uniform(0.5, 1.2, (3, 3)), (side, side), interpolation=cv2.INTER_CUBIC)
    return np.clip(light[..., None] * colour, 0, 255).astype(np.uint8)


def pasted(image: Image, thing: Image, shape: Mask) -> Image:
    soft = cv2.GaussianBlur(shape.astype(np.float32), (0, 0), 0.8)[..., None]
    return (thing * soft + image * (1 - soft)).astype(np.uint8)


def put_object(rng: np.random.Generator, scene: Scene, pick: Pick) -> Scene:
    """A thing somewhere in the background, clear of everybody: what stands out is not
    always a person."""
    side = len(scene.mask)
    shape = blob(rng, side, (0.04, 0.35))
    near = cv2.dilate((scene.mask > 0).astype(np.uint8), np.ones((9, 9), np.uint8))
    return Scene(pasted(scene.image, stuff(rng, pick, side), shape * (1 - near)), scene.mask)


def occlude(rng: np.random.Generator, scene: Scene, pick: Pick) -> Scene:
    """A thing in front of somebody: what it hides of a person is `person` (things held
    belong to who holds them), what it hides of the background is unsure."""
    side = len(scene.mask)
    shape = blob(rng, side, (0.05, 0.22))
    hidden = np.where(np.isin(scene.mask, (0, IGNORE)), IGNORE, 1)
    mask = np.where(shape > 0, hidden, scene.mask).astype(np.uint8)
    return Scene(pasted(scene.image, stuff(rng, pick, side), shape), mask)


# -- light and wear ------------------------------------------------------------------------


def relight(rng: np.random.Generator, image: Image, how: Scenes) -> Image:
    """Exposure, contrast, gamma, white balance, saturation, a light from one side."""
    x = image.astype(np.float32) / 255
    if rng.random() < how.grey:
        x = np.repeat(x.mean(2, keepdims=True), 3, axis=2)
    else:
        grey = x.mean(2, keepdims=True)
        x = grey + (x - grey) * np.float32(np.exp(rng.normal(0, how.saturation)))
        x = x * np.exp(rng.normal(0, how.white_balance, 3)).astype(np.float32)
        if rng.random() < how.warm:
            x = x * np.array([1.15, 0.95, rng.uniform(0.55, 0.85)], np.float32)
    gamma, gain = np.exp(rng.normal(0, how.gamma)), np.exp(rng.normal(0, how.gain))
    if rng.random() < how.dark:
        gain *= rng.uniform(0.25, 0.6)
    x = np.clip(x, 0, 1) ** np.float32(gamma) * np.float32(gain)
    middle = x.mean()
    x = (x - middle) * np.float32(np.exp(rng.normal(0, how.contrast))) + middle
    if rng.random() < how.side_light:
        side = len(x)
        angle = rng.uniform(0, 2 * np.pi)
        ramp = np.linspace(-1, 1, side, dtype=np.float32)
        slope = ramp[None] * np.cos(angle) + ramp[:, None] * np.sin(angle)
        x = x * np.exp(rng.uniform(0.2, 0.8) * slope)[..., None].astype(np.float32)
    return (np.clip(x, 0, 1) * 255 + 0.5).astype(np.uint8)


def wear(rng: np.random.Generator, image: Image, how: Scenes) -> Image:
    """Lost resolution, blur, noise, JPEG: what phones and chats do to a picture."""
    side = len(image)
    if rng.random() < how.shrink:
        small = int(side * rng.uniform(0.3, 0.8))
        image = cv2.resize(image, (small, small), interpolation=cv2.INTER_AREA)
        image = cv2.resize(image, (side, side), interpolation=cv2.INTER_LINEAR)
    if rng.random() < how.blur:
        image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.4, 1.6))
    if rng.random() < how.noise:
        strength = rng.uniform(2, 16)
        grain = rng.standard_normal(image.shape[:2], np.float32)[..., None]
        if rng.random() < 0.5:
            grain = rng.standard_normal(image.shape, np.float32)
        image = np.clip(image + strength * grain, 0, 255).astype(np.uint8)
    if rng.random() < how.jpeg:
        quality = int(rng.integers(25, 90))
        _, packed = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
        image = np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR))
    return image
