"""Paths, addresses and odd values where names and numbers are meant."""

import json
import socket
from collections.abc import Iterator

import httpx
import pytest

from easyportrait.errors import BadInput
from easyportrait.serve.answers import chain_of
from tests.unit.serve.asking import Served, error_of, photo

REFUSED = [
    '{"background": "/etc/passwd"}',
    '{"background": "..\\\\..\\\\windows\\\\win.ini"}',
    '{"background": "\\\\\\\\127.0.0.1\\\\share"}',
    '{"background": "file:///etc/passwd"}',
    '{"background": "data:image/png;base64,AAAA"}',
    '{"background": "/proc/self/environ\\u0000.png"}',
    '{"replace-background": {"with": "../../etc/passwd"}}',
    '{"replace-background": {"with": {"path": "/etc/passwd"}}}',
    '{"background": {"path": "/etc/passwd"}}',
    '{"whiten-teeth": 7}',
    '{"whiten-teeth": NaN}',
    '{"whiten-teeth": -Infinity}',
    '{"whiten-teeth": 1e999}',
    '{"whiten-teeth": {"amount": NaN}}',
    '{"whiten-teeth": 1' + "0" * 400 + "}",
    '{"whiten-teeth": 1' + "0" * 5_000 + "}",
    '{"whiten-teeth": [1]}',
    '{"whiten-teeth": "nan"}',
    '{"whiten-teeth": "0x1"}',
    '{"whiten-teeth": {"amount": {"amount": 1}}}',
    '{"whiten-teeth": 0.1, "whiten-teeth": 0.9}',
    '{"whiten-teeth": 0.1, "whiten_teeth": 0.9}',
    '{"whiten-teeth": {"amount": 0.1, "amount": 0.9}}',
    '{"smooth-skin": {"path": 1}}',
    '{"__class__": {"__init__": 1}}',
    '{"url": "http://localhost"}',
    '{"\\ud800": 1}',
    '{"remove-red-eye": 0.5}',
    '{"eye-color": "' + "x" * 9_000 + '"}',
    '{"eye-color": "\\ud800"}',
    '{"background": ' + "[" * 800 + "]" * 800 + "}",
    '{"background": ' + "[" * 7_000,
    '{"background": "blur", "blur-background": false, "remove-background": true}',
    "[]",
    "7",
    "NaN",
    "{",
    "{}",
    "",
    "\x00",
]
NAMES = [
    "/tmp/evil.onnx",
    "../fake",
    "fake.onnx",
    "embedded",
    "http://x/m.onnx",
    "fa\0ke",
    "*",
    "é",
]
QUERIES = [
    *("url=http://x", "path=/etc/passwd", "as=exe", "as=", "looks=3", "looks=1e9", "looks=NaN"),
    *("model=", "model=" + "x" * 300, "as=json&as2=1", "as=json&as=labels", "looks=1&looks=2"),
    *("as[]=json", "as%00=json", "%00", "as=json%00", "=", "__proto__=1"),
]


def test_effects_that_mean_nothing_are_refused_in_a_line(asked: httpx.Client) -> None:
    for effects in REFUSED:
        answer = asked.post("/v1/apply", files={"picture": photo()}, data={"effects": effects})
        assert answer.status_code == 422, (effects[:60], answer.text)
        assert error_of(answer.content) in ("bad-knob", "bad-input")
        assert len(answer.content) < 5_000 and b"root:" not in answer.content


def test_effects_nested_as_deep_as_can_be_are_refused_too() -> None:
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(BadInput, match="too deeply"):
        chain_of({"background": deep})


def test_addresses_that_say_more_or_say_it_twice_are_refused(asked: httpx.Client) -> None:
    for query in QUERIES:
        answer = asked.post(f"/v1/parse?{query}", content=photo())
        assert answer.status_code in (404, 422), (query, answer.text)
        assert error_of(answer.content)


def test_a_model_is_never_a_file(asked: httpx.Client) -> None:
    for name in NAMES:
        answer = asked.post("/v1/parse", params={"model": name}, content=photo())
        assert (answer.status_code, error_of(answer.content)) == (404, "unknown-model")


@pytest.fixture
def ear() -> Iterator[socket.socket]:
    """A port that hears whoever is sent there."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.2)
        yield listening


def test_no_address_in_a_request_is_ever_asked(asked: httpx.Client, ear: socket.socket) -> None:
    """Wherever one can stand: effects, fields, names, headers, the picture itself."""
    port = ear.getsockname()[1]
    for url in (
        f"http://127.0.0.1:{port}/a.png",
        f"http://localhost:{port}/",
        f"http://[::ffff:127.0.0.1]:{port}/",
        f"http://2130706433:{port}/",
        f"//127.0.0.1:{port}/a.png",
        f"ftp://127.0.0.1:{port}/",
        f"gopher://127.0.0.1:{port}/_GET",
        f"\\\\127.0.0.1@{port}\\a.png",
    ):
        picture = {"picture": (url, photo(), url)}
        named = {"referer": url, "x-forwarded-for": url, "x-forwarded-host": url, "via": url}
        for path, how in (
            ("/v1/apply", {"files": picture, "data": {"effects": json.dumps({"background": url})}}),
            ("/v1/apply", {"files": picture, "data": {"url": url}}),
            ("/v1/apply", {"files": {"picture": photo(), "background": url.encode()}}),
            ("/v1/parse", {"params": {"model": url}, "content": photo()}),
            ("/v1/parse", {"params": {"url": url}, "content": photo()}),
            ("/v1/parse", {"content": url.encode()}),
        ):
            answer = asked.post(path, headers=named, **how)  # type: ignore[arg-type]
            assert answer.status_code in (404, 422), (path, url, answer.text)
    with pytest.raises(TimeoutError):
        ear.accept()


def test_paths_lead_to_nothing_but_what_is_served(served: Served, asked: httpx.Client) -> None:
    for path in (
        *("/etc/passwd", "//etc/passwd", "/../../etc/passwd", "/v1/../../etc/passwd"),
        *("/..%2f..%2f..%2fetc%2fpasswd", "/%2e%2e/%2e%2e/etc/passwd", "/..\\..\\etc\\passwd"),
        *("/%00", "/v1/models%00", "/v1/parse/../models", "/.git/config", "/v1/%ff%fe", "/" * 99),
        *("/v1//models", "/v1/models/", "/V1/models", "/docs", "/redoc", "/debug", "/v1/models;a"),
    ):
        status, body = served.ask(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
        assert status == 404 and error_of(body) and b"root:" not in body, path
    assert asked.get("/%76%31/models").status_code == 200  # the same name, written otherwise
