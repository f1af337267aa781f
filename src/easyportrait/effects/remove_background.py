"""Remove the background: the person on nothing, for laying over something else."""

from ..image.matte import cut_out
from ..parsing import Parsing
from .effect import Effect, Image


def remove_background(image: Image, parsing: Parsing) -> Image:
    """The person alone.

    Args:
        image: (H, W, 3) uint8 RGB. Not changed.
        parsing: of the same picture.

    Returns:
        (H, W, 4) uint8 RGBA, straight alpha; the person's pixels stay bit for bit, and at
        the edge the old background is taken out of the colours. Without any person, all is
        transparent.
    """
    return cut_out(image, parsing.person)


EFFECT = Effect(
    name="remove-background",
    help="Make the background transparent.",
    run=remove_background,
    knobs=(),
    needs=("person",),
    reach=None,
    switch=True,
)
