"""What is refused, and how it is said. What strangers try besides: tests/attacks."""

import io
import json
import re
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pil

from easyportrait.serve.limits import Limits
from tests.unit.serve.asking import client, error_of, net, photo


def test_the_limit_of_pixels_is_the_servers() -> None:
    with client(limits=Limits(pixels=10_000)) as asked:
        answer = asked.post("/v1/parse", content=photo())
    assert answer.status_code == 413 and "0.0 megapixels" in answer.json()["message"]


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
