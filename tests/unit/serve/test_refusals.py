"""What strangers try, and the one line that they get."""

import io
import json
import re
import struct
import zipfile
import zlib
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pil

from easyportrait.errors import BadInput
from easyportrait.serve.answers import chain_of
from easyportrait.serve.limits import Limits
from tests.unit.serve.asking import client, error_of, net, photo

SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>'
LONG = "multipart/form-data; boundary=" + "b" * 999
TOKEN = "a-token-that-nobody-guesses"


def claims(width: int, height: int) -> bytes:
    """A PNG of a few bytes that says it is huge."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        whole = kind + data
        return struct.pack(">I", len(data)) + whole + struct.pack(">I", zlib.crc32(whole))

    ihdr = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IDAT", zlib.compress(bytes(1000)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", ihdr) + body + chunk(b"IEND", b"")


def text_bomb() -> bytes:
    """A PNG whose note is a kilobyte and unpacks to a hundred thousand times more."""
    plain = photo()
    note = b"Comment\0\0" + zlib.compress(bytes(200_000_000), 9)
    whole = b"zTXt" + note
    chunk = struct.pack(">I", len(note)) + whole + struct.pack(">I", zlib.crc32(whole))
    return plain[:33] + chunk + plain[33:]


@pytest.mark.parametrize(
    ("picture", "status", "code"),
    [
        (claims(60_000, 60_000), 413, "image-too-large"),
        (claims(2_000_000_000, 2_000_000_000), 413, "image-too-large"),
        (claims(4_000, 4_000), 422, "image-unreadable"),
        (text_bomb(), 422, "image-unreadable"),
        (photo()[:200], 422, "image-unreadable"),
        (photo(".jpg")[:-900], 422, "image-unreadable"),
        (SVG, 422, "image-unreadable"),
        (b"<!doctype html><script>alert(1)</script>", 422, "image-unreadable"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", 422, "image-unreadable"),
        (b"%PDF-1.7\n", 422, "image-unreadable"),
        (b"GIF89a" + bytes(7), 422, "image-unreadable"),
        (b"http://169.254.169.254/latest/meta-data", 422, "image-unreadable"),
        (b"/etc/passwd", 422, "image-unreadable"),
        (b"\0", 422, "image-unreadable"),
        (b"", 422, "bad-input"),
    ],
    ids=range(15),
)
def test_what_is_no_picture_is_refused_through_both_doors(
    picture: bytes, status: int, code: str
) -> None:
    with client() as asked:
        for path in ("/v1/parse", '/v1/apply?effects={"background":"blur"}'):
            for how in ({"content": picture}, {"files": {"picture": ("/etc/passwd", picture)}}):
                answer = asked.post(path, **how)
                assert (answer.status_code, error_of(answer.content)) == (status, code)
                assert b"root:" not in answer.content


def test_a_bad_background_is_refused_too() -> None:
    with client() as asked:
        for behind, status in ((SVG, 422), (claims(60_000, 60_000), 413)):
            answer = asked.post("/v1/apply", files={"picture": photo(), "background": behind})
            assert answer.status_code == status


def test_the_limit_of_pixels_is_the_servers() -> None:
    with client(limits=Limits(pixels=10_000)) as asked:
        answer = asked.post("/v1/parse", content=photo())
    assert answer.status_code == 413 and "0.0 megapixels" in answer.json()["message"]


def test_of_a_polyglot_only_the_picture_comes_back() -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as made:
        made.writestr("evil.js", "alert(1)")
    sent = photo(".jpg") + b"<script>alert(1)</script>" + archive.getvalue()
    with client() as asked:
        for output in ("png", "jpeg", "webp"):
            answer = asked.post(
                "/v1/apply",
                params={"effects": '{"background": "blur"}', "output": output},
                content=sent,
                headers={"content-type": "text/html"},
            )
            assert answer.headers["content-type"] == f"image/{output}"
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert b"script" not in answer.content and b"evil" not in answer.content


@pytest.mark.parametrize(
    "effects",
    [
        '{"background": "/etc/passwd"}',
        '{"background": "https://example.org/a.jpg"}',
        '{"background": "file:///etc/passwd"}',
        '{"replace-background": {"with": "../../etc/passwd"}}',
        '{"background": {"path": "/etc/passwd"}}',
        '{"whiten-teeth": 7}',
        '{"whiten-teeth": NaN}',
        '{"whiten-teeth": 1e999}',
        '{"whiten-teeth": 1' + "0" * 400 + "}",
        '{"whiten-teeth": 1' + "0" * 5_000 + "}",
        '{"whiten-teeth": [1]}',
        '{"whiten-teeth": {"amount": {"amount": 1}}}',
        '{"smooth-skin": {"path": 1}}',
        '{"url": "http://localhost"}',
        '{"remove-red-eye": 0.5}',
        '{"eye-color": "' + "x" * 9_000 + '"}',
        '{"background": ' + "[" * 800 + "]" * 800 + "}",
        '{"background": ' + "[" * 7_000,
        '{"background": "blur", "blur-background": false, "remove-background": true}',
        "[]",
        "7",
        "{",
        "{}",
        "",
        "\x00",
    ],
    ids=lambda text: text[:40].replace("\x00", "NUL"),
)
def test_effects_that_mean_nothing_are_refused_in_a_line(effects: str) -> None:
    with client() as asked:
        answer = asked.post("/v1/apply", files={"picture": photo()}, data={"effects": effects})
    assert answer.status_code == 422, answer.text
    assert error_of(answer.content) in ("bad-knob", "bad-input")
    assert len(answer.content) < 5_000 and b"root:" not in answer.content


def test_effects_nested_as_deep_as_can_be_are_refused_too() -> None:
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(BadInput, match="too deeply"):
        chain_of({"background": deep})


@pytest.mark.parametrize(
    "query", ["url=http://x", "path=/etc/passwd", "as=exe", "looks=3", "model=", "as=json&as2=1"]
)
def test_addresses_that_say_more_are_refused(query: str) -> None:
    with client() as asked:
        answer = asked.post(f"/v1/parse?{query}", content=photo())
    assert answer.status_code in (404, 422) and error_of(answer.content)


def test_a_model_is_never_a_file() -> None:
    with client() as asked:
        for name in ("/tmp/evil.onnx", "../fake", "fake.onnx", "embedded", "http://x/m.onnx"):
            answer = asked.post("/v1/parse", params={"model": name}, content=photo())
            assert (answer.status_code, error_of(answer.content)) == (404, "unknown-model")


def form(*parts: tuple[str, bytes], end: bytes = b"--b--\r\n") -> dict[str, Any]:
    body = b"".join(
        b"--b\r\n" + disposition.encode() + b"\r\n\r\n" + data + b"\r\n"
        for disposition, data in parts
    )
    return {
        "content": body + end,
        "headers": {"content-type": "multipart/form-data; boundary=b"},
    }


def named(name: str) -> str:
    return f'Content-Disposition: form-data; name="{name}"; filename="../../x"'


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (form((named("url"), b"http://x")), 422),
        (form((named("picture"), photo()), (named("picture"), photo())), 422),
        (form((named("picture"), photo()), end=b""), 422),
        (form((named("effects"), b"{}")), 422),
        (form(("Content-Type: image/png", photo())), 422),
        (form((named("picture") + ("\r\nX: " + "y" * 1_000) * 5, photo())), 413),
        (form((named("picture"), photo()), (named("effects"), b" " * 20_000)), 413),
        ({"content": b"--c\r\n", "headers": form()["headers"]}, 422),
        ({"content": b"", "headers": form()["headers"]}, 422),
        ({"content": b"x", "headers": {"content-type": "multipart/form-data"}}, 422),
        ({"content": b"x", "headers": {"content-type": LONG}}, 422),
    ],
    ids=range(11),
)
def test_odd_forms_are_refused(sent: dict[str, Any], status: int) -> None:
    with client() as asked:
        answer = asked.post("/v1/apply", **sent)
    assert answer.status_code == status, answer.text
    assert error_of(answer.content)


def test_of_a_form_that_is_cut_short_nothing_is_done() -> None:
    """Its first picture came whole; what else was meant is not known."""
    cut = form((named("picture"), photo()), (named("background"), photo()), end=b"")
    with client() as asked:
        answer = asked.post("/v1/apply", params={"effects": '{"smooth-skin": 1}'}, **cut)
    assert answer.status_code == 422 and "cut short" in answer.json()["message"]


def test_a_form_has_a_limited_number_of_parts() -> None:
    many = form(*[(named("picture"), b"")] * 9)
    with client(limits=Limits(parts=0)) as asked:
        answer = asked.post("/v1/apply", **many)
    assert answer.status_code == 413 and "parts" in answer.json()["message"]


def test_a_body_has_a_limited_length_said_or_not() -> None:
    limits = Limits(body=100_000, linger_s=0.2)
    with client(limits=limits) as asked:
        for content in (bytes(100_001), iter([bytes(60_000)] * 9)):
            answer = asked.post("/v1/parse", content=content)
            assert (answer.status_code, error_of(answer.content)) == (413, "body-too-large")
        assert asked.post("/v1/parse", content=photo()).status_code == 200


def test_long_headers_are_refused() -> None:
    with client() as asked:
        answer = asked.get("/healthz", headers={"x-long": "y" * 17_000})
        assert (answer.status_code, error_of(answer.content)) == (431, "head-too-large")
        assert asked.get("/healthz?" + "y" * 17_000).status_code == 431


def test_a_foreign_name_that_leads_here_is_refused() -> None:
    with client() as asked:
        for host in ("evil.example", "evil.example:8000", "127.0.0.1.evil.example", "[", ""):
            answer = asked.get("/v1/models", headers={"host": host})
            assert (answer.status_code, error_of(answer.content)) == (403, "wrong-host")
        for host in ("localhost:9", "127.0.0.1", "[::1]:8000", "LOCALHOST"):
            assert asked.get("/v1/models", headers={"host": host}).status_code == 200


def test_other_sites_pages_are_refused_and_told_no_origin() -> None:
    with client() as asked:
        for headers in (
            {"origin": "https://evil.example"},
            {"origin": "null"},
            {"origin": "http://127.0.0.1:9"},
            {"sec-fetch-site": "cross-site"},
            {"sec-fetch-site": "same-site"},
        ):
            answer = asked.post("/v1/parse", content=photo(), headers=headers)
            assert (answer.status_code, error_of(answer.content)) == (403, "other-site")
        own = {"origin": "http://127.0.0.1", "sec-fetch-site": "same-origin"}
        answer = asked.post("/v1/parse", content=photo(), headers=own)
    assert answer.status_code == 200
    assert not [name for name in answer.headers if name.startswith("access-control")]


def test_a_token_opens_and_nothing_else_does() -> None:
    guesses = ["", "Bearer", f"Bearer {TOKEN[:-1]}", f"Bearer {TOKEN}x", f"Basic {TOKEN}", TOKEN,
               "Bearer \xe9\xff", f"Bearer {TOKEN.upper()}"]  # fmt: skip
    with client(token=TOKEN, hosts=None) as asked:
        for path in ("/v1/models", "/v1/effects", "/metrics", "/openapi.json"):
            for guess in guesses:
                headers = {"authorization": guess.encode("latin-1")}
                answer = asked.get(path, headers=headers)
                assert (answer.status_code, error_of(answer.content)) == (401, "unauthorised")
                assert answer.headers["www-authenticate"] == "Bearer"
            right = {"authorization": f"bearer {TOKEN}"}
            assert asked.get(path, headers=right).status_code == 200
        assert asked.post("/v1/parse", content=photo()).status_code == 401
        assert asked.get("/healthz").status_code == 200


def test_a_token_is_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = []
    monkeypatch.setattr(
        "easyportrait.serve.guard.hmac.compare_digest",
        lambda *both: compared.append(both) or both[0] == both[1],
    )
    with client(token=TOKEN) as asked:
        asked.get("/v1/models", headers={"authorization": "Bearer x"})
        asked.get("/v1/models")
    assert compared == [(b"x", TOKEN.encode()), (b"", TOKEN.encode())]


def test_every_answer_forbids_sniffing_framing_and_keeping() -> None:
    with client() as asked:
        answers = [
            asked.get("/healthz"),
            asked.get("/nothing"),
            asked.get("/v1/parse"),
            asked.post("/v1/parse", content=b"x"),
            asked.get("/v1/models", headers={"host": "evil"}),
        ]
    assert [a.status_code for a in answers] == [200, 404, 405, 422, 403]
    for answer in answers:
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["cache-control"] == "no-store"
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert "server" not in answer.headers


def test_a_model_of_faces_cuts_nothing_out() -> None:
    small = np.zeros((64, 64, 3), np.uint8)
    from easyportrait.models.parser import Parser
    from easyportrait.models.session import FakeSession, fake_card

    def nothing(batch: np.ndarray) -> np.ndarray:
        probs = np.zeros((len(batch), 8, 8, 8), np.float32)
        probs[:, 0] = 1
        return probs

    with client({"faces": Parser(FakeSession(nothing, fake_card("fp")))}) as asked:
        answer = asked.post("/v1/parse?as=cutout", content=photo(image=small))
        blurred = asked.post(
            "/v1/apply", params={"effects": '{"background": "blur"}'}, content=photo(image=small)
        )
    assert answer.status_code == blurred.status_code == 422
    assert "faces only" in answer.json()["message"]


def test_transparency_does_not_go_into_a_jpeg() -> None:
    with client() as asked:
        answer = asked.post(
            "/v1/apply",
            params={"effects": '{"background": "remove"}', "output": "jpeg"},
            content=photo(),
        )
    assert answer.status_code == 422 and "png or webp" in answer.json()["message"]


def test_a_message_quotes_little() -> None:
    with client() as asked:
        answer = asked.post(
            "/v1/apply",
            files={"picture": photo()},
            data={"effects": json.dumps({"x" * 9_000: 1})},
        )
    assert len(answer.content) < 1_500 and re.search(r"xxx \.\.\.", answer.json()["message"])


def test_nothing_of_a_big_form_goes_to_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    import tempfile

    def refused(*_: object, **__: object) -> None:
        raise AssertionError("a temporary file")

    for name in ("SpooledTemporaryFile", "NamedTemporaryFile", "TemporaryFile", "mkstemp"):
        monkeypatch.setattr(tempfile, name, refused)
    noise = np.random.default_rng(0).integers(0, 256, (1000, 1000, 3), dtype=np.uint8)
    file = io.BytesIO()
    Pil.fromarray(noise).save(file, "PNG", compress_level=0)
    with client({"fake": net()}) as asked:
        answer = asked.post("/v1/parse", files={"picture": file.getvalue()})
    assert answer.status_code == 200
