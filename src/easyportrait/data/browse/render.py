"""Pictures and masks as a page takes them, and a place in memory to keep them."""

import gzip
import io
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import TypeVar, cast

import cv2
import numpy as np
from PIL import Image as Pil

from ...image.io import encode, read_image, read_mask
from ...taxonomy import Mask
from ..files import opened
from ..layout import Entry

SIDE = 320  # of a thumbnail's longer edge, in pixels
ROOM = 1 << 27  # bytes of pictures and masks that are kept in memory


@dataclass(frozen=True, slots=True)
class Labels:
    """A mask on its way to the page: its bytes row by row, zipped by gzip."""

    height: int
    width: int
    packed: bytes

    def __len__(self) -> int:
        return len(self.packed)


T = TypeVar("T", bytes, Labels)


def thumbnail(entry: Entry) -> bytes:
    """JPEG of the picture, at most `SIDE` pixels either way.

    Raises:
        ImageUnreadable, ImageTooLarge: as `read_image`.
    """
    image = read_image(opened(entry.image_file))
    height, width = image.shape[:2]
    size = smaller_size(height, width)
    if size != (height, width):
        image = np.asarray(cv2.resize(image, size[::-1], interpolation=cv2.INTER_AREA))
    buffer = io.BytesIO()
    Pil.fromarray(image).save(buffer, "JPEG", quality=82)
    return buffer.getvalue()


def photograph(entry: Entry) -> bytes:
    """JPEG of the picture: the file itself where browsers show it as `read_image` reads it.

    It is decoded whole first, since a browser shows half of a file that was cut short and
    says nothing.

    Raises:
        ImageUnreadable, ImageTooLarge: as `read_image`.
    """
    file = opened(entry.image_file)
    image = read_image(file)
    file.seek(0)
    with Pil.open(file) as picture:
        is_plain = picture.format in ("JPEG", "MPO") and picture.mode in ("RGB", "L")
    if not is_plain:
        return encode(image, ".jpg")
    file.seek(0)
    return file.read()


def labels_of(entry: Entry) -> Mask:
    """The mask as its file stores it; errors as `read_mask`."""
    return read_mask(opened(entry.mask_file))


def packed(labels: Mask) -> Labels:
    height, width = labels.shape
    return Labels(height, width, gzip.compress(labels.tobytes(), 1, mtime=0))


def smaller(labels: Mask) -> Mask:
    """At most `SIDE` pixels either way: of each cell the label in its middle, never a mix."""
    rows, columns = (
        ((np.arange(few) + 0.5) * many / few).astype(int)
        for few, many in zip(smaller_size(*labels.shape), labels.shape, strict=True)
    )
    return np.ascontiguousarray(labels[rows][:, columns])


def smaller_size(height: int, width: int) -> tuple[int, int]:
    """
    >>> smaller_size(1080, 1920), smaller_size(200, 1)
    ((180, 320), (200, 1))
    """
    scale = min(1, SIDE / max(height, width))
    return max(1, round(height * scale)), max(1, round(width * scale))


class Kept:
    """What was made once, kept in memory: at most so many bytes, least lately used out first.

    Args:
        room: in bytes. What alone would take a quarter of it is made anew each time.
    """

    def __init__(self, room: int = ROOM) -> None:
        self.room, self.taken = room, 0
        self._things: OrderedDict[Hashable, bytes | Labels] = OrderedDict()
        self._lock = threading.Lock()
        self._makers = [threading.Lock() for _ in range(64)]

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """What is kept under a key, or what `make` makes of it now.

        Whoever asks for what is being made waits for it instead of making it too.
        """
        with self._makers[hash(key) % len(self._makers)]:
            with self._lock:
                if key in self._things:
                    self._things.move_to_end(key)
                    return cast(T, self._things[key])
            made = make()
            self._keep(key, made)
            return made

    def _keep(self, key: Hashable, made: bytes | Labels) -> None:
        if len(made) > self.room // 4:
            return
        with self._lock:
            self._things[key] = made
            self.taken += len(made)
            while self.taken > self.room:
                _, oldest = self._things.popitem(last=False)
                self.taken -= len(oldest)
