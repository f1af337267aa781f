"""The studio as files, and over HTTP: what a page on which the net runs needs."""

import gzip
import hashlib
import json
import re
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from easyportrait.cli.app import app
from easyportrait.errors import OutputUnwritable
from easyportrait.models.catalog import find_model
from easyportrait.models.session import OnnxSession
from easyportrait.serve import describe, studio
from easyportrait.serve.headers import FOR_PAGE
from easyportrait.taxonomy import CLASSES

from .asking import client

VENDOR = studio.PAGE / "vendor"
MODEL = find_model(studio.MODEL)
KEPT = (
    *("/worker.js", "/effects.json", "/model/model.onnx"),
    "/vendor/ort-wasm-simd-threaded.wasm",
)


@pytest.fixture(scope="module")
def card():
    return OnnxSession(MODEL, threads=1).card


@pytest.fixture(scope="module")
def built(tmp_path_factory, card) -> Path:
    folder = tmp_path_factory.mktemp("studio") / "site"
    studio.build(folder, MODEL, card)
    return folder


def hash_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def have(answer: httpx.Response) -> dict[str, str]:
    return {"if-none-match": answer.headers["etag"]}


# -- what runs the net ---------------------------------------------------------------------


def test_vendor_holds_what_its_record_says_and_nothing_else() -> None:
    record = json.loads((VENDOR / "vendor.json").read_text())
    files = {path.name: path.read_bytes() for path in VENDOR.iterdir()}
    del files["vendor.json"]
    whole = {
        name.removesuffix(".gz"): gzip.decompress(data) if name.endswith(".gz") else data
        for name, data in files.items()
    }
    assert {name: hash_of(data) for name, data in whole.items()} == record["sha256"]
    assert f"v{record['version']}".encode() in whole["ort.wasm.min.mjs"][:200]
    assert b"MIT License" in whole["LICENSE"]


def test_the_page_names_no_other_host() -> None:
    """But for the address of a manual in a warning of ONNX Runtime's, and of SVG's grammar."""
    known = {"web.dev", "www.w3.org"}
    for path in studio.PAGE.rglob("*"):
        if path.suffix in {".js", ".mjs", ".html", ".css", ".svg"}:
            hosts = set(re.findall(r"\bhttps?://([\w.-]+)", path.read_text("utf-8")))
            assert hosts <= known, path


# -- as files ------------------------------------------------------------------------------


def test_a_build_has_all_that_the_page_asks_for(built: Path, card) -> None:
    assert (built / "model/model.onnx").read_bytes() == MODEL.read_bytes()
    told = json.loads((built / "model/model.json").read_text())
    assert told["classes"] == list(card.classes) and told["frame_side"] == card.frame_side
    assert told["colours"][8] == "#e6e8e6" and len(told["colours"]) == len(CLASSES)
    assert json.loads((built / "effects.json").read_text()) == describe.effects()
    assert (built / "demo.jpg").read_bytes()[:3] == b"\xff\xd8\xff"
    wasm = (built / "vendor/ort-wasm-simd-threaded.wasm").read_bytes()
    assert wasm[:4] == b"\0asm" and not list(built.rglob("*.gz"))
    for path in studio.PAGE.rglob("*.js"):
        assert (built / path.relative_to(studio.PAGE)).read_bytes() == path.read_bytes()


def test_a_build_says_itself_what_it_may_load(built: Path) -> None:
    page = (built / "index.html").read_text()
    rule = re.search(r'<meta http-equiv="Content-Security-Policy" content="([^"]+)">', page)
    assert rule and FOR_PAGE.startswith(rule[1]) and "default-src 'none'" in rule[1]
    headers = (built / "_headers").read_text()
    assert headers.startswith("/*\n") and f"  content-security-policy: {FOR_PAGE}\n" in headers
    assert "  cross-origin-embedder-policy: require-corp\n" in headers


def test_a_new_build_replaces_an_older_one(tmp_path: Path, card) -> None:
    folder = tmp_path / "site"
    folder.mkdir()
    studio.build(folder, MODEL, card)
    (folder / "index.html").write_text("old")
    record = json.loads((folder / studio.RECORD).read_text())
    (folder / studio.RECORD).write_text(json.dumps({"files": [*record["files"], "gone.js"]}))
    (folder / "gone.js").write_text("of an older version")
    studio.build(folder, MODEL, card)
    assert (folder / "index.html").read_text() != "old" and not (folder / "gone.js").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["site"]


@pytest.mark.parametrize("is_ours", [False, True])
def test_what_the_build_did_not_write_is_left_alone(tmp_path: Path, card, is_ours: bool) -> None:
    folder = tmp_path / "site"
    if is_ours:
        studio.build(folder, MODEL, card)
    folder.mkdir(exist_ok=True)
    (folder / "novel.txt").write_text("twelve years of work")
    with pytest.raises(OutputUnwritable, match=r"holds what is not the studio's: novel\.txt"):
        studio.build(folder, MODEL, card)
    assert (folder / "novel.txt").read_text() == "twelve years of work"
    assert [path.name for path in tmp_path.iterdir()] == ["site"]


def test_nothing_is_left_of_a_build_that_fails(tmp_path: Path, card) -> None:
    with pytest.raises(OutputUnwritable, match="cannot be written"):
        studio.build(tmp_path / "site", tmp_path / "no-such.onnx", card)
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputUnwritable, match="is a file; name a folder"):
        studio.build(tmp_path / "file", MODEL, card)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_the_command_tells_where_the_page_is(tmp_path: Path) -> None:
    folder = tmp_path / "site"
    done = CliRunner().invoke(app, ["studio", "build", str(folder), "-m", "embedded-int8"])
    assert done.exit_code == 0 and done.stdout.strip() == str(folder / "index.html")
    assert re.search(r"\d+ files, \d+\.\d MB", done.stderr)
    assert (folder / "model/model.onnx").read_bytes() == find_model("embedded-int8").read_bytes()


# -- over HTTP -----------------------------------------------------------------------------


def test_the_server_has_the_same_files_as_a_build(built: Path, card) -> None:
    made = studio.made(MODEL, card)
    with client(page=studio.PAGE, made=made, token="x" * 20) as asked:
        for path in built.rglob("*"):
            name = path.relative_to(built).as_posix()
            if path.is_dir() or name in ("index.html", "_headers", studio.RECORD):
                continue
            answer = asked.get(f"/{name}")
            assert answer.status_code == 200 and answer.content == path.read_bytes(), name
        assert asked.get("/v1/effects").status_code == 401


def test_what_lies_packed_is_sent_packed_to_who_unpacks_it(card) -> None:
    path = "/vendor/ort-wasm-simd-threaded.wasm"
    with client(page=studio.PAGE, made={}) as asked:
        packed = asked.get(path, headers={"accept-encoding": "gzip, br"})
        plain = asked.get(path, headers={"accept-encoding": "identity"})
        missing = asked.get("/vendor/no-such.wasm")
    assert packed.headers["content-encoding"] == "gzip"
    assert int(packed.headers["content-length"]) < len(plain.content) / 3
    assert "content-encoding" not in plain.headers and packed.content == plain.content
    assert int(packed.headers["x-unpacked-length"]) == len(plain.content)
    assert packed.headers["content-type"] == "application/wasm"
    assert missing.status_code == 404


def test_the_page_may_run_the_net_and_nothing_of_others(card) -> None:
    with client(page=studio.PAGE, made=studio.made(MODEL, card)) as asked:
        script, table = asked.get("/worker.js"), asked.get("/effects.json")
        again = {asked.get(path, headers=have(asked.get(path))).status_code for path in KEPT}
        posted = asked.post("/effects.json", content=b"")
        programs = asked.get("/v1/effects")
    policy = script.headers["content-security-policy"]
    assert "script-src 'self' 'wasm-unsafe-eval';" in policy and "worker-src 'self'" in policy
    assert "unsafe-inline" not in policy and "'unsafe-eval'" not in policy
    assert script.headers["content-type"].startswith("text/javascript")
    assert table.headers["content-type"] == "application/json"
    assert table.json() == programs.json()
    for answer in (script, table):
        assert answer.headers["cross-origin-opener-policy"] == "same-origin"
        assert answer.headers["cross-origin-embedder-policy"] == "require-corp"
        assert answer.headers["cache-control"] == "no-cache"
    assert again == {304} and posted.status_code == 405
    assert programs.headers["cache-control"] == "no-store"
