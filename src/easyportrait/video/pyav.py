"""PyAV, which brings FFmpeg: an extra. Only this folder imports it, and only when it is used.

Colours, numbered as FFmpeg numbers them, live here too: how YUV becomes RGB and back again
must be decided once for both ways, or every video would come back a little different.
"""

from dataclasses import dataclass
from typing import Any

from ..errors import MissingExtra

UNKNOWN = 2  # of matrix, primaries and transfer
RGB, BT709, BT470BG, SMPTE170M, BT2020 = 0, 1, 5, 6, 9
LIMITED, FULL = 1, 2
PQ, HLG = 16, 18
# swscale's flags
BILINEAR, BICUBIC, ACCURATE_ROUNDING, FULL_CHROMA = 2, 4, 0x40000, 0x2000 | 0x4000
MATRICES = {BT709: 1, 4: 4, BT470BG: 5, SMPTE170M: 5, 7: 7, BT2020: 9}  # -> swscale's number


def load_pyav() -> Any:
    """The module `av`.

    Raises:
        MissingExtra: it is not installed.
    """
    try:
        import av
    except ImportError:
        raise MissingExtra("video", "PyAV (av)") from None
    return av


@dataclass(frozen=True, slots=True)
class Colours:
    """What a video says of its colours, by FFmpeg's numbers; untouched on the way through.

    Attributes:
        matrix: from YUV to RGB. 2 where the video does not say.
        span: 1 for limited (16 to 235), 2 for full (0 to 255), 0 where it does not say.
        primaries, transfer: 2 where the video does not say.
    """

    matrix: int = UNKNOWN
    span: int = 0
    primaries: int = UNKNOWN
    transfer: int = UNKNOWN

    @property
    def is_hdr(self) -> bool:
        return self.transfer in (PQ, HLG)

    def matrix_at(self, width: int, height: int) -> int:
        """swscale's number of the matrix; where the video does not say, as players guess."""
        guess = 1 if width > 1024 or height > 576 else 5
        return MATRICES.get(self.matrix, guess)


def accurately(way: int) -> dict[str, int]:
    """How to convert: without these flags a picture gets a shade darker at each turn.

    Args:
        way: BILINEAR or BICUBIC, how chroma is brought to another size. Bringing it up, the
            first takes half as long and differs by .1 of 255.
    """
    return {"interpolation": way | ACCURATE_ROUNDING | FULL_CHROMA, "threads": 1}
