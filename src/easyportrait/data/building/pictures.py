"""One photograph and its mask: read, measured, and made what lies in a dataset.

Photographs become upright RGB JPEG, and stay as they are to the last byte where they are
that already; masks become 8-bit class indices. Nothing is resized.
"""

import io
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from PIL import ExifTags
from PIL import Image as Pil

from ...errors import BadInput, ShapeMismatch
from ...image.io import MAX_PIXELS, Image, encode, read_image, read_mask
from ...taxonomy import CLASSES, IGNORE, Mask
from ..convert.colours import UNLISTED, by_colour
from ..files import Readable
from ..hashing import phash
from ..meta import brightness
from ..quality import Quality, sharpness
from .sources import Source

UPRIGHT = 1
PACK = np.array([1 << 16, 1 << 8, 1], np.uint32)  # (R, G, B) @ PACK: a colour as one number

# EXIF orientation: how what is stored is turned to be upright, and whether that mirrors it
TURNS: dict[int, tuple[Pil.Transpose, bool]] = {
    2: (Pil.Transpose.FLIP_LEFT_RIGHT, True),
    3: (Pil.Transpose.ROTATE_180, False),
    4: (Pil.Transpose.FLIP_TOP_BOTTOM, True),
    5: (Pil.Transpose.TRANSPOSE, True),
    6: (Pil.Transpose.ROTATE_270, False),
    7: (Pil.Transpose.TRANSVERSE, True),
    8: (Pil.Transpose.ROTATE_90, False),
}


class FaceFinder(Protocol):
    """What finds faces: an `easyportrait.Parser`, or whatever answers as one does."""

    @property
    def card(self) -> Any: ...

    def parse(self, image: Image, /) -> Any:
        """Has `faces`, each with a `box` that has a `height` in pixels."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How pictures and masks are to be read.

    Attributes:
        masks_as_stored: masks were drawn on the pixels that the photographs store, and are
            turned with them; else they cover the photographs as people see them.
        max_pixels: as `read_image`.
    """

    masks_as_stored: bool = False
    max_pixels: int = MAX_PIXELS


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known of a pair once it was read.

    Attributes:
        measures: of the photograph as it will be written.
        unknown: pixels of the mask that are 255.
        photo_made, mask_made: whether the file that is written is another than the source.
        bytes: of both files that will be written.
    """

    measures: Quality
    unknown: int
    photo_made: bool
    mask_made: bool
    bytes: int


def look(source: Source, reading: Reading, finder: FaceFinder | None) -> Seen:
    """Read and measure a pair.

    Raises:
        ImageUnreadable, ImageTooLarge: the photograph or the mask is no picture.
        ShapeMismatch: the mask does not cover the photograph, or has a mode of its own.
        BadInput: the mask holds values or colours that are no class.
    """
    photo, image, mask = ready(source, reading)
    if mask.classes.shape != image.shape[:2]:
        raise ShapeMismatch(mismatch(source, image, mask.classes, reading))
    face = None if finder is None else tallest(finder, image)
    height, width = image.shape[:2]
    return Seen(
        Quality(
            phash(image), width, height, brightness(image), sharpness(image, mask.classes), face
        ),
        int(np.count_nonzero(mask.classes == IGNORE)),
        photo.made,
        mask.made,
        len(photo.data) + len(mask.data),
    )


def tallest(finder: FaceFinder, image: Image) -> float:
    """The height of the tallest face in pixels, 0 without one."""
    return round(max((float(face.box.height) for face in finder.parse(image).faces), default=0), 1)


@dataclass(frozen=True, slots=True)
class File:
    """A file as it is written.

    Attributes:
        data: its bytes.
        made: whether they are others than the source's.
    """

    data: bytes
    made: bool


@dataclass(frozen=True, slots=True)
class MaskFile(File):
    """Attributes:
    classes: (H, W) uint8 that the file holds: nine classes, 255 where not known.
    """

    classes: Mask


def ready(source: Source, reading: Reading) -> tuple[File, Image, MaskFile]:
    """Both files as they are written, and what they show. Raises as `look`."""
    data = source.photo.read()
    photo, image, turn = photo_file(data, str(source.photo), reading)
    turn = turn if reading.masks_as_stored else UPRIGHT
    return photo, image, mask_file(source.mask, turn, reading)


def files(source: Source, seen: Seen, reading: Reading) -> tuple[bytes, bytes]:
    """Photograph and mask as they are written; what needs no change is copied unseen."""
    if seen.photo_made:
        photo, _, mask = ready(source, reading)
        return photo.data, mask.data
    if seen.mask_made:
        return source.photo.read(), mask_file(source.mask, UPRIGHT, reading).data
    return source.photo.read(), source.mask.read()


# -- photographs ---------------------------------------------------------------------------


def photo_file(data: bytes, name: str, reading: Reading) -> tuple[File, Image, int]:
    """A photograph as JPEG, what it shows, and the orientation that its source had.

    Whoever reads a dataset may or may not heed an EXIF orientation, so none is left in it.
    """
    image = read_image(Named(data, name), max_pixels=reading.max_pixels)
    with Pil.open(io.BytesIO(data)) as picture:
        turn = picture.getexif().get(ExifTags.Base.Orientation, UPRIGHT)
        is_jpeg = picture.format in ("JPEG", "MPO") and picture.mode == "RGB"
    if is_jpeg and turn not in TURNS:
        return File(data, made=False), image, turn
    made = encode(image, ".jpg")
    return File(made, made=True), read_image(made), turn


class Named(io.BytesIO):
    """Bytes that know what to be called in a message."""

    def __init__(self, data: bytes, name: str) -> None:
        super().__init__(data)
        self.name = name


# -- masks ---------------------------------------------------------------------------------


def mask_file(file: Readable, turn: int, reading: Reading) -> MaskFile:
    """A mask as 8-bit class indices, turned as the EXIF orientation `turn` says.

    Raises:
        ImageUnreadable, ImageTooLarge, ShapeMismatch: as `read_mask`.
        BadInput: it holds values or colours that are no class.
    """
    data = file.read()
    classes, is_plain = read_classes(data, str(file), reading)
    if turn in TURNS:
        how, is_mirror = TURNS[turn]
        classes = np.asarray(Pil.fromarray(classes).transpose(how))
        classes, is_plain = (CLASSES.mirror_table[classes] if is_mirror else classes), False
    return MaskFile(data if is_plain else encode(classes, ".png"), not is_plain, classes)


def read_classes(data: bytes, name: str, reading: Reading) -> tuple[Mask, bool]:
    """The classes of a mask, and whether the file is what a dataset has: 8 bits of grey.

    One channel holds indices. Three hold the taxonomy's colours. A palette is read by its
    colours where they are all the taxonomy's, or all grey of a class's number: tools that
    make files smaller turn either into a palette and number it anew. Else indices count.
    """
    kind = mode_of(data)
    if kind in ("RGB", "RGBA"):
        return of_colours(read_colours(data, name, reading), name), False
    mask = read_mask(Named(data, name), max_pixels=reading.max_pixels)
    if kind == "P":
        mask = palette_table(data, mask)[mask]
    if odd := [int(v) for v in np.unique(mask) if len(CLASSES) <= v != IGNORE]:
        listed = ", ".join(map(str, odd[:5])) + (", ..." if len(odd) > 5 else "")
        raise BadInput(
            f"{name} holds values that are no class 0..{len(CLASSES) - 1} or {IGNORE}: {listed}"
        )
    return mask, kind == "L"


def mode_of(data: bytes) -> str:
    """Pillow's mode of a PNG, "L;4" and the like where grey is not 8 bits; "" of what is none."""
    try:
        with Pil.open(io.BytesIO(data), formats=["PNG"]) as picture:
            return str(picture.tile[0][3]) if picture.mode == "L" else picture.mode
    except (OSError, ValueError, SyntaxError):
        return ""  # `read_mask` says what is wrong with it


def read_colours(data: bytes, name: str, reading: Reading) -> Image:
    """(H, W, 3) uint8, just as stored: neither turned nor brought to another colour space."""
    read_image(Named(data, name), max_pixels=reading.max_pixels)  # refuses what cannot be read
    with Pil.open(io.BytesIO(data), formats=["PNG"]) as picture:
        if picture.mode == "RGBA" and picture.getchannel("A").getextrema() != (255, 255):
            raise ShapeMismatch(f"{name} is transparent in places; a mask says what all pixels are")
        return np.asarray(picture.convert("RGB"))


def of_colours(image: Image, name: str) -> Mask:
    """(H, W, 3) uint8 in the taxonomy's colours, white where not known -> (H, W) uint8.

    Raises:
        BadInput: another colour.
    """
    packed = image.astype(np.uint32) @ PACK
    mask = classes_by_colour()[packed]
    if (mask == UNLISTED).any():
        odd, counts = np.unique(packed[mask == UNLISTED], return_counts=True)
        worst = odd[counts.argmax()]
        raise BadInput(
            f"{name} holds {len(odd)} colours that are no class, such as #{worst:06x} "
            f"({counts.max()} px); bring other colours to classes with `easyportrait data convert`"
        )
    return mask


@lru_cache(maxsize=1)
def classes_by_colour() -> Mask:
    """(2**24,) uint8, at 65536 R + 256 G + B."""
    colours = {str(label.rgb).strip("()"): i for i, label in enumerate(CLASSES.labels)}
    return by_colour(colours | {"#ffffff": IGNORE}, Path("the taxonomy"))


def palette_table(data: bytes, mask: Mask) -> Mask:
    """(256,) uint8: what each index of a palette mask means."""
    with Pil.open(io.BytesIO(data), formats=["PNG"]) as picture:
        colours = np.array(picture.getpalette("RGB") or [], np.uint32).reshape(-1, 3)
    table = np.arange(256, dtype=np.uint8)
    used = np.unique(mask)
    if used.max() >= len(colours) or len(np.unique(colours[used], axis=0)) < len(used):
        return table
    mine = colours[used]
    classes = classes_by_colour()[mine @ PACK]
    is_class = (mine[:, 0] < len(CLASSES)) | (mine[:, 0] == IGNORE)
    if ((mine == mine[:, :1]).all(1) & is_class).all():
        table[used] = mine[:, 0]
    elif (classes != UNLISTED).all():
        table[used] = classes
    return table


def mismatch(source: Source, image: Image, mask: Mask, reading: Reading) -> str:
    (height, width), (high, wide) = image.shape[:2], mask.shape
    hint = ""
    if (height, width) == (wide, high) and not reading.masks_as_stored:
        hint = "; --masks-as-stored turns masks that were drawn before the EXIF orientation"
    return (
        f"{source.mask} is {wide} x {high} (width x height) and its photograph {width} x {height} "
        f"as people see it; nothing is resized{hint}"
    )
