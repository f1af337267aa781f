"""Files that were made to harm."""

import io
import struct
import zipfile
import zlib

import numpy as np
from PIL import Image as Pil

from tests.unit.serve.asking import photo

SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>'
LAUGHS = b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><l>&b;</l>'
MAGICK = b"push graphic-context\nimage over 0,0 1,1 'url(http://127.0.0.1/)'\npop graphic-context\n"


def chunk(kind: bytes, data: bytes) -> bytes:
    """One of a PNG."""
    whole = kind + data
    return struct.pack(">I", len(data)) + whole + struct.pack(">I", zlib.crc32(whole))


def in_png(*chunks: bytes) -> bytes:
    """A good PNG with more chunks after its header."""
    plain = photo()
    return plain[:33] + b"".join(chunks) + plain[33:]


def claims(width: int, height: int) -> bytes:
    """A PNG of a few bytes that says it is huge."""
    ihdr = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IDAT", zlib.compress(bytes(1000)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", ihdr) + body + chunk(b"IEND", b"")


def text_bomb() -> bytes:
    """A PNG whose note is a kilobyte and unpacks to a hundred thousand times more."""
    return in_png(chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(200_000_000), 9)))


def profile_bomb() -> bytes:
    """The same as a colour profile."""
    return in_png(chunk(b"iCCP", b"icc\0\0" + zlib.compress(bytes(200_000_000), 9)))


def frame_bomb() -> bytes:
    """A GIF of one pixel whose frame is 60,000 pixels wide and high."""
    return b"GIF89a\1\0\1\0\0\0\0," + struct.pack("<HHHHBB", 0, 0, 60_000, 60_000, 0, 8) + bytes(9)


def tags(count: int, size: int) -> bytes:
    """EXIF whose tags all hold the same bytes, so that a kilobyte reads as a gigabyte."""
    entries = b"".join(struct.pack("<HHII", 0x9100 + n, 7, size, 8) for n in range(count))
    return (b"II*\0\10\0\0\0" + struct.pack("<H", count) + entries + bytes(4)).ljust(size, b"\0")


def tag_bombs() -> list[bytes]:
    file = io.BytesIO()
    picture = Pil.open(io.BytesIO(photo()))
    picture.save(file, "JPEG", exif=b"Exif\0\0" + tags(5_000, 60_000))
    return [file.getvalue(), in_png(chunk(b"eXIf", tags(6_000, 400_000)))]


def scans(count: int) -> bytes:
    """A progressive JPEG whose last scan comes again and again: each costs a pass over the
    picture. Its parts are found as jpeg.py finds them."""
    file = io.BytesIO()
    Pil.fromarray(np.full((1_000, 1_000, 3), 99, np.uint8)).save(file, "JPEG", progressive=True)
    plain = file.getvalue()
    last = plain.rindex(b"\xff\xda")
    return plain[:-2] + plain[last:-2] * count + plain[-2:]


def segments(count: int) -> bytes:
    plain = photo(".jpg")
    return plain[:2] + b"\xff\xfe\0\2" * count + plain[2:]


def strips(rows: int) -> bytes:
    """A TIFF a pixel wide: each row is a strip, and costs more to find than to read."""
    numbers = (1, rows, 8, 1, 1, 200, 1, 1, 200)
    kinds = (4, 4, 3, 3, 3, 4, 3, 4, 4)
    counts = (1, 1, 1, 1, 1, rows, 1, 1, rows)
    names = (256, 257, 258, 259, 262, 273, 277, 278, 279)
    entries = b"".join(
        struct.pack("<HHII", *entry) for entry in zip(names, kinds, counts, numbers, strict=True)
    )
    head = b"II*\0\10\0\0\0" + struct.pack("<H", len(names)) + entries + bytes(4)
    return head.ljust(200, b"\0") + struct.pack("<I", 1) * rows + bytes(4 * rows)


def archive(level: int = 9) -> bytes:
    """A zip whose one file is a thousand times as long unpacked."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=level) as made:
        made.writestr("evil.js", b"alert(1)" * 1_000_000)
    return file.getvalue()
