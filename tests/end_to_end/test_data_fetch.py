"""`easyportrait data fetch` as scripts use it, against a mirror on this machine."""

import hashlib
import io
import os
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import mirror as tricks
from tests.mirror import Mirror, serving


def a_zip(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


META = a_zip({"meta.csv": b"attachment_id,user_id\n"})
IMAGES = a_zip({f"images/{split}/a.jpg": split.encode() * 30_000 for split in ("train", "val")})
MASKS = a_zip({"train/a.png": b"mask", "val/a.png": b"mask", "meta.zip": META})
SHA = {
    "images.zip": hashlib.sha256(IMAGES).hexdigest(),
    "annotations.zip": hashlib.sha256(MASKS).hexdigest(),
}
EXTRACTED = {
    "annotations/meta.zip", "annotations/train/a.png", "annotations/val/a.png",
    "images/train/a.jpg", "images/val/a.jpg", "meta/meta.csv",
}  # fmt: skip


@pytest.fixture
def mirror() -> Iterator[Mirror]:
    with serving() as one:
        one.files = {"/images.zip": IMAGES, "/annotations.zip": MASKS}
        yield one


def command(*args: object) -> list[str]:
    return [sys.executable, "-m", "easyportrait", "data", "fetch", *map(str, args)]


ENV = os.environ | {"no_proxy": "127.0.0.1"}


def run(*args: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(*args), env=ENV, capture_output=True, text=True, check=False)


def files(folder: Path) -> set[str]:
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()} - {
        ".fetch.lock"
    }


def test_a_release_is_fetched_and_extracted_and_results_go_to_stdout(
    mirror: Mirror, tmp_path: Path
) -> None:
    out = tmp_path / "data"
    done = run("v1", "-o", out, "--from", mirror.url, "--extract")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [f"{sha}  {out / name}" for name, sha in SHA.items()]
    assert "nobody states its SHA-256, so it could not be compared" in done.stderr
    assert "CC BY-SA 4.0" in done.stderr
    assert files(out) == EXTRACTED | {*SHA, "fetched.json"}
    again = run("v1", "-o", out, "--offline", "--extract")
    assert again.returncode == 0 and again.stdout == done.stdout
    assert "SHA-256 as in fetched.json" in again.stderr and "2 there already" in again.stderr


def test_a_killed_run_is_gone_on_with(mirror: Mirror, tmp_path: Path) -> None:
    mirror.tricks = [tricks.stall(50_000, 20)]
    only = ("v1", "-o", tmp_path, "--from", mirror.url, "--only", "images.zip")
    part = tmp_path / "images.zip.part"
    with subprocess.Popen(command(*only), env=ENV, stderr=subprocess.DEVNULL) as process:
        while not (part.exists() and part.stat().st_size == 50_000) and process.poll() is None:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
    assert files(tmp_path) == {"images.zip.part", "images.zip.part.json"}
    done = run(*only)
    assert done.returncode == 0, done.stderr
    assert mirror.ranges == [None, "bytes=50000-"]
    assert files(tmp_path) == {"images.zip", "fetched.json"}
    assert (tmp_path / "images.zip").read_bytes() == IMAGES


def test_a_registry_of_ones_own_and_mirrors_that_fail(mirror: Mirror, tmp_path: Path) -> None:
    registry = tmp_path / "mine.toml"
    registry.write_text(
        f"""
        [mine]
        about = "two pictures"
        licence = "CC0-1.0"
        [[mine.archives]]
        name = "images.zip"
        urls = ["{mirror.url}/moved/images.zip", "{mirror.url}/images.zip"]
        size = {len(IMAGES)}
        sha256 = "{SHA["images.zip"]}"
        """
    )
    done = run("mine", "-o", tmp_path / "data", "--registry", registry)
    assert done.returncode == 0, done.stderr
    assert "SHA-256 as in the registry" in done.stderr
    mirror.files = {}
    failed = run("mine", "-o", tmp_path / "other", "--registry", registry)
    assert failed.returncode == 7 and failed.stdout == ""
    assert "moved/images.zip: the server answers 404 Not Found" in failed.stderr
    assert files(tmp_path / "other") == set()


def test_an_archive_that_lies_there_is_used_and_an_unsafe_one_refused(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    archive = tmp_path / "mine" / "images.zip"
    archive.write_bytes(IMAGES)
    done = run("v1", "-o", tmp_path / "out", "--from", archive, "--extract")
    assert done.returncode == 0, done.stderr
    assert files(tmp_path / "out") == {"images/train/a.jpg", "images/val/a.jpg", "fetched.json"}
    strict = run("v1", "-o", tmp_path / "out", "--from", archive, "--extract", "--max-members", 1)
    assert strict.returncode == 3 and "2 members, over the limit of 1" in strict.stderr
    archive.write_bytes(a_zip({"../evil.jpg": b"evil"}))
    refused = run("v1", "-o", tmp_path / "new", "--from", archive, "--extract")
    assert refused.returncode == 3 and "leads out of its folder" in refused.stderr
    assert not (tmp_path / "evil.jpg").exists()


@pytest.mark.parametrize(
    ("args", "status", "message"),
    [
        (("v1",), 7, "no address is known"),
        (("v1", "--offline"), 7, "--offline, so put these files there by hand"),
        (("v3",), 3, "there is no release 'v3'. Releases: v1, v2"),
        (("v1", "--only", "train.zip"), 3, "v1 has no archive 'train.zip'"),
        (("v1", "--from", "ftp://127.0.0.1"), 3, "begin with http:// or https://"),
        (("v1", "--registry", "none.toml"), 3, "none.toml: the registry cannot be read"),
    ],
)
def test_what_cannot_be_fetched_is_said_in_one_line(
    tmp_path: Path, args: tuple[str, ...], status: int, message: str
) -> None:
    done = run(*args, "-o", tmp_path / "data")
    assert done.returncode == status and message in done.stderr
    assert done.stdout == "" and "Traceback" not in done.stderr
    assert [line for line in done.stderr.splitlines() if line.startswith("easyportrait: ")]
