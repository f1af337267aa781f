"""Another eye colour: the iris is tinted, its texture, shading, dark rim and glints stay."""

import cv2
import numpy as np

from ..image.colour import blend, from_lab, to_lab
from ..parsing import Float, Parsing
from .edges import ramp
from .effect import Colour, Effect, Image, Number
from .iris import EYES, Eye, Iris, eyes

# middle tones of irises by eye on close photographs in daylight
COLORS = {
    "blue": (98, 134, 168),
    "green": (106, 126, 84),
    "brown": (94, 60, 38),
    "hazel": (128, 100, 58),
    "grey": (130, 138, 144),
    "gray": (130, 138, 144),
    "amber": (166, 112, 46),
    "violet": (112, 92, 152),
}
WHITE = 82.0  # L of an eye's white in that light
LIFT = 0.6  # of the way to the colour's own lightness: all of it looks painted
MOST = 2.4  # times brighter a dark iris may get: beyond, its noise shows


def eye_color(
    image: Image, parsing: Parsing, *, color: tuple[int, int, int], amount: float
) -> Image:
    """A picture with irises of another colour.

    Args:
        image: (H, W, 3) uint8 RGB. Not changed.
        parsing: of the same picture.
        color: RGB of the middle tone of an iris in daylight; in less light it is darker.
        amount: 0 leaves the picture as it is, 1 leaves nothing of the old colour.

    Returns:
        (H, W, 3) uint8. Pupils, whites, lids and eyes whose iris cannot be told stay bit
        for bit.
    """
    out = image.copy()
    target = to_lab(np.array([[color]], np.uint8))[0, 0]
    for eye in eyes(image, parsing):
        if eye.iris is None:
            continue
        part = out[eye.window]
        lab = to_lab(part)
        share = ring(eye.iris, eye.open, lab[..., 0])
        if share.max(initial=0) <= 0.5:
            continue
        share *= 1 - glints(lab[..., 0], share, eye.iris.radius)
        out[eye.window] = blend(part, from_lab(tinted(lab, share, eye, target)), amount * share)
    return out


def ring(iris: Iris, free: Float, light: Float) -> Float:
    """(h, w) in [0, 1]: the iris without its pupil, as far as the lids leave it free.

    Args:
        light: (h, w) L of the eye. What is brighter than the iris is no pupil.
    """
    far = iris.far(*free.shape)
    soft = max(1.0, 0.14 * iris.radius)
    outer = np.clip((iris.radius - far) / soft + 0.5, 0, 1)
    pupil = 1 - np.clip((far - iris.pupil) / max(1.0, 0.2 * iris.radius) + 0.2, 0, 1)
    around = (outer * free > 0.5) & (pupil < 0.5)
    if around.any():
        pupil *= np.clip((np.median(light[around]) + 6 - light) / 8, 0, 1)
    return np.asarray(outer * (1 - pupil) * free, np.float32)


def glints(light: Float, share: Float, radius: float) -> Float:
    """(h, w) in [0, 1]: what is so much brighter than the iris that it is a light in it, and
    its soft edge, which tinted would be a halo. Wide reflections count too, so most of the
    iris alone tells what is usual."""
    usual = float(np.median(light[share > 0.5]))
    lamp = ramp(light, usual + 8, usual + 8 + max(14, 0.35 * usual))
    edge = np.ones((2 * round(0.06 * radius) + 1,) * 2, np.uint8)
    return cv2.dilate(lamp, edge)


def tinted(lab: Float, share: Float, eye: Eye, target: Float) -> Float:
    """The eye as CIELAB, all of it as if it were iris of that colour.

    Lightness is multiplied, so that shadows under the lid stay shadows; colour goes with
    lightness, and both with the light there is, which the eye's white tells.
    """
    assert eye.iris is not None
    seen = share > 0.5
    usual = np.median(lab[seen], 0)
    white = np.percentile(lab[..., 0][eye.open > 0.5], 90)
    there = float(np.clip(white / WHITE, 0.15, 1.1))
    wished = usual[0] + LIFT * (target[0] * there - usual[0])
    gain = float(np.clip(wished / max(usual[0], 3.0), 0.5, MOST))
    # the dark rim of an iris is a part of what makes it one
    rim = np.clip((eye.iris.far(*share.shape) / eye.iris.radius - 0.75) / 0.25, 0, 1)
    light = lab[..., 0] * (gain + (min(gain, 1.0) - gain) * 0.6 * rim**2)
    strength = there * np.clip(light / max(target[0] * there, 1.0), 0, 1.15) ** 0.8
    own = cv2.GaussianBlur(lab[..., 1:], (0, 0), max(0.3, 0.02 * eye.iris.radius)) - usual[1:]
    colour = strength[..., None] * target[1:] + 0.4 * np.clip(own, -12, 12)
    return np.dstack([light, colour]).astype(np.float32)


EFFECT = Effect(
    name="eye-color",
    help="Another eye colour.",
    run=eye_color,
    knobs=(
        Colour(name="color", help="which", default="blue", names=COLORS),
        Number(name="amount", help="how much of it", default=0.7),
    ),
    needs=EYES,
)
