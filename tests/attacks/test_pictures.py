"""Pictures that are bombs, or no pictures, or something else besides."""

import httpx
import numpy as np
import pytest

from easyportrait.image.io import read_image
from tests.attacks import made
from tests.unit.serve.asking import decoded, drawn, error_of, net, photo

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL")  # as the command line has it

EFFECTS = '{"background": "blur"}'
REFUSED: dict[str, tuple[bytes, int, str]] = {
    "many pixels": (made.claims(60_000, 60_000), 413, "image-too-large"),
    "more than there are": (made.claims(2_000_000_000, 2_000_000_000), 413, "image-too-large"),
    "a long row": (made.claims(70_000, 1), 413, "image-too-large"),
    "a frame larger than its GIF": (made.frame_bomb(), 413, "image-too-large"),
    "pixels that do not come": (made.claims(4_000, 4_000), 422, "image-unreadable"),
    "a note that unpacks": (made.text_bomb(), 422, "image-unreadable"),
    "a profile that unpacks": (made.profile_bomb(), 422, "image-unreadable"),
    "scans without end": (made.scans(200), 422, "image-unreadable"),
    "segments without end": (made.segments(20_000), 422, "image-unreadable"),
    "a PNG cut short": (photo()[:200], 422, "image-unreadable"),
    "a JPEG cut short": (photo(".jpg")[:-900], 422, "image-unreadable"),
    "SVG": (made.SVG, 422, "image-unreadable"),
    "XML that grows": (made.LAUGHS, 422, "image-unreadable"),
    "HTML": (b"<!doctype html><script>alert(1)</script>", 422, "image-unreadable"),
    "ImageMagick's script": (made.MAGICK, 422, "image-unreadable"),
    "PostScript": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", 422, "image-unreadable"),
    "PDF": (b"%PDF-1.7\n", 422, "image-unreadable"),
    "an archive": (made.archive(), 422, "image-unreadable"),
    "a pickle": (b"\x80\x04cos\nsystem\n(S'touch evil'\ntR.", 422, "image-unreadable"),
    "a GIF of nothing": (b"GIF89a" + bytes(7), 422, "image-unreadable"),
    "an address": (b"http://169.254.169.254/latest/meta-data", 422, "image-unreadable"),
    "a path": (b"/etc/passwd", 422, "image-unreadable"),
    "a null": (b"\0", 422, "image-unreadable"),
    "nothing": (b"", 422, "bad-input"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_picture_or_too_much_of_one_is_refused_by_every_way_in(
    name: str, asked: httpx.Client
) -> None:
    picture, status, code = REFUSED[name]
    for path in ("/v1/parse", f"/v1/apply?effects={EFFECTS}"):
        for how in ({"content": picture}, {"files": {"picture": ("/etc/passwd", picture)}}):
            answer = asked.post(path, **how)
            assert (answer.status_code, error_of(answer.content)) == (status, code)
            assert b"root:" not in answer.content
    files = {"picture": photo(), "background": picture}
    assert asked.post("/v1/apply", files=files).status_code in (413, 422)


@pytest.mark.parametrize(
    "picture",
    [*made.tag_bombs(), made.scans(60)],
    ids=["EXIF in a JPEG", "EXIF in a PNG", "scans, but few enough"],
)
def test_bombs_beside_the_picture_are_left_alone(picture: bytes, asked: httpx.Client) -> None:
    answer = asked.post("/v1/parse?looks=1", content=picture)
    assert answer.status_code == 200
    assert decoded(answer.content).shape == read_image(picture).shape[:2]


def test_a_strip_for_every_row_of_very_many_is_refused(asked: httpx.Client) -> None:
    answer = asked.post("/v1/parse", content=made.strips(66_000))
    assert (answer.status_code, error_of(answer.content)) == (413, "image-too-large")


POLYGLOTS = {
    "a JPEG and a zip": photo(".jpg") + made.archive(),
    "a JPEG and a page": photo(".jpg") + b"<script>alert('evil')</script>",
    "a PNG and a page": made.in_png(made.chunk(b"evIl", b"<script>alert('evil')</script>")),
    "a PNG and a PDF": photo() + b"%PDF-1.7 evil",
}


@pytest.mark.parametrize("name", POLYGLOTS)
def test_of_a_polyglot_only_the_picture_comes_back(name: str, asked: httpx.Client) -> None:
    for output in ("png", "jpeg", "webp"):
        answer = asked.post(
            "/v1/apply",
            params={"effects": EFFECTS, "output": output},
            content=POLYGLOTS[name],
            headers={"content-type": "text/html"},
        )
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert b"script" not in answer.content and b"evil" not in answer.content
        assert answer.headers["content-type"] == f"image/{output}"


def test_noise_after_every_known_beginning_is_a_picture_or_one_line(asked: httpx.Client) -> None:
    rng = np.random.default_rng(0)
    beginnings = [photo(kind)[:40] for kind in (".png", ".jpg", ".webp")] + [
        *(b"II*\0\10\0\0\0", b"MM\0*\0\0\0\10", b"BM", b"P6 9 9 255\n", b"P3 9 9 9\n", b"GIF89a"),
        *(b"\0\0\0 ftypavif", b"\0\0\0 ftypheic", b"RIFF\0\1\0\0WEBPVP8X"),
    ]
    for beginning in beginnings:
        for _ in range(2):
            picture = beginning + rng.integers(0, 256, 400, dtype=np.uint8).tobytes()
            answer = asked.post("/v1/parse?looks=1", content=picture)
            assert answer.status_code in (200, 413, 422), (beginning, answer.text)


def test_a_picture_of_one_row_or_column_is_answered(asked: httpx.Client) -> None:
    row = drawn()[60:61]
    for image in (row, row.transpose(1, 0, 2), row[:, :1]):
        image = np.ascontiguousarray(image)
        answer = asked.post("/v1/parse", content=photo(image=image))
        assert (decoded(answer.content) == net().parse(image).labels).all()
