"""Whether a JPEG is made to be slow, seen before it is decoded.

A scan of a dozen bytes costs a decoder a pass over the whole picture, and a progressive JPEG
may have any number of them: a few megabytes would keep a core for hours. Encoders make about
ten. Nor does any make thousands of segments, each of which is held in memory.
"""

import re
from typing import IO

from ..errors import ImageUnreadable

MOST_SCANS = 100
MOST_SEGMENTS = 5_000

# What ends a run of compressed data: neither a stuffed FF, nor a restart, nor a filling FF
MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
TEM, SOI, EOI, SOS = 0x01, 0xD8, 0xD9, 0xDA
FRAMES = (0xC0, 0xC1, 0xC2)
PROGRESSIVE = 0xC2


def check_jpeg(name: str, file: IO[bytes]) -> None:
    """Of a file that is no JPEG nothing is said. The file is left at its start.

    Raises:
        ImageUnreadable: it has more scans or segments than any encoder makes.
    """
    file.seek(0)
    if file.read(3) == b"\xff\xd8\xff":
        file.seek(0)
        _check(name, file.read())
    file.seek(0)


def _check(name: str, data: bytes) -> None:
    at, scans, components, is_one_pass = 2, 0, 0, False
    for _ in range(MOST_SEGMENTS):
        found = MARKER.search(data, at)
        if found is None or (kind := found[0][1]) == EOI:
            return
        at = found.end()
        if kind in (TEM, SOI):
            continue
        if kind in FRAMES:
            components, is_one_pass = _byte(data, at + 7), kind != PROGRESSIVE
        elif kind == SOS:
            scans += 1
            if is_one_pass and scans == 1 and _byte(data, at + 2) == components:
                return  # all of it is in this scan, and no decoder looks further
            if scans > MOST_SCANS:
                raise ImageUnreadable(f"{name} has more than {MOST_SCANS} scans")
        at += max(2, int.from_bytes(data[at : at + 2], "big"))
    raise ImageUnreadable(f"{name} has more than {MOST_SEGMENTS:,} segments")


def _byte(data: bytes, at: int) -> int:
    return data[at] if at < len(data) else 0
