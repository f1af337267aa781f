"""`easyportrait scale` on a Ray of the tests' own: bad pictures, killed workers, Ctrl-C."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from easyportrait.assets import DEMO
from easyportrait.core import load
from easyportrait.data.build import build
from easyportrait.data.building.how import How
from easyportrait.data.pool import on_all_cores
from easyportrait.data.quality import Limits
from easyportrait.data.verify import verify
from easyportrait.errors import SomeFailed
from easyportrait.scale import engine
from easyportrait.scale.engine import Cluster
from easyportrait.scale.shared import everywhere
from easyportrait.scale.task import Travelling
from tests.unit.data.planted import FAULTS, entry, sound

pytest.importorskip("ray")

ENV = os.environ | {"RAY_AUTH_MODE": "disabled", "COLUMNS": "160"}

HEAD = """
import logging, ray, sys
for again in (True, True, False):  # a busy machine may need more than the half minute Ray gives
    try:
        ray.init(num_cpus=2, include_dashboard=False, object_store_memory=100 << 20,
                 logging_level=logging.ERROR, log_to_driver=False, _temp_dir=sys.argv[1])
        break
    except Exception:
        ray.shutdown()
        if not again:
            raise
print(ray.get_runtime_context().gcs_address, flush=True)
sys.stdin.read()
"""


@pytest.fixture(scope="session")
def address() -> Iterator[str]:
    """Of a Ray with one worker's room and one to spare, which ends with the tests."""
    quiet = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_BACKEND_LOG_LEVEL": "fatal"}
    place = "/tmp" if Path("/tmp").is_dir() else None  # sockets lie there: their paths are short
    with (
        tempfile.TemporaryDirectory(prefix="r", dir=place, ignore_cleanup_errors=True) as folder,
        Path(folder, "said").open("w") as said,
        subprocess.Popen(
            [sys.executable, "-c", HEAD, folder],
            env=ENV | quiet,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=said,
            text=True,
        ) as head,
    ):
        assert head.stdout is not None
        where = head.stdout.readline().strip()
        assert where, Path(folder, "said").read_text()
        yield where
        head.communicate("")


@contextmanager
def begun(*args: object) -> Iterator[subprocess.Popen[str]]:
    """A command at work, which does not outlive the test."""
    command = [sys.executable, "-m", "easyportrait", *map(str, args)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=ENV, stdout=pipe, stderr=pipe, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def run(*args: object) -> subprocess.CompletedProcess[str]:
    with begun(*args) as process:
        out, err = process.communicate(timeout=300)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def wait_for(what: Callable[[], bool], job: subprocess.Popen[str]) -> None:
    for _ in range(3000):
        if what():
            return
        assert job.poll() is None, job.communicate()
        time.sleep(0.05)
    raise AssertionError("it did not come to that in minutes")


def photos(folder: Path, n: int) -> Path:
    folder.mkdir(parents=True)
    for i in range(n):
        shutil.copy(DEMO, folder / f"p{i:02d}.jpg")
    return folder


def labels(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("*.png")}


def workers_of(address: str) -> list[int]:
    """The processes of our Ray that do items."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            title = (path / "cmdline").read_bytes()
            if title.startswith(b"ray::") and b"MapWorker" in title:
                mine = f"--gcs-address={address}".encode() in command_of_parent(path)
                found += [int(path.name)] if mine else []
        except OSError:
            continue  # it has gone
    return found


def command_of_parent(process: Path) -> bytes:
    parent = process.joinpath("stat").read_text().rsplit(")", 1)[1].split()[1]
    return Path("/proc", parent, "cmdline").read_bytes().replace(b"\0", b" ").replace(b"_", b"-")


@pytest.mark.skipif(sys.platform != "linux", reason="finds the worker in /proc")
def test_a_killed_workers_work_is_done_again(address: str, tmp_path: Path) -> None:
    src, out = photos(tmp_path / "src", 24), tmp_path / "out"
    command = ("scale", "parse", src, "-o", out, "--address", address, "--as", "webdataset")
    with begun(*command, "--part", 12, "--photo") as job:
        wait_for(lambda: any(out.glob(".scale/begun/*.json")), job)
        (worker,) = workers_of(address)
        os.kill(worker, signal.SIGKILL)
        assert not (out / "part-000000.tar").exists()  # nothing that is half a part
        _, errors = job.communicate(timeout=300)
    assert job.returncode == 0, errors
    assert "24 done" in errors
    names: list[str] = []
    for number in range(2):
        with tarfile.open(out / f"part-{number:06d}.tar") as archive:
            names += archive.getnames()
    assert sorted(names) == sorted(
        f"p{i:02d}{suffix}" for i in range(24) for suffix in (".jpg", ".png", ".json")
    )


def test_ctrl_c_leaves_what_is_done_and_the_same_command_goes_on(
    address: str, tmp_path: Path
) -> None:
    src, out = photos(tmp_path / "src", 24), tmp_path / "out"
    (src / "bad.jpg").write_text("no picture")
    command = ("scale", "parse", src, "-o", out, "--part", 4, "--address", address)
    with begun(*command) as job:
        wait_for(lambda: len([*out.glob("manifest/*")]) > 1, job)
        job.send_signal(signal.SIGINT)
        _, errors = job.communicate(timeout=300)
    assert job.returncode == 130 and "what is done stays" in errors
    assert "Traceback" not in errors
    kept = {path: path.stat().st_mtime_ns for path in out.glob("manifest/*")}
    assert 1 < len(kept) < 7
    shutil.copy(DEMO, src / "new.jpg")
    again = run(*command)
    assert again.returncode == 1 and again.stdout == "" and "Traceback" not in again.stderr
    lines = again.stderr.strip().splitlines()
    assert f"{src}/bad.jpg is not a picture" in lines[0] and len(lines) == 3
    assert f"{len(kept)} of 8 parts were done already" in lines[1]
    assert "1 of 26 failed" in lines[2]
    assert all(path.stat().st_mtime_ns == when for path, when in kept.items())
    (row,) = map(json.loads, (out / "errors.jsonl").read_text().splitlines())
    assert (row["name"], row["code"]) == ("bad", "image-unreadable")
    assert run("parse", src / "new.jpg", "-o", tmp_path / "alone").returncode == 0
    (alone,) = labels(tmp_path / "alone").values()
    assert {*labels(out).values()} == {alone} and len(labels(out)) == 25
    assert not [*out.rglob(".*.part")]


@pytest.mark.filterwarnings("ignore")  # Ray's, which is at home in this process here
def test_a_dataset_is_verified_and_built_as_on_one_machine(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    root = sound(tmp_path / "data")
    FAULTS["values"][1](root)
    FAULTS["duplicate"][0](root)
    here = verify(root)
    for i in range(6):
        made = entry(i, "train")
        for folder, file in (("images", made.image_file), ("masks", made.mask_file)):
            path = tmp_path / "raw" / folder / f"p{i}.{'jpg' if folder == 'images' else 'png'}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(file.read())
    (tmp_path / "raw/images/p6.jpg").write_text("no picture")
    shutil.copy(tmp_path / "raw/masks/p0.png", tmp_path / "raw/masks/p6.png")
    how = How(limits=Limits(min_side=10, min_face=20), partial=True)
    with everywhere(Cluster(address, workers=1), [tmp_path]) as over:
        with monkeypatch.context() as patch:  # as at ray://, where Ray Data is not at home
            patch.setattr(engine, "streamed", engine.from_inside)
            assert verify(root, over=over) == here
        assert here.counts == {"duplicate": 1, "values": 1}
        for name, where, finder in (
            ("here", on_all_cores, load(threads=1)),
            ("there", over, Travelling("embedded-int8")),
        ):
            with pytest.raises(SomeFailed, match=r"p6\.jpg is not a picture"):
                build(tmp_path / "raw", tmp_path / name, how=how, finder=finder, over=where)
    made = {path.name: path.read_bytes() for path in (tmp_path / "here").glob("*.zip")}
    assert made == {path.name: path.read_bytes() for path in (tmp_path / "there").glob("*.zip")}
    assert len(made) == 2


def test_the_commands_start_without_ray() -> None:
    code = (
        "import sys, easyportrait.cli.app; "
        "print({'ray', 'fsspec', 'pyarrow', 'pandas'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
