"""`easyportrait data stats` as people use it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.data.planted import cut, sound


def run(*args: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "easyportrait", "data", "stats", *map(str, args)],
        env=os.environ | {"COLUMNS": "160"},
        capture_output=True,
        text=True,
        check=False,
    )


def cells(text: str, row: str) -> list[str]:
    """Of the row of a table that begins so."""
    lines = [line.strip("│ \n") for line in text.splitlines() if line.startswith("│")]
    (found,) = [line for line in lines if line.split("│")[0].strip() == row]
    return [cell.strip() for cell in found.split("│")[1:]]


def test_tables_a_page_and_json(tmp_path: Path) -> None:
    root = sound(tmp_path / "data")
    page, told = tmp_path / "out" / "page.html", tmp_path / "out" / "numbers.json"
    done = run(root, "--html", page, "--json", told)
    assert done.returncode == 0, done.stderr
    assert cells(done.stdout, "pictures") == ["2", "2", "2", "6"]
    assert cells(done.stdout, "teeth")[1] == "100.0 %"
    assert cells(done.stdout, "train and val") == ["too few users to tell"]
    assert "6 pictures measured" in done.stderr
    assert json.loads(told.read_text())["pictures"]["all"] == 6
    assert page.read_text().startswith("<!DOCTYPE html>")
    one = run(root, "--split", "val")
    assert cells(one.stdout, "pictures") == ["2", "2"] and "alike?" not in one.stdout


def test_a_bad_file_is_named_at_the_end_and_the_status_is_1(tmp_path: Path) -> None:
    root = sound(tmp_path / "data")
    cut("images/val/p2.jpg")(root)
    done = run(root, "--json", tmp_path / "numbers.json")
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "val/p2: " in done.stderr and "1 of 6 pictures could not be measured" in done.stderr
    assert cells(done.stdout, "pictures") == ["2", "1", "2", "5"]
    assert len(json.loads((tmp_path / "numbers.json").read_text())["each"]) == 5


@pytest.mark.parametrize(
    ("args", "status", "message"),
    [
        (("nowhere",), 3, "nowhere is not a folder"),
        ((".",), 3, "no picture with a mask was found"),
        (("data", "--split", "dev"), 3, "no split 'dev'; it has train, val, test"),
    ],
)
def test_what_cannot_be_measured_is_said(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    args: tuple[str, ...],
    status: int,
    message: str,
) -> None:
    if args[0] == "data":
        sound(tmp_path / "data")
    monkeypatch.chdir(tmp_path)
    done = run(*args)
    assert done.returncode == status and message in done.stderr and done.stdout == ""
