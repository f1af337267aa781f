"""`easyportrait data build`, `split` and `duplicates` as scripts use them."""

import io
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import pytest

import easyportrait
from easyportrait.cli import main
from tests.unit.data.drawn import as_file
from tests.unit.data.heap import noise, put, save, splits_in, told
from tests.unit.data.test_build import twin

LAX = ("--min-side", 100, "--min-face", 0, "--folders")


def command(*args: object) -> list[str]:
    return [sys.executable, "-m", "easyportrait", "data", *map(str, args)]


@dataclass(frozen=True)
class Done:
    returncode: int
    stdout: str
    stderr: str


def run(*args: object) -> Done:
    """A command in this process, from its words to its exit status: starting one takes long."""
    argv = ["easyportrait", "data", *map(str, args)]
    out, err = io.StringIO(), io.StringIO()
    environment = mock.patch.dict(os.environ, COLUMNS="160")
    words = mock.patch.object(sys, "argv", argv)
    streams = redirect_stdout(out), redirect_stderr(err)
    with words, environment, streams[0], streams[1], pytest.raises(SystemExit) as left:
        main()
    return Done(int(left.value.code or 0), out.getvalue(), err.getvalue())


def cells(text: str) -> list[list[str]]:
    rows = [line.strip("│").split("│") for line in text.splitlines() if line.startswith("│")]
    return [[cell.strip() for cell in row] for row in rows]


def test_a_dataset_is_built_is_sound_and_grows(tmp_path: Path) -> None:
    heap, out = put(tmp_path / "heap", range(20), users=2), tmp_path / "out"
    args = ("build", heap, "-o", out, "--users", heap / "users.csv", *LAX)
    done = run(*args, "--report", tmp_path / "all.csv")
    assert done.returncode == 0, done.stderr
    assert f"20 pictures are in {out}, 0 are left out" in done.stderr
    assert [row[:4] for row in cells(done.stdout)] == [
        ["train", "14", "70.0%", "7"],
        ["val", "2", "10.0%", "1"],
        ["test", "4", "20.0%", "2"],
    ]
    header = next(line for line in done.stdout.splitlines() if "split" in line)
    titles = [title.strip() for title in header.strip("┃").split("┃")]
    assert titles[4:] == ["brightness", "off", "shorter side", "off"]
    sides = {row[0]: row[6] for row in cells(done.stdout)}
    assert sides == {p["split"]: f"{p['side']:.0f}" for p in told(out)["splits"]}
    assert len((tmp_path / "all.csv").read_text().splitlines()) == 21
    verified = run("verify", out)
    assert verified.returncode == 0, verified.stdout
    before = splits_in(out)
    put(heap, range(20, 26), users=2)
    twin(heap, 3, "p40")
    (heap / "users.csv").write_text((heap / "users.csv").read_text() + "p40,u20\n")
    done = run(*args)
    assert done.returncode == 0, done.stderr
    assert "1 left out as duplicate, such as" in done.stderr
    assert "10 of 13 users had a split and keep it" in done.stderr
    after = splits_in(out)
    assert len(after) == 26 and {name: after[name] for name in before} == before


def test_a_killed_run_goes_on(tmp_path: Path) -> None:
    """Killed for good while it looks; the next looks at the rest only and ends the same."""
    heap, out = put(tmp_path / "heap", range(60)), tmp_path / "out"
    args = ("build", heap, "-o", out, *LAX)
    notes = out / ".build" / "measures.jsonl"
    process = subprocess.Popen(command(*args), stderr=subprocess.DEVNULL)
    for _ in range(3000):
        if process.poll() is not None or (notes.exists() and notes.stat().st_size):
            break
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.wait()
    kept = notes.read_text().count("\n")
    assert kept >= 1
    done = subprocess.run(command(*args), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert run("build", heap, "-o", tmp_path / "straight", *LAX).returncode == 0
    assert splits_in(out) == splits_in(tmp_path / "straight") and len(splits_in(out)) == 60
    assert not any(path.name.endswith(".part") for path in out.rglob("*"))


def test_the_embedded_net_looks_for_faces(tmp_path: Path) -> None:
    heap = tmp_path / "heap"
    for kind in ("images", "masks"):
        (heap / kind).mkdir(parents=True)
    image = easyportrait.demo_image()
    labels = easyportrait.parse(image).labels
    for name, picture, mask in (
        ("somebody", image, labels),
        ("nobody", noise(1), noise(2)[..., 0] % 2),
    ):
        save(heap / f"images/{name}.jpg", as_file(picture, "JPEG", quality=90))
        save(heap / f"masks/{name}.png", as_file(mask, "PNG"))
    done = run("build", heap, "-o", tmp_path / "out", "--shares", "train=1")
    assert done.returncode == 0, done.stderr
    assert "1 left out as no-face, such as" in done.stderr
    assert "nobody.jpg: the tallest face is 0 px, under 40" in done.stderr
    assert splits_in(tmp_path / "out") == {"somebody": "train"}
    rows = {row["name"]: row for row in told(tmp_path / "out")["pictures"]}
    assert rows["somebody"]["face"] > 100 and rows["nobody"]["value"] == 0


def test_faults_are_named_and_the_status_tells(tmp_path: Path) -> None:
    heap, out = put(tmp_path / "heap", range(4)), tmp_path / "out"
    (heap / "masks/p1.png").unlink()
    done = run("build", heap, "-o", out, *LAX, "--report", tmp_path / "r.json")
    assert done.returncode == 1 and "p1.jpg: has no mask p1.png in" in done.stderr
    assert "nothing was written; --partial builds from the rest" in done.stderr
    assert not out.exists()
    (row,) = json.loads((tmp_path / "r.json").read_text())["pictures"]
    assert (row["name"], row["reason"]) == ("p1", "no-mask")
    partial = run("build", heap, "-o", out, *LAX, "--partial")
    assert partial.returncode == 1 and "the other 3 are in" in partial.stderr
    assert len(splits_in(out)) == 3


@pytest.mark.parametrize(
    ("args", "status", "message"),
    [
        (("build", "nowhere", "-o", "out"), 3, "nowhere does not exist"),
        (("build", ".", "-o", "out", "--shares", "train=2"), 3, "together 1, got train 2"),
        (("build", ".", "-o", "out", "--report", "r.txt"), 3, "FILE.json or FILE.csv, not r.txt"),
        (("build", ".", "-o", "out", "--min-side", "-1"), 2, "--min-side"),
        (("split", "nowhere.csv"), 3, "nowhere.csv is not a table"),
        (("split", "."), 3, "no picture with a mask was found"),
        (("duplicates", "nowhere"), 3, "nowhere does not exist"),
        (("duplicates", ".", "--distance", "33"), 2, "--distance"),
    ],
)
def test_what_makes_no_sense_is_said_in_a_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    args: tuple[str, ...],
    status: int,
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    done = run(*args)
    assert done.returncode == status and message in done.stderr and done.stdout == ""


def test_a_table_is_split_to_stdout_and_kept_by_a_build(tmp_path: Path) -> None:
    heap = put(tmp_path / "heap", range(20), users=2)
    done = run("split", heap / "users.csv", "--shares", "train=.5,test=.5", "--seed", 7)
    assert done.returncode == 0 and done.stdout.startswith("name,user,split\n"), done.stderr
    assert "there is no brightness, so it was not balanced" in done.stderr
    rows = [line.split(",") for line in done.stdout.splitlines()[1:]]
    assert sorted(row[2] for row in rows) == ["test"] * 10 + ["train"] * 10
    (tmp_path / "split.csv").write_text(done.stdout)
    keep = ("--keep-split", tmp_path / "split.csv", "--users", heap / "users.csv")
    assert run("build", heap, "-o", tmp_path / "out", *keep, *LAX).returncode == 0
    assert splits_in(tmp_path / "out") == {name: split for name, _, split in rows}
    again = run("split", tmp_path / "out", "-o", tmp_path / "again.csv", "--seed", 8)
    assert again.returncode == 0 and again.stdout == ""
    assert len((tmp_path / "again.csv").read_text().splitlines()) == 21


def test_duplicates_are_listed_for_people_and_machines(tmp_path: Path) -> None:
    heap = put(tmp_path / "heap", range(4))
    twin(heap, 2, "again", side=400)
    done = run("duplicates", heap, "--json", tmp_path / "found.json")
    assert done.returncode == 0, done.stderr
    assert "1 groups with 2 of 5 pictures" in done.stderr
    assert [row[:3] for row in cells(done.stdout)] == [
        ["1", "images/again.jpg", "400 x 448"],
        ["1", "images/p2.jpg", "150 x 168"],
    ]
    (group,) = json.loads((tmp_path / "found.json").read_text())["groups"]
    assert [look["name"] for look in group] == ["images/again.jpg", "images/p2.jpg"]
    save(heap / "images/bad.jpg", b"words")
    assert run("duplicates", heap).returncode == 1
