"""Photographs with what cameras write beside the pixels, kept when a picture is changed.

EXIF stays, but for what would be wrong or say too much in another picture: the orientation
(pixels are upright now), the thumbnail (it shows the picture as it was: a face that was
hidden, say), the maker's note (its offsets break, and it may hold previews), and, unless it
is asked for, the place. XMP is left out for the same reasons. A colour profile stays, and
the pixels are brought back into its colours.
"""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
from PIL import ExifTags, ImageCms
from PIL import Image as Pil

from .io import MAX_PIXELS, WRITABLE, Image, as_rgb, encode, opened_picture, written

DROPPED = (ExifTags.Base.Orientation, 0x02BC)  # the latter: XMP inside EXIF
LOSSLESS = (".tif", ".tiff", ".bmp", ".gif", ".ppm", ".pgm", ".pbm")
DROPPED_INSIDE = (ExifTags.Base.MakerNote,)


@dataclass(frozen=True, slots=True, eq=False)
class Photo:
    """A picture and what its file said besides.

    Attributes:
        image: (H, W, 3) uint8 sRGB, upright.
        exif: a block for another file, b"" where there is none.
        icc: the profile that `write_photo` brings colours back to, b"" for sRGB.
    """

    image: Image
    exif: bytes
    icc: bytes


def read_photo(
    source: Path | str | bytes | IO[bytes],
    *,
    max_pixels: int = MAX_PIXELS,
    keep_place: bool = False,
) -> Photo:
    """As `read_image`, and what the file says besides.

    Args:
        source, max_pixels: as `read_image`.
        keep_place: keep where it was taken (GPS).

    Raises:
        ImageTooLarge, ImageUnreadable: as `read_image`.
    """
    with opened_picture(source, max_pixels) as picture:
        picture.load()
        exif, profile = picture.getexif(), picture.info.get("icc_profile") or b""
        is_rgb = picture.mode in ("RGB", "RGBA")
        image = np.asarray(as_rgb(picture))
    return Photo(
        image,
        cleaned(exif, image.shape[:2], keep_place),
        profile if is_rgb and usable(profile) else b"",
    )


def cleaned(exif: Pil.Exif, size: tuple[int, int], keep_place: bool) -> bytes:
    """EXIF fit for a changed, upright picture of (height, width)."""
    kept = Pil.Exif()
    kept.update({tag: value for tag, value in exif.items() if tag not in DROPPED})
    for ifd in (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo):
        kept.pop(ifd, None)
        inner = dict(exif.get_ifd(ifd))
        if inner and (ifd != ExifTags.IFD.GPSInfo or keep_place):
            kept.get_ifd(ifd).update({k: v for k, v in inner.items() if k not in DROPPED_INSIDE})
    if kept.get_ifd(ExifTags.IFD.Exif):
        height, width = size
        kept.get_ifd(ExifTags.IFD.Exif).update(
            {ExifTags.Base.ExifImageWidth: width, ExifTags.Base.ExifImageHeight: height}
        )
    try:
        return kept.tobytes() if len(kept) or kept.get_ifd(ExifTags.IFD.Exif) else b""
    except Exception:  # Pillow cannot write back all that it reads of odd tags
        return b""


def usable(profile: bytes) -> bool:
    """Whether colours can be brought back to a profile: it is one, of RGB, and not sRGB."""
    if not profile:
        return False
    try:
        opened = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        in_profile(np.zeros((1, 1, 3), np.uint8), profile)
        return "srgb" not in ImageCms.getProfileDescription(opened).lower()
    except (ImageCms.PyCMSError, OSError, ValueError):
        return False


def write_photo(path: Path, image: Image, photo: Photo, *, text: dict[str, str]) -> None:
    """Write a changed picture with what its source said besides.

    Args:
        path: its suffix chooses PNG, JPEG or WebP.
        image: (H, W, 3 or 4) uint8 sRGB.
        photo: what it was made from.
        text: as `write_image`.

    Raises:
        OutputUnwritable, ShapeMismatch: as `write_image`.
    """
    data = encode_photo(image, path.suffix.lower(), photo, text=text)
    with written(path) as file:
        file.write(data)


def encode_photo(image: Image, suffix: str, photo: Photo, *, text: dict[str, str]) -> bytes:
    """The bytes of such a file; arguments and errors as `write_photo`."""
    if photo.icc:
        image = image.copy()
        image[..., :3] = in_profile(image[..., :3], photo.icc)
    return encode(image, suffix, text=text, exif=photo.exif, icc=photo.icc)


def in_profile(image: Image, profile: bytes) -> Image:
    """(H, W, 3) sRGB -> the profile's own colours."""
    target = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    source = ImageCms.createProfile("sRGB")
    converted = ImageCms.profileToProfile(
        Pil.fromarray(np.ascontiguousarray(image)), source, target, outputMode="RGB"
    )
    return np.asarray(converted)


def suffix_for(source: Path, transparent: bool = False) -> str:
    """Of a changed picture's file: as the source's, or of the nearest kind that we write."""
    own = source.suffix.lower()
    if transparent:
        return ".webp" if own == ".webp" else ".png"
    if own in WRITABLE:
        return own
    return ".png" if own in LOSSLESS else ".jpg"
