"""Pictures: whatever reads one agrees on its size, or refuses it."""

import io
import warnings
from collections.abc import Mapping

import numpy as np
from PIL import Image as Pil

from easyportrait.errors import EasyPortraitError
from easyportrait.image.io import (
    picture_size,
    read_image,
    read_luma,
    read_mask,
    read_notes,
    size_and_luma,
)
from easyportrait.image.photo import encode_photo, read_photo

from .target import refused

MOST = 1 << 20  # pixels: a round is short
KINDS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF", "PPM", "AVIF")
WORDS = (
    b"\x89PNG\r\n\x1a\n", b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND", b"iCCP", b"eXIf", b"zTXt",
    b"iTXt", b"\xff\xd8\xff", b"\xff\xda", b"\xff\xc0", b"\xff\xc2", b"\xff\xe1", b"\xff\xd9",
    b"Exif\0\0", b"II*\0", b"MM\0*", b"GIF89a", b"BM", b"RIFF", b"WEBP", b"VP8 ", b"VP8L", b"VP8X",
    b"ICCP", b"ftypavif", b"P6\n", b"P5\n", b"P4\n", b"MPF\0", b"\0\0\0\0", b"\xff\xff\xff\xff",
)  # fmt: skip


def check(data: bytes) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's, of odd files that it reads all the same
        for read in (read_luma, read_mask, size_and_luma):
            refused(lambda read=read: read(data, max_pixels=MOST))
        read_notes(io.BytesIO(data))  # type: ignore[arg-type]
        try:
            image = read_image(data, max_pixels=MOST)
        except EasyPortraitError:
            return
        assert image.dtype == np.uint8 and image.shape == (*picture_size(data), 3)
        # of a JPEG that is damaged in its middle, OpenCV makes more than Pillow
        refused(lambda: written_again(data, image.shape))


def written_again(data: bytes, shape: tuple[int, ...]) -> None:
    photo = read_photo(data, max_pixels=MOST)
    assert photo.image.shape == shape
    encode_photo(photo.image, ".png", photo, text={})


def seeds() -> Mapping[str, bytes]:
    """A small one of each format and kind of pixels: colours that run, and nobody."""
    y, x = np.mgrid[0:24, 0:16].astype(np.uint8)
    picture = Pil.fromarray(np.dstack([y * 10, x * 15, y * x]))
    turned = Pil.Exif()
    turned[0x0112] = 6
    turned[0x010F] = "maker"
    Pil.init()
    kinds = [kind for kind in KINDS if kind in Pil.SAVE]  # an old Pillow has no AVIF
    made = {f"plain.{kind.lower()}": as_file(picture, kind) for kind in kinds}
    for mode in ("1", "L", "P", "LA", "RGBA"):
        made[f"{mode}.png"] = as_file(picture.convert(mode), "PNG")
    made["I16.png"] = as_file(Pil.fromarray(y.astype(np.uint16) << 8), "PNG")
    made["F.tiff"] = as_file(Pil.fromarray(y.astype(np.float32)), "TIFF")
    made["cmyk.jpg"] = as_file(picture.convert("CMYK"), "JPEG")
    made["turned.jpg"] = as_file(picture, "JPEG", exif=turned.tobytes())
    made["turned.png"] = as_file(picture, "PNG", exif=turned.tobytes())
    made["turned.tiff"] = as_file(picture, "TIFF", exif=turned)
    made["progressive.jpg"] = as_file(picture, "JPEG", progressive=True, comment=b"a: b\nc")
    made["film.gif"] = as_file(picture, "GIF", save_all=True, append_images=[picture.rotate(180)])
    made["film.mpo"] = as_file(picture, "MPO", save_all=True, append_images=[picture.rotate(180)])
    made["lossless.webp"] = as_file(picture.convert("RGBA"), "WEBP", lossless=True)
    made["packed.tiff"] = as_file(picture, "TIFF", compression="tiff_lzw")
    made["empty"] = b""
    return made


def as_file(picture: Pil.Image, kind: str, **how: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **how)  # type: ignore[arg-type]
    return file.getvalue()
