"""The server is killed in the middle of requests: no file of theirs stays anywhere."""

import socket
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from easyportrait.assets import DEMO
from tests.end_to_end.test_serve import SOON, started
from tests.unit.serve.asking import eventually, head

TOKEN = "a-token-for-this-test"


def test_a_kill_in_the_middle_of_requests_leaves_nothing(tmp_path: Path) -> None:
    """One whose body is half here, one that is worked on, one whose answer lies untaken. The
    working folder, the home and the temporary folder are one that was empty."""
    picture = DEMO.read_bytes()
    with started(tmp_path, EASYPORTRAIT_TOKEN=TOKEN) as (address, server):
        place = ("127.0.0.1", urlsplit(address).port)
        bearer = f"Authorization: Bearer {TOKEN}"
        form = b"--b\r\nContent-Disposition: form-data; name=picture; filename=a.png\r\n\r\n"
        kind = "Content-Type: multipart/form-data; boundary=b"
        halves = (
            head("POST", "/v1/parse", bearer, "Content-Length: 20000000") + bytes(10_000_000),
            head("POST", "/v1/apply", bearer, kind, "Content-Length: 20000000") + form + picture,
            head("POST", "/v1/parse", bearer, f"Content-Length: {len(picture)}") + picture,
        )
        with (
            socket.create_connection(place, SOON) as one,
            socket.create_connection(place, SOON) as two,
            socket.create_connection(place, SOON) as three,
        ):
            for made, raw in zip((one, two, three), halves, strict=True):
                made.sendall(raw)
            headers = {"authorization": f"Bearer {TOKEN}"}
            assert eventually(lambda: places(address, headers) >= 2)
            server.kill()
            server.wait(SOON)
    assert list(tmp_path.rglob("*")) == []


def places(address: str, headers: dict[str, str]) -> float:
    text = httpx.get(f"{address}metrics", headers=headers).text
    lines = [line for line in text.splitlines() if line.startswith("easyportrait_places_taken ")]
    return float(lines[0].split()[1])
