"""JPEGs that are made to be slow, told from those that are not."""

import io

import numpy as np
import pytest
from PIL import Image as Pil

from easyportrait.errors import ImageUnreadable
from easyportrait.image.jpeg import MOST_SCANS, MOST_SEGMENTS, check_jpeg

SCAN = b"\xff\xda"


def jpeg(**how: object) -> bytes:
    noise = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    file = io.BytesIO()
    Pil.fromarray(noise).save(file, "JPEG", **how)
    return file.getvalue()


def checked(data: bytes) -> int:
    file = io.BytesIO(data)
    file.seek(5)
    check_jpeg("a.jpg", file)
    return file.tell()


def with_scans(count: int) -> bytes:
    """As many as there are, and the last one again until there are so many."""
    plain = jpeg(progressive=True)
    last = plain[plain.rindex(SCAN) : -2]
    return plain[:-2] + last * (count - plain.count(SCAN)) + plain[-2:]


@pytest.mark.parametrize(
    "data",
    [
        jpeg(),
        jpeg(progressive=True),
        jpeg(restart_marker_rows=1),
        jpeg(comment=b"\xff\xda" * 500),
        with_scans(MOST_SCANS),
        jpeg() + SCAN * 500,  # what comes after a picture is not decoded
        jpeg(progressive=True) + SCAN * 500,
        jpeg(progressive=True)[:-500],
        b"\xff\xd8\xff",
        b"\xff\xd8\xff\xe0",
        SCAN * 500,  # no JPEG
        b"",
    ],
    ids=range(12),
)
def test_what_encoders_make_and_what_is_no_jpeg_passes(data: bytes) -> None:
    assert checked(data) == 0


def test_a_scan_too_many_is_refused() -> None:
    with pytest.raises(ImageUnreadable, match=r"a\.jpg has more than 100 scans"):
        checked(with_scans(MOST_SCANS + 1))


def test_scans_of_a_sequential_picture_count_too_if_the_first_is_not_all_of_it() -> None:
    plain = jpeg()
    at = plain.index(SCAN)
    one_of_three = SCAN + b"\0\x08\1" + plain[at + 5 :][:2] + b"\0\x3f\0" + b"\x12\x34"
    with pytest.raises(ImageUnreadable, match="scans"):
        checked(plain[:at] + one_of_three * 200 + plain[-2:])


def test_segments_without_end_are_refused() -> None:
    plain = jpeg()
    for more in (b"\xff\xfe\0\2", b"\xff\xe5\0\0", b"\xff\x01"):
        with pytest.raises(ImageUnreadable, match="more than 5,000 segments"):
            checked(plain[:2] + more * MOST_SEGMENTS + plain[2:])
