"""Tint lips: another colour under the light, texture and shine that they have."""

import cv2
import numpy as np

from ..image.colour import add_lab, to_lab
from ..parsing import Float, Parsing, Window
from .edges import ramp, refined
from .effect import Choice, Colour, Effect, Image, Number, Rgb

MARGIN = 0.1  # of a mouth's width
FEWEST = 12  # pixels of lips, fewer show nothing

# Chosen by eye, as all numbers here
SHADES: dict[str, Rgb] = {
    "nude": (184, 116, 100),
    "rose": (188, 84, 94),
    "coral": (214, 92, 78),
    "red": (172, 22, 42),
    "brick": (140, 52, 44),
    "berry": (134, 32, 62),
    "plum": (102, 32, 52),
}
LIGHTER, DARKER = 2.0, 30.0  # most steps of L by which lips change: they are tinted, not painted
DEEP = 4.0  # of L: with 16, as for light alone, a strong red in deep shade glows
COVER = 0.85  # of the colour at full strength
SOFT = 0.012  # of a mouth's width, over which the tint fades out

# What becomes of the light that is more than the lips' around it
FINISHES = {"natural": 1.0, "matte": 0.4, "gloss": 1.6}


def tint_lips(image: Image, parsing: Parsing, *, color: Rgb, amount: float, finish: str) -> Image:
    """A picture whose lips are tinted, with their lines, shading and highlights.

    Args:
        image: (H, W, 3) uint8 RGB. Not changed.
        parsing: of the same picture. Teeth and the inside of a mouth are no lips.
        color: of the tint, sRGB from 0 to 255, as it looks in good light.
        amount: from 0, nothing, to 1, all that lips take on.
        finish: "natural", "matte" (less shine) or "gloss" (more).

    Returns:
        (H, W, 3) uint8; what is not lip stays bit for bit. A grey photograph stays grey:
        its lips become as much darker or lighter as the colour is.
    """
    out = image.copy()
    for window in parsing.windows("lips", margin=MARGIN):
        lips = refined(parsing, "lips", within=window)
        if np.count_nonzero(lips > 0.6) < FEWEST:
            continue
        part = out[window]
        lab = to_lab(part)
        share = COVER * amount * soft(lips, teeth_of(parsing, window))
        change = tinted(lab, lips, color, FINISHES[finish]) - lab
        out[window] = add_lab(part, share[..., None] * change)
    return out


def teeth_of(parsing: Parsing, window: Window) -> Float:
    """(h, w) in [0, 1], zeros by a model that does not know teeth."""
    if "teeth" in parsing.taxonomy.names:
        return refined(parsing, "teeth", within=window)
    return np.zeros([span.stop - span.start for span in window], np.float32)


def soft(lips: Float, teeth: Float) -> Float:
    """(h, w) in [0, 1]: where the tint goes; it fades towards the lips' edge, not beyond."""
    mouth = float(np.ptp(np.nonzero((lips > 0.5).any(0))[0])) + 1
    faded = blurred(lips, max(0.3, SOFT * mouth))
    return np.minimum(lips, faded) * (1 - teeth)


def tinted(lab: Float, lips: Float, color: Rgb, shine: float) -> Float:
    """(h, w, 3) CIELAB: all as if it were lip and took on all of the colour.

    Lips are a colour times their shading. Light that is k times as strong makes L + 16, a
    and b the cube root of k times as large (up to the toe of CIELAB), so a pixel's shading
    is (L + 16) / (L of the lips + 16), and the new colour is multiplied by it. What shines
    is the lamp's colour, not the lips', and takes on less.
    """
    seen = lab[lips > 0.6]
    old = np.median(seen, axis=0)
    new = worn(color, float(old[0]))
    new[1:] *= colourful(lab)
    lightness = shone(lab[..., 0], lips, shine)
    shading = ((lightness + 16) / (old[0] + 16))[..., None]
    # grain of colour stays, half as strong: pigment covers
    grain = lab[..., 1:] - old[1:] * shading
    out = np.concatenate(
        [(new[0] + 16) * shading - 16, new[1:] * shading + 0.5 * grain], axis=-1, dtype=np.float32
    )
    spark = ramp(lightness - old[0], 12, 32)[..., None]
    return out + 0.7 * spark * (np.dstack([lightness, lab[..., 1:]]) - out)


def worn(color: Rgb, lightness: float) -> Float:
    """The colour in CIELAB as lips of that lightness take it on, under their own light."""
    wished = to_lab(np.array([[color]], np.uint8))[0, 0]
    light = float(np.clip(wished[0], lightness - DARKER, lightness + LIGHTER))
    wished[1:] *= min((light + toe) / (wished[0] + toe) for toe in (DEEP, 16))
    wished[0] = light
    return wished


def colourful(lab: Float) -> float:
    """From 0 for a grey photograph, which stays grey, to 1 for one in colours."""
    most = float(np.percentile(np.hypot(lab[..., 1], lab[..., 2]), 90))
    return float(np.clip((most - 1.5) / 3, 0, 1))


def shone(lightness: Float, lips: Float, shine: float) -> Float:
    """L with what exceeds the lips' L around it made less or more."""
    wide = max(1.0, 0.15 * np.sqrt(np.count_nonzero(lips > 0.5)))
    base = blurred(lightness * lips, wide) / (blurred(lips, wide) + 1e-3)
    more = np.maximum(lightness - base, 0) * lips
    return np.minimum(lightness + (shine - 1) * more, 99)


def blurred(values: Float, width: float) -> Float:
    """A Gaussian blur, a wide one on a smaller map, since wide filters are slow."""
    height, across = values.shape
    scale = min(1.0, 4 / width)
    small = max(1, round(across * scale)), max(1, round(height * scale))
    few = cv2.resize(values, small, interpolation=cv2.INTER_AREA)
    few = cv2.GaussianBlur(few, (0, 0), width * scale)
    return cv2.resize(few, (across, height), interpolation=cv2.INTER_LINEAR)


EFFECT = Effect(
    name="tint-lips",
    help="Tint lips.",
    run=tint_lips,
    knobs=(
        Colour(name="color", help="of the tint", default="rose", names=SHADES),
        Number(name="amount", help="how strongly", default=0.5),
        Choice(name="finish", help="shine", default="natural", choices=tuple(FINISHES)),
    ),
    needs=("lips",),
    reach=0.02,
)
