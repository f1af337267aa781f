"""`easyportrait evaluate` as people use it."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.data.planted import sound


def run(*args: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "easyportrait", "evaluate", *map(str, args)],
        env=os.environ | {"COLUMNS": "80"},
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
    )


def cells(text: str, row: str) -> list[str]:
    """Of the row of a table that begins so."""
    lines = [line.strip("│ \n") for line in text.splitlines() if line.startswith("│")]
    (found,) = [line for line in lines if line.split("│")[0].strip() == row]
    return [cell.strip() for cell in found.split("│")[1:]]


def test_tables_json_and_a_page(portraits: Path, tmp_path: Path) -> None:
    told, page = tmp_path / "out/scores.json", tmp_path / "out/page.html"
    done = run("embedded", "--data", portraits, "-o", told, "--html", page)
    assert done.returncode == 0, done.stderr
    scores = json.loads(told.read_text())
    assert scores["pictures"] == 8 and scores["split"] is None and scores["data"] == str(portraits)
    assert cells(done.stdout, "mean IoU")[0] == f"{scores['mean']:.4f}"
    assert cells(done.stdout, "person whole")[0] == f"{scores['iou']['person_whole']:.3f}"
    assert (
        cells(done.stdout, "left brow")[2] == f"{scores['classes']['left_brow']['f1']['value']:.3f}"
    )
    assert max(map(len, done.stdout.splitlines())) <= 80 and "…" not in done.stdout
    assert "8 pictures scored; intervals are over pictures" in done.stderr
    text = page.read_text()
    assert text.startswith("<!DOCTYPE html>") and text.count("data:image/jpeg") == 8


def test_a_dataset_one_look_and_users(tmp_path: Path) -> None:
    root = sound(tmp_path / "data")
    done = run(
        "embedded", "--data", root, "--split", "val", "--looks", 1, "-o", tmp_path / "s.json"
    )
    assert done.returncode == 0, done.stderr
    scores = json.loads((tmp_path / "s.json").read_text())
    assert (scores["pictures"], scores["users"], scores["looks"]) == (2, 2, 1)
    assert "over the 2 users" in done.stderr


def test_a_bad_picture_is_named_at_the_end_and_the_status_is_1(
    portraits: Path, tmp_path: Path
) -> None:
    root = tmp_path / "portraits"
    shutil.copytree(portraits, root)
    (root / "images/p7.jpg").write_bytes(b"no picture")
    done = run("embedded", "--data", root, "--split", "val", "-o", tmp_path / "s.json")
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "p7: " in done.stderr and "1 of 2 pictures could not be scored" in done.stderr
    scores = json.loads((tmp_path / "s.json").read_text())
    assert scores["pictures"] == 1 and scores["failures"][0]["name"] == "p7"


@pytest.mark.parametrize(
    ("args", "status", "message"),
    [
        (("embedded", "--data", "nowhere"), 3, "nowhere is not a folder"),
        (("embedded", "--data", "PORTRAITS", "--split", "test"), 3, "no row with split 'test'"),
        (("embeded", "--data", "PORTRAITS"), 4, "Did you mean 'embedded'"),
        (("embedded", "--data", "PORTRAITS", "--looks", "3"), 2, "looks"),
    ],
)
def test_what_cannot_be_scored_is_said(
    portraits: Path, tmp_path: Path, args: tuple[str, ...], status: int, message: str
) -> None:
    given = [portraits if arg == "PORTRAITS" else arg for arg in args]
    done = run(*given, "-o", "s.json", cwd=tmp_path)
    assert done.returncode == status and message in done.stderr and done.stdout == ""
    assert not [*tmp_path.iterdir()]
