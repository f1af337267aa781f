"""The photograph that comes with the package: Eileen Collins, by NASA, public domain.

https://flic.kr/p/r9qvLn, cropped and scaled to 512 x 512 by scikit-image, whose
`data.astronaut()` it is.
"""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..image.io import read_image

DEMO = Path(__file__).parent / "astronaut.jpg"


def demo_image() -> npt.NDArray[np.uint8]:
    """(512, 512, 3) uint8 RGB: a portrait of an astronaut."""
    return read_image(DEMO)
