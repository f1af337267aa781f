"""`easyportrait scale` on a Ray of the tests' own: results, bad pictures, killed workers, Ctrl-C."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from easyportrait.assets import DEMO
from tests.unit.data.planted import FAULTS, entry, sound

pytest.importorskip("ray")

ENV = os.environ | {"RAY_AUTH_MODE": "disabled", "COLUMNS": "160"}

HEAD = """
import logging, ray, sys
ray.init(num_cpus=2, include_dashboard=False, object_store_memory=100 << 20,
         logging_level=logging.ERROR, log_to_driver=False, _temp_dir=sys.argv[1])
print(ray.get_runtime_context().gcs_address, flush=True)
sys.stdin.read()
"""


@pytest.fixture(scope="session")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Of a Ray with one worker's room and one to spare, which ends with the tests."""
    folder = tmp_path_factory.mktemp("r")  # sockets lie in it, and their paths are short
    quiet = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_BACKEND_LOG_LEVEL": "fatal"}
    with subprocess.Popen(
        [sys.executable, "-c", HEAD, str(folder)],
        env=ENV | quiet, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    ) as head:  # fmt: skip
        assert head.stdout is not None
        where = head.stdout.readline().strip()
        assert where
        yield where
        head.communicate("")


def begin(*args: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "easyportrait", *map(str, args)]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, env=ENV, stdout=pipe, stderr=pipe, text=True)


def run(*args: object) -> subprocess.CompletedProcess[str]:
    with begin(*args) as process:
        out, err = process.communicate()
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def wait_for(what: Callable[[], bool]) -> None:
    for _ in range(1200):
        if what():
            return
        time.sleep(0.05)
    raise AssertionError("it did not come to that within a minute")


def photos(folder: Path, n: int) -> Path:
    folder.mkdir(parents=True)
    for i in range(n):
        shutil.copy(DEMO, folder / f"p{i:02d}.jpg")
    return folder


def labels(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("*.png")}


def test_a_folder_is_parsed_as_by_parse_and_again_only_what_is_left(
    address: str, tmp_path: Path
) -> None:
    src, out = photos(tmp_path / "src", 3), tmp_path / "out"
    assert run("parse", src, "-o", tmp_path / "alone").returncode == 0
    (src / "bad.jpg").write_text("no picture")
    command = ("scale", "parse", src, "-o", out, "--part", 2, "--address", address)
    done = run(*command)
    assert done.returncode == 1 and "Traceback" not in done.stderr and done.stdout == ""
    lines = done.stderr.strip().splitlines()
    assert f"{src}/bad.jpg is not a picture" in lines[0] and len(lines) == 3
    assert "1 of 4 failed" in lines[-1]
    assert labels(out) == labels(tmp_path / "alone")
    (row,) = map(json.loads, (out / "errors.jsonl").read_text().splitlines())
    assert (row["name"], row["code"]) == ("bad", "image-unreadable")
    before = {path: path.stat().st_mtime_ns for path in out.glob("*.png")}
    shutil.copy(DEMO, src / "new.jpg")
    shutil.copy(DEMO, src / "bad.jpg")
    again = run(*command)
    assert again.returncode == 0, again.stderr
    # the part with the picture that was mended, and that with the new one
    assert "3 done; 1 of 3 parts were done already" in again.stderr
    assert not (out / "errors.jsonl").exists()
    assert {p.name for p in out.glob("*.png")} == {
        "bad.png", "new.png", "p00.png", "p01.png", "p02.png",
    }  # fmt: skip
    assert (out / "p02.png").stat().st_mtime_ns == before[out / "p02.png"]


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
    with begin(*command, "--part", 12, "--photo") as job:
        begun = out / ".scale/begun"
        wait_for(lambda: begun.is_dir() and any(begun.iterdir()))
        (worker,) = workers_of(address)
        os.kill(worker, signal.SIGKILL)
        assert not (out / "part-000000.tar").exists()  # nothing that is half a part
        _, errors = job.communicate(timeout=120)
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
    command = ("scale", "apply", src, "-o", out, "--address", address, "--part", 4)
    effects = ("--whiten-teeth", 0.6, "--background", "#00ff00")
    with begin(*command, *effects) as job:
        wait_for(lambda: len([*out.glob("manifest/*")]) > 1)
        job.send_signal(signal.SIGINT)
        _, errors = job.communicate(timeout=60)
    assert job.returncode == 130 and "what is done stays" in errors
    assert "Traceback" not in errors
    kept = {path: path.stat().st_mtime_ns for path in out.glob("manifest/*")}
    assert 1 < len(kept) < 6
    again = run(*command, *effects)
    assert again.returncode == 0, again.stderr
    assert f"{len(kept)} of 6 parts were done already" in again.stderr
    assert len([*out.glob("p*.jpg")]) == 24 and not [*out.glob(".*.part")]
    assert all(path.stat().st_mtime_ns == when for path, when in kept.items())


def test_a_dataset_is_verified_and_built_as_on_one_machine(address: str, tmp_path: Path) -> None:
    root = sound(tmp_path / "data")
    FAULTS["values"][1](root)
    FAULTS["duplicate"][0](root)
    told = {}
    for where in ([], ["--address", address]):
        name = "scale" if where else "data"
        report = tmp_path / f"{name}.json"
        done = run(name, "verify", root, "--json", report, *where)
        assert done.returncode == 8, done.stderr
        told[name] = report.read_bytes()
    assert told["scale"] == told["data"] and b'"values": 1' in told["data"]
    for i in range(6):
        made = entry(i, "train")
        for folder, file in (("images", made.image_file), ("masks", made.mask_file)):
            path = tmp_path / folder / f"p{i}.{'jpg' if folder == 'images' else 'png'}"
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(file.read())
    options = ("--masks", tmp_path / "masks", "--min-side", 10, "--shares", "train=.5,val=.5")
    made = {}
    for where in ([], ["--address", address]):
        name = "scale" if where else "data"
        out = tmp_path / f"built-{name}"
        done = run(name, "build", tmp_path / "images", "-o", out, *options, *where)
        assert done.returncode == 0, done.stderr
        made[name] = {path.name: path.read_bytes() for path in out.glob("*.zip")}
    assert made["scale"] == made["data"] and len(made["data"]) == 2


@pytest.mark.parametrize(
    ("args", "status", "message"),
    [
        (("parse", "nowhere", "-o", "out"), 3, "nowhere is no folder of pictures"),
        (("parse", "src", "-o", "src/out"), 3, "lies in"),
        (("parse", "src", "-o", "out", "--photo"), 3, "--photo is for --as webdataset"),
        (("apply", "src", "-o", "out"), 3, "name an effect"),
        (("parse", "src", "-o", "out", "-m", "embeded"), 4, "Did you mean 'embedded'"),
        (("parse", "src", "-o", "ftp9://x"), 3, "ftp9://x cannot be reached"),
    ],
)
def test_what_cannot_be_is_said_before_ray_is_started(
    args: tuple[str, ...], status: int, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    photos(tmp_path / "src", 1)
    monkeypatch.chdir(tmp_path)
    done = run("scale", *args)
    assert done.returncode == status and message in done.stderr and done.stdout == ""
    assert len(done.stderr.strip().splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["src"]


def test_the_commands_start_without_ray() -> None:
    code = (
        "import sys, easyportrait.cli.app; "
        "print({'ray', 'fsspec', 'pyarrow', 'pandas'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
