"""Whiter teeth: yellow out and a little light in, each mouth by its own teeth and light."""

from dataclasses import dataclass

import cv2
import numpy as np

from ..image.colour import add_lab, to_lab
from ..parsing import Float, Parsing
from .edges import ramp, refined
from .effect import Effect, Image, Number

MOUTH = ("lips", "teeth")
MARGIN = 0.2  # of a mouth's width: enough skin around it to tell the light by
FEWEST = 12  # pixels of teeth, fewer show nothing

# How far full strength goes; by eye on 50 portraits, as all numbers here
TINT_OUT = 0.8  # of the distance to white
HEADROOM = 0.35  # of what the lightest teeth lack to LIGHTEST ...
GAIN = 0.18  # ... but never more than this share of their own lightness: no lamps in the dark
LIGHTEST = 96.0

# White under the light of the picture has this share of the skin around the mouth's a and b:
# that of the white of the eyes there, most of which is too small or shaded to be measured
SKIN_A, SKIN_B = 0.2, 0.38
WHITE = 1.0, 3.0  # where no skin is seen: a and b of white teeth in daylight


def whiten_teeth(image: Image, parsing: Parsing, *, amount: float) -> Image:
    """A picture whose teeth are whiter, with their shading, gaps and braces as they were.

    Args:
        image: (H, W, 3) uint8 RGB. Not changed.
        parsing: of the same picture.
        amount: from 0, nothing, to 1, the most that still looks like teeth.

    Returns:
        (H, W, 3) uint8; what is not tooth stays bit for bit. Teeth that are white already
        hardly change; in coloured light they stay in that light.
    """
    out = image.copy()
    names = [name for name in MOUTH if name in parsing.taxonomy.names]
    for window in parsing.windows(*names, margin=MARGIN):
        share = refined(parsing, "teeth", within=window)
        if np.count_nonzero(share > 0.6) < FEWEST:
            continue
        part = out[window]
        lab = to_lab(part)
        teeth = Teeth.seen(lab, share)
        white = white_of(lab, parsing.region("skin", within=window))
        share *= amount * teeth.enamel(lab)
        out[window] = add_lab(part, share[..., None] * whitening(lab, teeth, white))
    return out


@dataclass(frozen=True, slots=True)
class Teeth:
    """What the teeth of one mouth look like, in CIELAB.

    Attributes:
        light: L of their lightest tenth's beginning.
        middle: median L, a and b.
    """

    light: float
    middle: Float

    @classmethod
    def seen(cls, lab: Float, share: Float) -> "Teeth":
        """Out of (h, w, 3) colours and the (h, w) share of teeth, some above 0.6."""
        inside = lab[share > 0.6]
        light = float(np.percentile(inside[:, 0], 90))
        enamel = inside[inside[:, 0] > 0.6 * light]
        return cls(light, np.median(enamel, axis=0))

    def enamel(self, lab: Float) -> Float:
        """(h, w) in [0, 1]: 0 for dark gaps, red gums and the grey of braces."""
        lab = cv2.GaussianBlur(lab, (0, 0), 0.7)  # one noisy pixel is no gap
        lightness, a, b = cv2.split(lab)
        middle, red, yellow = self.middle
        lit = ramp(lightness, 0.3 * self.light, 0.6 * self.light)
        gum = ramp(a - red, 5, 13)
        metal = ramp(middle - lightness, 5, 14) * ramp(yellow - b, 4, 9)
        return lit * (1 - gum) * (1 - metal)


def white_of(lab: Float, skin: Float) -> tuple[float, float]:
    """a and b of something white under the light that falls on the skin."""
    seen = lab[skin > 0.8]
    if len(seen) < FEWEST:
        return WHITE
    _, a, b = np.median(seen, axis=0)
    return SKIN_A * float(a), SKIN_B * float(b)


def whitening(lab: Float, teeth: Teeth, white: tuple[float, float]) -> Float:
    """(h, w, 3): what full strength adds to L, a and b, as if all were tooth."""
    lightness, a, b = cv2.split(lab)
    middle = float(teeth.middle[0])
    lift = min(HEADROOM * max(0.0, LIGHTEST - teeth.light), GAIN * teeth.light)
    # most in the middle, nothing in black and white: shading keeps its order
    weight = np.minimum(lightness / middle, (100 - lightness) / (100 - middle))
    return cv2.merge(
        [
            lift * weight,
            TINT_OUT * np.minimum(white[0] - a, 0),
            TINT_OUT * np.minimum(white[1] - b, 0),
        ]
    )


EFFECT = Effect(
    name="whiten-teeth",
    help="Whiten teeth.",
    run=whiten_teeth,
    knobs=(Number(name="amount", help="how white", default=0.6),),
    needs=("teeth",),
    reach=0.02,
)
