"""Blur the background as a fast lens does, people staying sharp."""

from ..parsing import Parsing
from .background import before, defocused
from .effect import Effect, Image, Number

RADIUS = 0.04  # of the longer side, at full amount: about a portrait lens wide open


def blur_background(image: Image, parsing: Parsing, *, amount: float, bloom: float) -> Image:
    """A picture whose background is out of focus.

    Args:
        image: (H, W, 3) uint8 RGB. Not changed.
        parsing: of the same picture.
        amount: radius of what a point becomes: at 1 it is 4 % of the longer side; 0 leaves
            the picture as it is.
        bloom: how far bright points stand out as discs, 0 to 1.

    Returns:
        (H, W, 3) uint8; people's pixels stay bit for bit. Without any person, all is
        background and gets blurred.
    """
    if amount == 0:
        return image.copy()
    alpha = parsing.person
    radius = amount * RADIUS * max(parsing.size)
    return before(image, alpha, defocused(image, alpha, radius, bloom))


EFFECT = Effect(
    name="blur-background",
    help="Blur what is behind people, like a lens.",
    run=blur_background,
    knobs=(
        Number(name="amount", help="how much", default=0.5),
        Number(name="bloom", help="how far bright points stand out", default=0.5),
    ),
    needs=("person",),
    reach=None,
)
