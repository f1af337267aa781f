"""Label Studio's run-length encoding of what was painted with a brush.

A picture's pixels, row after row, four equal bytes each (0 to 255, how much of the pixel is
painted), as a stream of bits, the highest of a byte first:

    32       how many bytes the picture has
    5        bits of a value, less one
    4 x 4    four widths for counts, in bits, each less one
    then, until all bytes are told:
    1        1: the value that follows repeats; 0: values follow one by one
    2        which of the four widths the count has
    3 to 16  the count, less one
    8, ...   the value, or the values

This is `rle-pack` of thi.ng/umbrella, which Label Studio uses. It pads the last byte.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ...errors import BadInput
from .rle import Bits, runs

CHANNELS = 4
HEADER = 32 + 5 + 4 * 4  # bits
WORD = 8
WIDTHS = (3, 4, 8, 16)  # as Label Studio has them
PAINTED = 128  # of 255: from half a pixel on

Bytes = npt.NDArray[np.uint8]


def packed(bits: Bits) -> list[int]:
    """(H, W) -> bytes, as numbers."""
    counts = runs(bits.T) * CHANNELS  # along the rows, not painted first
    values = np.where(np.arange(len(counts)) % 2, 255, 0)
    most = 1 << WIDTHS[-1]
    pieces = -(-counts // most)  # a long run is several
    values = np.repeat(values, pieces)
    left = np.repeat(counts, pieces) - most * _places(pieces)
    less_one = np.minimum(left, most) - 1
    width = np.searchsorted([1 << w for w in WIDTHS], less_one, side="right")
    lengths = np.array(WIDTHS)[width]
    codes = ((1 << 2 | width) << lengths | less_one) << WORD | values
    head = [bits.size * CHANNELS, WORD - 1, *(w - 1 for w in WIDTHS)]
    stream = np.concatenate(
        [_bits(np.array(head), np.array([32, 5, 4, 4, 4, 4])), _bits(codes, 3 + lengths + WORD)]
    )
    return np.packbits(stream).tolist()


def _places(sizes: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """0, 1, ... for each of several things in a row: [2, 3] -> [0, 1, 0, 1, 2]."""
    ends = np.cumsum(sizes)
    return np.arange(ends[-1]) - np.repeat(ends - sizes, sizes)


def _bits(codes: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64]) -> Bytes:
    """Each code in so many bits, the highest first, one after another."""
    shifts = np.repeat(lengths - 1, lengths) - _places(lengths)
    return (np.repeat(codes, lengths) >> shifts & 1).astype(np.uint8)


def unpacked(data: Sequence[int], height: int, width: int) -> Bits:
    """The pixels that are painted, at least half of each.

    Args:
        data: numbers from 0 to 255.

    Raises:
        BadInput: it is not such, is cut short, or is of another size.
    """
    try:
        stream = _Stream(bytes([*data]))  # of a number alone, bytes() would make so many zeros
    except (TypeError, ValueError):
        raise BadInput("an rle of Label Studio is a list of bytes, and this is none") from None
    size, word = stream.read(32), stream.read(5) + 1
    widths = [stream.read(4) + 1 for _ in range(4)]
    if size != height * width * CHANNELS or word != WORD:
        raise BadInput(
            f"an rle of {size} values of {word} bits cannot be of {width} x {height} pixels, "
            f"which have {height * width * CHANNELS} of {WORD}"
        )
    out = np.zeros(size, np.uint8)
    at = 0
    while at < size:
        repeats = stream.read(1)
        end = at + stream.read(widths[stream.read(2)]) + 1
        if end > size:
            raise BadInput("an rle of Label Studio tells more pixels than it has")
        out[at:end] = stream.read(WORD) if repeats else stream.bytes(end - at)
        at = end
    return (out[CHANNELS - 1 :: CHANNELS] >= PAINTED).reshape(height, width)


class _Stream:
    """Bits of bytes, the highest of each first."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def read(self, bits: int) -> int:
        """The next bits, 32 at most, as a number."""
        first = self.at >> 3
        self._take(bits)
        window = int.from_bytes(self.data[first : first + 5].ljust(5, b"\0"), "big")
        return window >> 40 - (self.at - 8 * first) & (1 << bits) - 1

    def bytes(self, n: int) -> Bytes:
        """The next values, which need not begin where a byte does."""
        start, shift = self.at >> 3, self.at & 7
        self._take(8 * n)
        raw = np.frombuffer(self.data[start : start + n + 1].ljust(n + 1, b"\0"), np.uint8)
        pairs = raw[:-1].astype(np.uint16) << 8 | raw[1:]
        return (pairs >> 8 - shift & 255).astype(np.uint8)

    def _take(self, bits: int) -> None:
        self.at += bits
        if self.at > 8 * len(self.data):
            raise BadInput("an rle of Label Studio is cut short")
