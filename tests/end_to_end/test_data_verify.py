"""`easyportrait data verify` as scripts use it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.data.planted import FAULTS, sound


def run(*args: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "easyportrait", "data", "verify", *map(str, args)],
        env=os.environ | {"COLUMNS": "160"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_sound_dataset_leaves_with_0(tmp_path: Path) -> None:
    root = sound(tmp_path / "data")
    done = run(root)
    assert done.returncode == 0, done.stderr
    assert f"{root} is sound: 6 pictures, 24 checks" in done.stderr and "none" in done.stdout


def test_an_unsound_one_leaves_with_8_a_table_and_both_reports(tmp_path: Path) -> None:
    root = sound(tmp_path / "data")
    FAULTS["values"][1](root)
    FAULTS["duplicate"][0](root)
    page, told = tmp_path / "out" / "page.html", tmp_path / "out" / "found.json"
    done = run(root, "--html", page, "--json", told)
    assert done.returncode == 8 and "Traceback" not in done.stderr
    assert f"{root}: 2 findings in 7 pictures, 24 checks; all in {page}" in done.stderr
    rows = [line for line in done.stdout.splitlines() if "│" in line]
    assert [row.split("│")[1].strip() for row in rows] == ["duplicate", "values"]
    assert json.loads(told.read_text())["counts"] == {"duplicate": 1, "values": 1}
    assert page.read_text().count("<li>") == 2
    passed = run(root, "--allow-255", "--skip", "duplicate")
    assert passed.returncode == 0, passed.stderr


def test_a_file_name_cannot_command_the_terminal(tmp_path: Path) -> None:
    root = sound(tmp_path / "data")
    (root / "images" / "[red]\x1b[2Jx.txt").write_text("")
    done = run(root)
    assert done.returncode == 8
    assert "\x1b" not in done.stdout and "images/[red]?[2Jx.txt" in done.stdout


@pytest.mark.parametrize(
    ("args", "status", "message"),
    [
        (("nowhere",), 3, "nowhere is not a folder"),
        ((".",), 3, "no picture with a mask was found"),
        ((".", "--distance", "33"), 2, "--distance"),
    ],
)
def test_what_cannot_be_looked_at_is_said(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    args: tuple[str, ...],
    status: int,
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    done = run(*args)
    assert done.returncode == status and message in done.stderr and done.stdout == ""
