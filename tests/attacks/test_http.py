"""What is hardly HTTP, or is it in a way that two readers read differently."""

import httpx
import pytest

from tests.unit.serve.asking import Served, answer_of, decoded, drawn, error_of, head, net, photo
from tests.unit.serve.asking import read_answer as next_answer

PICTURE = photo()
CHUNKED = "Transfer-Encoding: chunked"
CHUNKS = b"%x\r\n%s\r\n0\r\n\r\n" % (len(PICTURE), PICTURE)
HOST = b"Host: 127.0.0.1\r\n"

# What each gets; 0: the line is cut without a word, as there is nobody to say it to
REFUSED: dict[str, tuple[bytes, set[int]]] = {
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", {400}),
    "a method in small letters": (head("post", "/v1/parse"), {405}),
    "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", {400}),
    "HTTP/0.9": (b"GET /\r\n\r\n", {400}),
    "HTTP/9.9": (b"GET /healthz HTTP/9.9\r\n" + HOST + b"\r\n", {400}),
    "nothing but line ends": (b"\r\n" * 9_000, {400}),
    "nulls": (bytes(99) + b"\r\n\r\n", {400}),
    "no host": (b"GET /healthz HTTP/1.1\r\n\r\n", {400}),
    "two hosts": (b"GET /healthz HTTP/1.1\r\n" + HOST * 2 + b"\r\n", {400}),
    "a null in the path": (b"GET /healthz\0 HTTP/1.1\r\n" + HOST + b"\r\n", {400}),
    "a space in the path": (b"GET /a b HTTP/1.1\r\n" + HOST + b"\r\n", {400}),
    "a path of bytes": (b"GET /\xff\xfe HTTP/1.1\r\n" + HOST + b"\r\n", {400}),
    "a path too long": (b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n", {400, 431}),
    "a header too long": (head("GET", "/healthz", "X: " + "y" * 300_000), {0, 400, 431}),
    "thousands of headers": (head("GET", "/healthz", *["a: b"] * 9_000), {0, 400, 431}),
    "a null in a header": (head("GET", "/healthz", "X: a\0b"), {400}),
    "a header without a name": (head("GET", "/healthz", ": x"), {400}),
    "a space before the colon": (head("POST", "/v1/parse", "Content-Length : 5"), {400}),
    "a length below nothing": (head("POST", "/v1/parse", "Content-Length: -1"), {400}),
    "a length with a sign": (head("POST", "/v1/parse", "Content-Length: +1"), {400}),
    "a length in hex": (head("POST", "/v1/parse", "Content-Length: 0x10"), {400}),
    "a length of no number": (head("POST", "/v1/parse", "Content-Length: 1e3"), {400}),
    "two lengths": (head("POST", "/v1/parse", "Content-Length: 1", "Content-Length: 2"), {400}),
    "two lengths in one": (head("POST", "/v1/parse", "Content-Length: 1, 2"), {400}),
    "a length of 30 digits": (head("POST", "/v1/parse", "Content-Length: " + "9" * 30), {400}),
    "a length of 15 digits": (head("POST", "/v1/parse", "Content-Length: " + "9" * 15), {413}),
    "a length and chunks": (
        head("POST", "/v1/parse", CHUNKED, f"Content-Length: {len(CHUNKS)}") + CHUNKS,
        {400},
    ),
    "chunks and a length": (
        head("POST", "/v1/parse", f"Content-Length: {len(CHUNKS)}", CHUNKED) + CHUNKS,
        {400},
    ),
    "two codings": (head("POST", "/v1/parse", "Transfer-Encoding: gzip, chunked"), {400, 501}),
    "chunked twice": (head("POST", "/v1/parse", CHUNKED, CHUNKED), {400, 501}),
    "nearly chunked": (head("POST", "/v1/parse", "Transfer-Encoding: xchunked"), {400, 501}),
    "a folded coding": (head("POST", "/v1/parse", "Transfer-Encoding:\r\n xchunked"), {400, 501}),
    "a size that is none": (head("POST", "/v1/parse", CHUNKED) + b"zz\r\nxx\r\n", {0}),
    "a size below nothing": (head("POST", "/v1/parse", CHUNKED) + b"-1\r\nx\r\n", {0}),
    "a size of 30 digits": (head("POST", "/v1/parse", CHUNKED) + b"f" * 30 + b"\r\nx\r\n", {0}),
    "more than a chunk": (head("POST", "/v1/parse", CHUNKED) + b"1\r\nxxxxxx\r\n", {0}),
    "words after a size": (
        head("POST", "/v1/parse", CHUNKED) + b"1;" + b"x" * 300_000 + b"\r\nx\r\n",
        {0},
    ),
    "headers after the chunks": (
        head("POST", "/v1/parse", CHUNKED) + b"0\r\n" + b"a: b\r\n" * 60_000,
        {0},
    ),
    "another protocol's target": (b"GET http://evil/healthz HTTP/1.1\r\n" + HOST + b"\r\n", {404}),
    "a tunnel": (b"CONNECT 127.0.0.1:22 HTTP/1.1\r\n" + HOST + b"\r\n", {404, 405}),
    "everything": (b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n", {404, 405}),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_hardly_http_gets_one_line(name: str, served: Served) -> None:
    raw, statuses = REFUSED[name]
    made = served.connect()
    try:
        made.sendall(raw)
    except ConnectionError:
        assert 0 in statuses
    status, body = answer_of(made)
    assert status in statuses, body
    assert not body or error_of(body)


def test_methods_that_an_address_does_not_know_are_named_with_those_that_it_does(
    asked: httpx.Client,
) -> None:
    for method in ("GET", "PUT", "DELETE", "PATCH", "TRACE", "OPTIONS", "PROPFIND", "X"):
        answer = asked.request(method.encode(), "/v1/parse", content=photo())  # type: ignore[arg-type]
        assert (answer.status_code, answer.headers["allow"]) == (405, "POST"), method
        assert "cookie" not in answer.text  # nothing of a request is echoed, as TRACE would
    for method in ("POST", "PUT", "DELETE"):
        for path in ("/healthz", "/metrics", "/v1/models", "/openapi.json"):
            answer = asked.request(method, path, headers={"x-http-method-override": "GET"})
            assert answer.status_code == 405


def test_http_1_0_is_answered_and_the_line_ended(served: Served) -> None:
    wanted = net().parse(drawn()).labels
    old = b"POST /v1/parse HTTP/1.0\r\n" + HOST + b"Content-Length: %d\r\n\r\n" % len(PICTURE)
    made = served.connect()
    made.sendall(old + PICTURE)
    with made.makefile("rb") as file:
        status, body = next_answer(file)
        assert status == 200 and (decoded(body) == wanted).all()
        assert file.read() == b""
    nameless = b"GET /healthz HTTP/1.0\r\n\r\n"
    status, body = served.ask(nameless)
    assert (status, error_of(body)) == (403, "wrong-host")


def test_requests_sent_at_once_are_answered_in_turn(served: Served) -> None:
    post = head("POST", "/v1/parse?looks=1", f"Content-Length: {len(PICTURE)}") + PICTURE
    made = served.connect()
    made.sendall((head("GET", "/healthz") + post) * 10 + b"\0\0\r\n\r\n" + head("GET", "/healthz"))
    with made.makefile("rb") as file:
        for _ in range(10):
            assert next_answer(file)[0] == 200
            status, body = next_answer(file)
            assert status == 200 and decoded(body).shape == (120, 90)
        assert next_answer(file)[0] == 400
        assert file.read() == b""


def test_thousands_of_requests_at_once_that_nobody_reads_the_answers_of(hasty: Served) -> None:
    """The line is cut when its answers fill it; others go on meanwhile."""
    made = hasty.connect()
    made.settimeout(3)
    asking = head("GET", "/v1/effects") * 200
    with pytest.raises((ConnectionError, TimeoutError)):
        for _ in range(1_000):
            made.sendall(asking)


def test_a_request_in_a_body_is_a_body(served: Served) -> None:
    """Whoever reads the length wrongly would answer twice."""
    inner = head("GET", "/metrics")
    made = served.connect()
    made.sendall(head("POST", "/v1/parse", f"Content-Length: {len(inner)}") + inner)
    made.sendall(head("GET", "/nothing"))
    with made.makefile("rb") as file:
        assert [next_answer(file)[0] for _ in range(2)] == [422, 404]


def test_a_body_where_none_is_meant_changes_nothing(served: Served) -> None:
    made = served.connect()
    made.sendall(head("GET", "/healthz", "Content-Length: 5") + b"hello" + head("GET", "/nothing"))
    status, _ = answer_of(made)
    assert status == 200
    status, body = served.ask(head("GET", "/healthz", "Content-Length: 2000000"))
    assert (status, error_of(body)) == (413, "body-too-large")


def test_chunks_of_one_byte_are_a_body_too(served: Served) -> None:
    made = served.connect()
    made.sendall(head("POST", "/v1/parse", CHUNKED))
    made.sendall(b"".join(b"1\r\n%c\r\n" % byte for byte in PICTURE) + b"0\r\n\r\n")
    assert answer_of(made)[0] == 200


def test_another_protocol_is_not_changed_to(served: Served) -> None:
    for wish in (
        ("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
         "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="),
        ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABk"),
    ):  # fmt: skip
        assert served.ask(head("GET", "/healthz", *wish))[0] == 200


def test_who_says_that_he_comes_from_elsewhere_is_not_believed(asked: httpx.Client) -> None:
    """No proxy's header changes who is asked, by what name, or from where."""
    headers = {
        "x-forwarded-host": "evil.example",
        "x-forwarded-proto": "https",
        "x-forwarded-for": "127.0.0.1",
        "x-original-url": "/metrics",
        "x-rewrite-url": "/metrics",
        "forwarded": "host=evil.example",
    }
    assert asked.get("/healthz", headers=headers).json()["status"] == "ok"
    assert asked.get("/healthz", headers=headers | {"host": "evil.example"}).status_code == 403
