"""The page's server, asked by hand: what it answers, and whom it does not."""

import gzip
import http.client
import json
import shutil
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from easyportrait.data.browse.server import LONGEST_BODY, MOST_ROWS, Server, page
from easyportrait.errors import BadInput
from easyportrait.image.io import read_image
from tests.unit.data.browsed import desk_of, fake_model, toothless, worked
from tests.unit.data.planted import FAULTS, scene, sound


class Client:
    """A browser of few words: one connection a request."""

    def __init__(self, server: Server) -> None:
        self.server, self.port = server, server.server_address[1]
        self.token = server.token

    def ask(
        self, path: str, method: str = "GET", body: bytes | None = None, **headers: str
    ) -> tuple[http.client.HTTPResponse, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            connection.request(method, path, body, named)
            answer = connection.getresponse()
            return answer, answer.read()
        finally:
            connection.close()

    def json(self, path: str) -> Any:
        answer, data = self.ask(path)
        assert answer.status == 200, data
        assert answer.headers["Content-Type"] == "application/json"
        return json.loads(data)

    def refusal(self, path: str, *args: Any, **headers: str) -> tuple[int, str, str]:
        answer, data = self.ask(path, *args, **headers)
        told = json.loads(data)
        return answer.status, told["error"], told["message"]

    def post(self, path: str, body: Any, **headers: str) -> tuple[int, Any]:
        headers.setdefault("X_Token", self.token)
        answer, data = self.ask(path, "POST", json.dumps(body).encode(), **headers)
        return answer.status, json.loads(data)

    def names(self, query: str) -> list[str]:
        ids = self.json(f"/api/pictures?{query}")["ids"]
        rows = self.json(f"/api/rows?ids={','.join(map(str, ids))}")
        return [row["name"] for row in rows]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sound(tmp_path_factory.mktemp("sound"))


@pytest.fixture
def client(root: Path, tmp_path: Path) -> Iterator[Client]:
    yield from serving(root, tmp_path)


def serving(root: Path, tmp_path: Path, **options: Any) -> Iterator[Client]:
    flags = tmp_path / "flags.txt"
    desk = desk_of(root, tmp_path / "cache", model=fake_model(), flags=flags, **options)
    with Server(worked(desk)) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield Client(server)
        finally:
            server.shutdown()
            thread.join()
            desk.close()


# -- what is answered ----------------------------------------------------------------------


def test_the_page_and_its_files_are_served_under_a_strict_policy(client: Client) -> None:
    assert {"/", "/browse.js", "/style.css", "/icon.svg"} <= page().keys()
    for path in page():
        answer, data = client.ask(path)
        assert answer.status == 200 and data
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy and "http" not in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert (
            b"http://" not in data.replace(b"http://www.w3.org/", b"") and b"https://" not in data
        )


def test_filters_are_the_datasets(client: Client) -> None:
    assert client.names("split=val") == ["p2", "p3"]
    assert client.names("has=teeth&split=test&user=u4") == ["p4"]
    assert client.names("lacks=teeth") == []
    assert client.names("sort=score&score=..0.9")[0] == "p1"
    assert client.refusal("/api/pictures?has=nose")[:2] == (422, "bad-input")
    told = client.json("/api/dataset")
    assert told["total"] == 6 and told["splits"] == {"train": 2, "val": 2, "test": 2}
    assert [c["name"] for c in told["classes"]][8] == "teeth"
    assert told["model"] == {"name": "fake 0", "task": "joint"}


def test_pictures_come_as_they_are_and_masks_as_they_are_stored(client: Client, root: Path) -> None:
    answer, data = client.ask("/image/p0")
    assert data == (root / "images/train/p0.jpg").read_bytes()
    assert answer.headers["Content-Type"] == "image/jpeg"
    answer, data = client.ask("/mask/p0", Accept_Encoding="gzip")
    assert answer.headers["Content-Encoding"] == "gzip"
    size = int(answer.headers["X-Height"]), int(answer.headers["X-Width"])
    mask = np.frombuffer(gzip.decompress(data), np.uint8).reshape(size)
    assert np.array_equal(mask, scene(0)[1])
    answer, data = client.ask("/predicted/p0")
    assert answer.headers["Content-Encoding"] is None
    assert data == toothless(scene(0)[0]).tobytes()
    assert read_image(client.ask("/thumb/p0")[1]).shape == (160, 150, 3)
    assert client.json("/api/picture/p5")["user"] == "u5"


def test_what_the_browser_has_is_not_sent_again_until_the_file_changes(
    root: Path, tmp_path: Path
) -> None:
    shutil.copytree(root, tmp_path / "data")
    for client in serving(tmp_path / "data", tmp_path):
        answer, first = client.ask("/mask/p0")
        tag = answer.headers["ETag"]
        assert client.ask("/mask/p0", If_None_Match=tag)[0].status == 304
        shutil.copy(
            tmp_path / "data/annotations/train/p1.png", tmp_path / "data/annotations/train/p0.png"
        )
        answer, second = client.ask("/mask/p0", If_None_Match=tag)
        assert answer.status == 200 and first != second


def test_one_connection_serves_many_requests(client: Client) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", client.port, timeout=30)
    for path, status in (("/api/state", 200), ("/thumb/none", 404), ("/mask/p1", 200)):
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.read()
        assert answer.status == status
    assert connection.sock is not None
    connection.close()


def test_a_bad_picture_is_a_reason_and_nothing_else_stops(root: Path, tmp_path: Path) -> None:
    shutil.copytree(root, tmp_path / "data")
    FAULTS["unreadable"][0](tmp_path / "data")
    FAULTS["mask-mode"][0](tmp_path / "data")
    for client in serving(tmp_path / "data", tmp_path):
        for path in ("/thumb/p0", "/image/p0"):
            status, code, message = client.refusal(path)
            assert (status, code) == (422, "image-unreadable") and "p0.jpg is damaged" in message
        status, code, message = client.refusal("/mask/p0")
        assert (status, code) == (422, "shape-mismatch") and "one channel" in message
        assert client.ask("/thumb/p1")[0].status == 200
        assert "one channel" in client.json("/api/picture/p0")["problems"][0]


def test_odd_names_can_be_asked_for(root: Path, tmp_path: Path) -> None:
    odd = "ä b%2F+?#"
    shutil.copytree(root, tmp_path / "data")
    (tmp_path / "data/annotations/meta.csv").unlink()
    for kind, suffix in (("images", ".jpg"), ("annotations", ".png")):
        folder = tmp_path / "data" / kind / "train"
        (folder / f"p0{suffix}").rename(folder / f"{odd}{suffix}")
    for client in serving(tmp_path / "data", tmp_path):
        row = next(row for row in client.json("/api/rows?ids=0,1") if row["name"] == odd)
        assert client.ask(f"/thumb/{row['key']}")[0].status == 200
        assert client.post("/api/flag", {"key": row["key"], "flagged": True}) == (
            200,
            {"flagged": 1},
        )
        assert (tmp_path / "flags.txt").read_text() == f"{odd}\n"


# -- what is not ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "/thumb/nobody",
        "/thumb/",
        "/image/../../etc/passwd",
        "/image/..%2f..%2f..%2fetc%2fpasswd",
        "/image/%2e%2e/%2e%2e/etc/passwd",
        "/image//etc/passwd",
        "/image/p0.jpg",
        "/image/train/p0",
        "/image/p0%00",
        "/mask/p0/../p1",
        "/api/picture/%ff%fe",
        "/server.py",
        "/../server.py",
        "/page/index.html",
        "/.git/config",
        "/api",
    ],
)
def test_only_known_names_lead_anywhere(client: Client, path: str) -> None:
    status, code, message = client.refusal(path)
    assert status == 404 and code in ("unknown-picture", "not-found")
    assert "there is no" in message


def test_an_unknown_name_is_a_clear_line(client: Client, root: Path) -> None:
    message = client.refusal("/image/..%2fnobody")[2]
    assert message == f"there is no picture '../nobody' in {root}"


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "[", "10.0.0.1:80"])
def test_a_foreign_name_that_leads_here_is_refused(client: Client, host: str) -> None:
    status, code, _ = client.refusal("/api/dataset", Host=host)
    assert (status, code) == (403, "wrong-host")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:9000", "LOCALHOST"])
def test_this_machine_may_ask_even_through_a_tunnel(client: Client, host: str) -> None:
    assert client.ask("/api/state", Host=host)[0].status == 200


def test_other_sites_may_embed_nothing_and_link_to_the_page_only(client: Client) -> None:
    foreign = {"Sec_Fetch_Site": "cross-site"}
    assert client.refusal("/thumb/p0", Sec_Fetch_Mode="no-cors", **foreign)[1] == "other-site"
    assert client.refusal("/api/dataset", Sec_Fetch_Mode="navigate", **foreign)[0] == 403
    assert client.ask("/", Sec_Fetch_Mode="navigate", **foreign)[0].status == 200
    assert client.refusal("/api/dataset", Origin="http://evil.example")[1] == "other-site"
    assert client.refusal("/api/dataset", Origin="null")[1] == "other-site"


@pytest.mark.parametrize("method", ["PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "BREW"])
def test_other_methods_are_refused(client: Client, method: str) -> None:
    answer, data = client.ask("/thumb/p0", method)
    assert answer.status == 405 and (method == "HEAD" or json.loads(data)["error"])


def test_only_this_machine_is_listened_to(client: Client) -> None:
    assert client.server.socket.getsockname()[0] == "127.0.0.1"
    with pytest.raises(BadInput, match=f"port {client.port} cannot be used"):
        Server(client.server.desk, client.port)


# -- what changes something ----------------------------------------------------------------


def test_a_flag_is_set_written_and_exported(client: Client, tmp_path: Path) -> None:
    assert client.post("/api/flag", {"key": "p3", "flagged": True}) == (200, {"flagged": 1})
    assert client.post("/api/flag", {"key": "p0", "flagged": True}) == (200, {"flagged": 2})
    assert (tmp_path / "flags.txt").read_text() == "p0\np3\n"
    assert client.names("flagged=yes") == ["p0", "p3"]
    answer, data = client.ask("/api/flagged.txt")
    assert data == b"p0\np3\n" and "attachment" in answer.headers["Content-Disposition"]
    assert json.loads(client.ask("/api/flagged.json")[1]) == {"flagged": ["p0", "p3"]}
    assert client.post("/api/flag", {"key": "p3", "flagged": False}) == (200, {"flagged": 1})
    assert (tmp_path / "flags.txt").read_text() == "p0\n"


def test_nobody_sets_a_flag_without_the_token_or_from_elsewhere(
    client: Client, tmp_path: Path
) -> None:
    flag = {"key": "p0", "flagged": True}
    for token in ("", "x", "é", client.token[:-1], client.token + "x"):
        assert client.post("/api/flag", flag, X_Token=token)[0] == 403
    assert client.post("/api/flag", flag, Origin="http://evil.example")[0] == 403
    assert client.post("/api/flag", flag, Sec_Fetch_Site="cross-site")[0] == 403
    assert client.post("/api/flag", flag, Host="evil.example")[0] == 403
    assert client.post("/api/verify", {}, X_Token="x")[0] == 403
    assert not (tmp_path / "flags.txt").exists() and client.names("flagged=yes") == []


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/api/flag", {"key": "nobody", "flagged": True}, 404),
        ("/api/flag", {"key": "../p0", "flagged": True}, 404),
        ("/api/flag", {"key": 1, "flagged": True}, 422),
        ("/api/flag", {"key": "p0", "flagged": "yes"}, 422),
        ("/api/flag", ["p0"], 422),
        ("/api/flag", "x" * LONGEST_BODY, 413),
        ("/api/remove", {"key": "p0"}, 404),
    ],
)
def test_nonsense_changes_nothing(client: Client, path: str, body: Any, status: int) -> None:
    found, told = client.post(path, body)
    assert found == status and told["message"]
    assert client.names("flagged=yes") == []


def test_rows_are_asked_for_within_bounds(client: Client) -> None:
    many = ",".join(["0"] * (MOST_ROWS + 1))
    for ids in ("6", "-1", "a", "1.5", many):
        assert client.refusal(f"/api/rows?ids={ids}")[0] == 422
    assert client.json("/api/rows?ids=") == []


def test_verifying_can_be_asked_for(client: Client) -> None:
    assert client.post("/api/verify", {}) == (200, {"started": True})
    client.server.desk.jobs["verify"].join(30)
    assert client.json("/api/state")["findings"] == {}


def test_a_browser_that_hangs_up_disturbs_nobody(
    client: Client, capfd: pytest.CaptureFixture[str]
) -> None:
    for _ in range(3):
        with socket.create_connection(("127.0.0.1", client.port)) as raw:
            raw.sendall(b"GET /image/p0 HTTP/1.1\r\nHost: localhost\r\n\r\n")
    with socket.create_connection(("127.0.0.1", client.port)) as raw:
        raw.sendall(b"nonsense\r\n\r\n")
        raw.recv(1000)
    assert client.json("/api/state")["scored"] == 6
    assert capfd.readouterr() == ("", "")
