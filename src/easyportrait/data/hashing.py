"""Perceptual hashes: pictures that look alike differ in few of 64 bits."""

import numpy as np
from PIL import Image as Pil

from ..errors import BadInput
from ..image.io import Image

SIDE = 32  # the picture is shrunk to this square
KEPT = 8  # lowest frequencies each way

# (8, 32): the first rows of an unnormalised DCT-II
COSINES = 2 * np.cos(np.pi * np.arange(KEPT)[:, None] * (2 * np.arange(SIDE) + 1) / (2 * SIDE))


def phash(image: Image) -> str:
    """The hash that `imagehash.phash` gives, without SciPy.

    Grey, 32 x 32, a DCT both ways; a bit says whether one of the 8 x 8 lowest frequencies
    is above their median.

    Args:
        image: (H, W, 3) or (H, W) uint8.

    Returns:
        16 hexadecimal digits. Where a picture is constant or symmetric to the last bit,
        imagehash's bits are partly rounding noise; here frequencies that vanish are zero.

    Source:
        hackerfactor.com, "Looks Like It" (2011), as in ImageHash 4.

    >>> phash(np.full((20, 30), 100, np.uint8))
    '8000000000000000'
    """
    grey = Pil.fromarray(image).convert("L").resize((SIDE, SIDE), Pil.Resampling.LANCZOS)
    low = (COSINES @ np.asarray(grey, np.float64) @ COSINES.T).round(6)
    return np.packbits(low > np.median(low)).tobytes().hex()


def distance(a: str, b: str) -> int:
    """In how many bits two hashes differ: 0 looks the same, around 32 has nothing in common.

    Raises:
        BadInput: one is not hexadecimal, or they differ in length.

    >>> distance("ff00", "fe01")
    2
    """
    if len(a) != len(b):
        raise BadInput(f"hashes of different length cannot be compared: {a!r} and {b!r}")
    try:
        return (int(a, 16) ^ int(b, 16)).bit_count()
    except ValueError:
        raise BadInput(f"a hash is hexadecimal digits, got {a!r} and {b!r}") from None
