"""Pictures in and out: whatever was given becomes upright sRGB, and nothing half-written stays.

Reading honours EXIF rotation and ICC profiles, puts transparent pictures on white, and
brings palettes, CMYK, grey, 1-bit and 16-bit pictures to (H, W, 3) uint8 RGB. Of an
animation, the first frame is read. Formats are an allow-list; the number of pixels is
limited before anything is decoded.
"""

import io
import os
import secrets
import struct
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import IO, Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import ExifTags, ImageCms, ImageOps, PngImagePlugin, UnidentifiedImageError
from PIL import Image as Pil

from ..errors import ImageTooLarge, ImageUnreadable, OutputUnwritable, ShapeMismatch
from .jpeg import check_jpeg

Image = npt.NDArray[np.uint8]

FORMATS = ("JPEG", "MPO", "PNG", "WEBP", "TIFF", "BMP", "GIF", "PPM", "AVIF", "HEIF")
SUFFIXES = frozenset(
    [
        ".jpg",
        ".jpeg",
        ".jpe",
        ".jfif",
        ".png",
        ".webp",
        ".tif",
        ".tiff",
        ".bmp",
        ".gif",
        ".ppm",
        ".pgm",
        ".pbm",
        ".avif",
        ".heic",
        ".heif",
    ]
)

WRITABLE = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}

# Pillow warns beyond this of its own accord, and refuses beyond twice of it.
MAX_PIXELS = 89_478_485
MAX_SIDE = 65_535  # a JPEG's; a million rows cost more than their pixels

# What Pillow's decoders raise on damaged files, besides OSError.
DAMAGE = (
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    IndexError,
    KeyError,
    TypeError,
    ArithmeticError,
    AttributeError,
    AssertionError,
    RuntimeError,
    struct.error,
    zlib.error,
    cv2.error,
)


def read_image(source: Path | str | bytes | IO[bytes], *, max_pixels: int = MAX_PIXELS) -> Image:
    """Read a picture as people see it.

    Args:
        source: a path, the file's bytes, or a binary file object.
        max_pixels: the most pixels (width x height) that will be decoded. Pillow itself
            stops at 178,956,970.

    Returns:
        (H, W, 3) uint8 sRGB, turned by its EXIF orientation.

    Raises:
        ImageTooLarge: it has more pixels than `max_pixels`.
        ImageUnreadable: it is missing, damaged, cut short, or of a format not in `FORMATS`;
            the message names the file and the reason.
    """
    with opened_picture(source, max_pixels) as picture:
        plain = plain_jpeg(picture)
        if plain is not None:
            return plain
        picture.load()
        return np.asarray(as_rgb(picture))


def plain_jpeg(picture: Pil.Image) -> Image | None:
    """A whole JPEG with nothing to turn or convert, as (H, W, 3) uint8 RGB; None of others.

    OpenCV has the same decoder as Pillow, and gives its pixels away without copying them
    twice: the same picture, in two thirds of the time.
    """
    if (
        picture.format != "JPEG"
        or picture.mode != "RGB"
        or "icc_profile" in picture.info
        or picture.getexif().get(ExifTags.Base.Orientation, 1) != 1
    ):
        return None
    file: IO[bytes] = picture.fp  # type: ignore[attr-defined]
    file.seek(0)
    data = file.read()
    if not data.endswith(b"\xff\xd9"):  # cut short, perhaps: Pillow knows, OpenCV goes on
        return None
    flags = cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION
    found = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    if found is None or found.shape[1::-1] != picture.size:
        return None
    found.flags.writeable = False  # as all that is read
    return found


def read_luma(source: Path | str | bytes | IO[bytes], *, max_pixels: int = MAX_PIXELS) -> Image:
    """(H, W) uint8: the luma (ITU-R BT.601) of what `read_image` gives, and in less time,
    since the colours need not be put together.

    Raises:
        ImageTooLarge, ImageUnreadable: as `read_image`.
    """
    with opened_picture(source, max_pixels) as picture:
        picture.load()
        return np.asarray(as_rgb(picture).convert("L"))


def read_mask(source: Path | str | bytes | IO[bytes], *, max_pixels: int = MAX_PIXELS) -> Image:
    """Read a mask as the class indices that the file stores.

    No colour conversion, no smoothing, no turning by EXIF; of a palette PNG, the indices
    and not their colours. Which values mean something is not checked.

    Args:
        source, max_pixels: as `read_image`.

    Returns:
        (H, W) uint8.

    Raises:
        ShapeMismatch: it has more than one channel, or not up to 8 bits of grey or palette.
        ImageTooLarge: it has more pixels than `max_pixels`.
        ImageUnreadable: it is missing, damaged, or no PNG.
    """
    name = source_name(source)
    with _readable(name), Pil.open(_opened(source), formats=_formats()) as picture:
        if picture.format != "PNG":
            raise ImageUnreadable(f"{name} is a {picture.format}, and a mask is a PNG")
        _check_pixels(name, picture, max_pixels)
        if picture.mode not in ("L", "P"):
            raise ShapeMismatch(
                f"{name}: a mask is one channel of 8 bits (L) or a palette (P), got {picture.mode}"
            )
        # Pillow spreads 2 and 4 bits of grey over 0..255; the indices are what was stored
        step = {"L;2": 85, "L;4": 17}.get(str(picture.tile[0][3]), 1)
        return np.asarray(picture) // np.uint8(step)


def picture_size(source: Path | str | bytes | IO[bytes]) -> tuple[int, int]:
    """(height, width) that `read_image` would give, from the file's header alone.

    Raises:
        ImageUnreadable: as `read_image`.
    """
    name = source_name(source)
    with _readable(name):
        _register_heif()
        with Pil.open(_opened(source), formats=_formats()) as picture:
            return _upright_size(picture)


def size_and_luma(
    source: Path | str | bytes | IO[bytes], *, max_pixels: int = MAX_PIXELS
) -> tuple[tuple[int, int], float]:
    """(height, width) that `read_image` would give, and the mean luma, 0..255, of it all.

    Luma is ITU-R BT.601's. That is what a JPEG stores, and an eighth of its size is all
    that a mean needs: a large JPEG takes a third of the time of `read_image`, and its mean
    is within half a step. Other pictures are read as a whole.

    Raises:
        ImageTooLarge, ImageUnreadable: as `read_image`.
    """
    with opened_picture(source, max_pixels) as picture:
        size = _upright_size(picture)
        if not _tells_luma(picture):
            picture.load()
            return size, float(np.asarray(as_rgb(picture).convert("L")).mean())
        across, down = (np.minimum(n - np.arange(0, n, 8), 8) for n in picture.size)
        picture.draft("L", (picture.width // 8, picture.height // 8))
        cells = np.asarray(picture)  # the last of each row and column covers less
        return size, float(down @ cells @ across / (down.sum() * across.sum()))


@contextmanager
def opened_picture(source: Path | str | bytes | IO[bytes], max_pixels: int) -> Iterator[Pil.Image]:
    """The opened picture, not loaded yet, and not too large."""
    name = source_name(source)
    with _readable(name):
        _register_heif()
        opened = _opened(source)
        with opened.open("rb") if isinstance(opened, Path) else nullcontext(opened) as file:
            check_jpeg(name, file)
            with Pil.open(file, formats=_formats()) as picture:
                _check_pixels(name, picture, max_pixels)
                yield picture


def _tells_luma(picture: Pil.Image) -> bool:
    """Whether a small grey one can be had of it that is as light: not of one that is small
    already, nor of one whose colours mean something other than sRGB."""
    return (
        picture.format in ("JPEG", "MPO")
        and picture.mode == "RGB"
        and min(picture.size) >= 256
        and "icc_profile" not in picture.info
    )


def _upright_size(picture: Pil.Image) -> tuple[int, int]:
    """(height, width) after its EXIF orientation, before it is loaded."""
    is_on_its_side = picture.getexif().get(ExifTags.Base.Orientation, 1) in (5, 6, 7, 8)
    width, height = picture.size
    if picture.format == "TIFF":  # whose size some Pillows turn when they open it
        is_on_its_side = is_on_its_side and width == picture.tag_v2[256]  # type: ignore[attr-defined]
    return (width, height) if is_on_its_side else (height, width)


def _check_pixels(name: str, picture: Pil.Image, max_pixels: int) -> None:
    pixels = picture.width * picture.height
    if pixels > max_pixels:
        raise ImageTooLarge(
            f"{name}: {picture.width} x {picture.height} is {pixels / 1e6:.1f} "
            f"megapixels, over the limit of {max_pixels / 1e6:.1f}; "
            "raise it with max_pixels (--max-pixels)"
        )
    if max(picture.size) > MAX_SIDE:
        raise ImageTooLarge(
            f"{name}: {picture.width} x {picture.height}; a side has at most {MAX_SIDE} pixels"
        )


def source_name(source: Path | str | bytes | IO[bytes]) -> str:
    """What to call a source in a message."""
    if isinstance(source, (str, Path)):
        return str(source)
    return str(getattr(source, "name", None) or "the picture")


def _opened(source: Path | str | bytes | IO[bytes]) -> Path | IO[bytes]:
    if isinstance(source, (bytes, bytearray, memoryview)):
        source = io.BytesIO(source)
    if isinstance(source, (str, Path)):
        source = Path(source)
        if source.is_dir():
            raise ImageUnreadable(f"{source} is a folder, not a picture")
        if source.exists() and source.stat().st_size == 0:
            raise ImageUnreadable(f"{source} is empty (0 bytes)")
    elif not source.seekable():
        source = io.BytesIO(source.read())
    return source


@contextmanager
def _readable(name: str) -> Iterator[None]:
    """Turn whatever a decoder raises into one clear line."""
    try:
        yield
    except (ImageTooLarge, ImageUnreadable):
        raise
    except FileNotFoundError as error:
        raise ImageUnreadable(f"{name} does not exist") from error
    except PermissionError as error:
        raise ImageUnreadable(f"{name} may not be read: permission denied") from error
    except Pil.DecompressionBombError as error:
        raise ImageTooLarge(f"{name}: {_first_line(error)}") from error
    except UnidentifiedImageError as error:
        raise ImageUnreadable(
            f"{name} is not a picture of a known format ({', '.join(_formats())})"
        ) from error
    except MemoryError as error:
        raise ImageTooLarge(f"{name} does not fit into memory") from error
    except DAMAGE as error:
        raise ImageUnreadable(f"{name} is damaged or cut short: {_first_line(error)}") from error


def _first_line(error: BaseException) -> str:
    text = str(error).strip() or type(error).__name__
    return text.splitlines()[0].rstrip(".")


def _register_heif() -> bool:
    """HEIC comes with the extra `heic`; without it such files are an unknown format."""
    if "HEIF" in Pil.OPEN:
        return True
    try:
        from pillow_heif import register_heif_opener
    except ImportError:
        return False
    register_heif_opener()
    return True


def _formats() -> list[str]:
    Pil.init()
    return [name for name in FORMATS if name in Pil.OPEN]


def as_rgb(picture: Pil.Image) -> Pil.Image:
    profile = picture.info.get("icc_profile")
    if picture.getexif().get(ExifTags.Base.Orientation, 1) != 1:  # else it would only be copied
        picture = ImageOps.exif_transpose(picture)
    picture = _eight_bit(picture)
    if picture.mode == "P":
        picture = picture.convert("RGBA" if "transparency" in picture.info else "RGB")
    alpha = picture.getchannel("A") if picture.mode in ("RGBA", "LA", "PA", "La", "RGBa") else None
    if alpha is None and "transparency" in picture.info:
        picture = picture.convert("RGBA")
        alpha = picture.getchannel("A")
    rgb = _to_srgb(picture, profile)
    if alpha is not None and alpha.getextrema() != (255, 255):
        white = Pil.new("RGB", rgb.size, (255, 255, 255))
        white.paste(rgb, mask=alpha)
        rgb = white
    return rgb


def _eight_bit(picture: Pil.Image) -> Pil.Image:
    """16-bit and float grey to 8 bits by their top byte; Pillow alone would clip them."""
    if picture.mode.startswith("I;16"):
        return Pil.fromarray((np.asarray(picture) >> 8).astype(np.uint8))
    if picture.mode == "I":  # 16-bit PNGs of older Pillows, 32-bit TIFFs
        values = np.asarray(picture)
        shift = 8 if values.max(initial=0) < 1 << 16 else 24
        return Pil.fromarray((values.clip(0) >> shift).astype(np.uint8))
    if picture.mode == "F":  # by convention in [0, 1], else in [0, 255]
        values = np.nan_to_num(np.asarray(picture))
        scale = 255 if values.max(initial=0) <= 1 else 1
        return Pil.fromarray((values * scale).clip(0, 255).astype(np.uint8))
    return picture


def _to_srgb(picture: Pil.Image, profile: bytes | None) -> Pil.Image:
    """Through its ICC profile where it has a usable one that is not sRGB already."""
    base = {"LA": "L", "La": "L", "PA": "RGB", "RGBA": "RGB", "RGBa": "RGB"}.get(picture.mode)
    opaque = picture.convert(base) if base else picture
    if profile:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            if "srgb" not in ImageCms.getProfileDescription(source).lower():
                target = ImageCms.createProfile("sRGB")
                converted = ImageCms.profileToProfile(opaque, source, target, outputMode="RGB")
                if converted is not None:
                    return converted
        except (ImageCms.PyCMSError, OSError, ValueError):
            pass  # a broken or foreign profile must not cost the picture: read it as sRGB
    return opaque if opaque.mode == "RGB" else opaque.convert("RGB")


# -- writing -------------------------------------------------------------------------------


@contextmanager
def written(path: Path) -> Iterator[IO[bytes]]:
    """A binary file that appears under `path` whole, or not at all.

    It is written beside its place under a hidden name and renamed at the end; whatever
    goes wrong, nothing of it stays. A pipe or device, such as /dev/stdout, is written to as
    it is, and never replaced.

    Raises:
        OutputUnwritable: the folder cannot be made or written, or the disk is full.
    """
    part: Path | None = None
    try:
        if path.exists() and not path.is_file() and not path.is_dir():
            with path.open("wb") as file:
                yield file
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.parent / f".{os.getpid()}-{secrets.token_hex(6)}.part"
        with beside.open("xb") as file:
            part = beside
            yield file
        part.replace(path)
        part = None
    except OSError as error:
        raise OutputUnwritable(f"{path} cannot be written: {error.strerror or error}") from error
    finally:
        if part is not None:
            part.unlink(missing_ok=True)


def write_image(
    path: Path | str,
    image: Image,
    *,
    text: Mapping[str, str] | None = None,
    exif: bytes = b"",
    icc: bytes = b"",
) -> None:
    """Write a picture or mask; the suffix chooses PNG, JPEG or WebP.

    Args:
        path: where to. Folders are made.
        image: (H, W) or (H, W, 3) or (H, W, 4) uint8.
        text: notes kept inside a PNG or JPEG (`read_notes`), a line each.
        exif, icc: blocks to put into the file as they are; photo.py makes them.

    Raises:
        OutputUnwritable: the suffix is none of these, or the file cannot be written.
        ShapeMismatch: not such an array, or transparency meant for JPEG.
    """
    path = Path(path)
    data = encode(image, path.suffix.lower(), text=text, exif=exif, icc=icc)
    with written(path) as file:
        file.write(data)


def encode(
    image: Image,
    suffix: str,
    *,
    text: Mapping[str, str] | None = None,
    exif: bytes = b"",
    icc: bytes = b"",
) -> bytes:
    """The bytes of a picture file; arguments and errors as `write_image`."""
    if suffix not in WRITABLE:
        raise OutputUnwritable(f"pictures are written as {', '.join(WRITABLE)}, not {suffix!r}")
    if (
        image.dtype != np.uint8
        or image.ndim not in (2, 3)
        or image.shape[2:] not in ((), (3,), (4,))
    ):
        raise ShapeMismatch(f"a picture is (H, W[, 3 or 4]) uint8, got {image.shape} {image.dtype}")
    kind = WRITABLE[suffix]
    if kind == "JPEG" and image.shape[2:] == (4,):
        raise ShapeMismatch("JPEG has no transparency: write a .png or .webp")
    buffer = io.BytesIO()
    picture = Pil.fromarray(image)
    blocks = {"exif": exif, "icc_profile": icc}
    more: dict[str, Any] = {name: block for name, block in blocks.items() if block}
    if kind == "PNG":
        notes = PngImagePlugin.PngInfo()
        for key, value in (text or {}).items():
            notes.add_itxt(key, value)
        more |= {"compress_level": 1 if image.ndim == 2 else 4, "pnginfo": notes}
    elif kind == "JPEG":
        comment = "".join(f"{key}: {value}\n" for key, value in (text or {}).items())
        more |= {"quality": 92, "subsampling": 0, "comment": comment.encode()}
    else:
        more |= {"quality": 92}
    picture.save(buffer, kind, **more)
    return buffer.getvalue()


def read_notes(path: Path) -> dict[str, str]:
    """The notes inside a PNG or JPEG; empty where there are none or it cannot be read."""
    try:
        with Pil.open(path, formats=["PNG", "JPEG"]) as picture:
            comment = picture.info.get("comment", b"")
            lines = comment.decode("utf-8", "replace").splitlines() if comment else []
            notes = dict(line.split(": ", 1) for line in lines if ": " in line)
            return notes | {str(k): v for k, v in picture.info.items() if isinstance(v, str)}
    except (*DAMAGE, Pil.DecompressionBombError):
        return {}
