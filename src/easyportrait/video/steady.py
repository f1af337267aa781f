"""Answers that do not flicker: what a still region was is remembered, what moves is not.

A net looks at each frame afresh, so that labels at borders change their mind with every
grain of noise. Here each look's probabilities are averaged with those before, the more the
less the picture has changed there: a head that keeps still gets calm outlines, a hand that
moves leaves no trail.

    change of the picture   none ........ some ........ much
    the new answer counts   REST          between       wholly

Looks at faces follow their faces. So the answers before are brought to where the face is
now: as if the picture stood still, as if the face stood still in its square, or as far as
its light says that it moved, whichever fits the picture best.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from ..image.crop import cut
from ..parsing import Float, Image, Look, Parsing

REST = 0.2  # how much the new answer counts where nothing changes: a memory of five frames
NOISE = 1.5, 4.0  # levels by which a still picture's cells change, for all their grain
QUIET, LOUD = 2.0, 5.0  # times the noise: below the one nothing moves, above the other it does
REACH = 2  # cells around a change that may have changed with it
SURE = 0.5  # share of probability that two frames must move alike to be believed at once
SAME_FACE = 0.3  # overlap of two squares from which on they hold the same face


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """What is remembered of a look.

    Attributes:
        look: the averaged answer and its place.
        light: (h, w) float32, the picture's luma on the look's cells, averaged likewise.
        doubt: (h, w) bool, where the last answer differed from what is remembered.
    """

    look: Look
    light: Float
    doubt: npt.NDArray[np.bool_]


class Steady:
    """Parsings of a video's frames, one after the other, made calm.

    Args:
        strength: 1 as described above, 0 leaves every answer as it is.

    A frame of another size, or one in which nearly everything changed (a cut), starts anew.
    """

    def __init__(self, strength: float = 1.0) -> None:
        self.rest = 1 - strength * (1 - REST)
        self._size: tuple[int, int] | None = None
        self._frame: Known | None = None
        self._faces: tuple[Known, ...] = ()

    def __call__(self, parsing: Parsing) -> Parsing:
        """The frame's parsing, averaged with those before it."""
        if parsing.size != self._size:
            self._size, self._frame, self._faces = parsing.size, None, ()
        before = [self._frame] if self._frame else []
        self._frame = self._after(parsing.image, parsing.frame, before)
        known = self._faces
        self._faces = tuple(
            self._after(
                parsing.image, look, [k for k in known if overlap(k.look, look) > SAME_FACE]
            )
            for look in parsing.face_looks
        )
        return replace(
            parsing,
            frame=self._frame.look,
            face_looks=tuple(face.look for face in self._faces),
        )

    def _after(self, image: Image, look: Look, before: list[Known]) -> Known:
        light = luma(image, look)
        nothing = np.zeros(light.shape, bool)
        if not before:
            return Known(look, light, nothing)
        known = max(before, key=lambda k: overlap(k.look, look))
        if known.look.probs.shape != look.probs.shape:
            return Known(look, light, nothing)
        way = best_way(known, look, light)
        old, old_light, seen = moved(known, way)
        share = self.rest + (1 - self.rest) * changed(light, old_light)
        apart = np.abs(look.probs - old).sum(0) / 2
        doubt = apart > SURE
        share[doubt & warped(known.doubt.astype(np.float32), way).astype(bool)] = 1
        share[~seen] = 1
        probs = old + share * (look.probs - old)
        return Known(
            replace(look, probs=probs), old_light + share * (light - old_light), doubt & (share < 1)
        )


def luma(image: Image, look: Look) -> Float:
    """(h, w) float32: how light the picture is, on the look's cells; calmed by a small blur."""
    height, width = look.probs.shape[1:]
    place = round(look.left), round(look.top), round(look.width), round(look.height)
    part = cut(image, *place, width, height)
    return cv2.GaussianBlur(cv2.cvtColor(part, cv2.COLOR_RGB2GRAY).astype(np.float32), (0, 0), 1)


def changed(light: Float, before: Float) -> Float:
    """(h, w) in [0, 1]: how surely each cell's picture changed, beyond its noise.

    The noise is the median change, as most of a picture mostly keeps still; when all of it
    moves, a bound tells.
    """
    change = np.abs(light - before)
    noise = float(np.clip(np.median(change), *NOISE))
    near = cv2.dilate(change, np.ones((2 * REACH + 1,) * 2, np.uint8))
    return np.clip((near / noise - QUIET) / (LOUD - QUIET), 0, 1)


def best_way(known: Known, look: Look, light: Float) -> Float:
    """How cells of a look hang on cells of the one before, as a (2, 3) affine map.

    The one of these under which the picture fits best: the picture stood still; the look's
    square moved with its face; either, and a shift that phase correlation finds (Kuglin &
    Hines 1975).
    """
    ways = [still_picture(known.look, look)]
    if look.fade:  # a look at a face
        ways.append(np.eye(2, 3, dtype=np.float32))
        window = cv2.createHanningWindow(light.shape[::-1], cv2.CV_32F)
        for way in tuple(ways):
            # copies, since OpenCV lays the window over what it is given
            (dx, dy), _ = cv2.phaseCorrelate(light.copy(), warped(known.light, way), window)
            if max(abs(dx), abs(dy)) < len(light) / 4:
                shift = np.array([[0, 0, dx], [0, 0, dy]], np.float32)
                ways.append(way + shift * np.array([[way[0, 0]], [way[1, 1]]], np.float32))
    return min(ways, key=lambda way: float(np.abs(warped(known.light, way) - light).mean()))


def still_picture(before: Look, now: Look) -> Float:
    """Cells of `now` -> cells of `before` that lie at the same place of the picture."""
    rows = []
    for axis, cells in ((1, now.probs.shape[2]), (0, now.probs.shape[1])):
        start, extent = (now.left, now.width) if axis == 1 else (now.top, now.height)
        old_start, old = (before.left, before.width) if axis == 1 else (before.top, before.height)
        scale = extent / old
        offset = ((start - old_start) / old + 0.5 * scale / cells) * cells - 0.5
        rows.append([scale, 0, offset] if axis == 1 else [0, scale, offset])
    return np.array(rows, np.float32)


def warped(values: Float, way: Float) -> Float:
    return cv2.warpAffine(
        values,
        way,
        values.shape[::-1],
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )


def moved(known: Known, way: Float) -> tuple[Float, Float, npt.NDArray[np.bool_]]:
    """Probabilities and light before, brought to the cells of now; and which cells of now
    were seen before."""
    if np.array_equal(way, np.eye(2, 3, dtype=np.float32)):
        return known.look.probs, known.light, np.ones(known.light.shape, bool)
    probs = np.stack([warped(channel, way) for channel in known.look.probs])
    height, width = known.light.shape
    x = way[0, 0] * np.arange(width) + way[0, 2]
    y = way[1, 1] * np.arange(height) + way[1, 2]
    inside_x, inside_y = (x >= -0.5) & (x <= width - 0.5), (y >= -0.5) & (y <= height - 0.5)
    return probs, warped(known.light, way), inside_y[:, None] & inside_x


def overlap(a: Look, b: Look) -> float:
    """IoU of two looks' rectangles."""
    wide = min(a.left + a.width, b.left + b.width) - max(a.left, b.left)
    high = min(a.top + a.height, b.top + b.height) - max(a.top, b.top)
    both = max(0.0, wide) * max(0.0, high)
    return both / (a.width * a.height + b.width * b.height - both)
