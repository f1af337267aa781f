"""`easyportrait evaluate` as people use it."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

import easyportrait
from easyportrait.assets import DEMO
from tests.unit.data.planted import sound
from tests.unit.video.films import film, hum


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


# -- films ---------------------------------------------------------------------------------


def same(_: int) -> np.ndarray:
    return cv2.resize(easyportrait.demo_image(), (192, 192), interpolation=cv2.INTER_AREA)


def lossless(path: Path, count: int) -> Path:
    return film(path, count=count, paint=same, codec="ffv1", pixels="bgr0", sound=None)


@pytest.fixture(scope="module")
def odd_films(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("odd")
    (root / "text.mp4").write_text("not a film\n" * 99)
    (root / "empty.mp4").touch()
    shutil.copy(DEMO, root / "photo.mp4")
    with av.open(str(root / "frameless.mp4"), "w") as out:
        hum(out, out.add_stream("aac", rate=48000, layout="mono"), 0.2)
    return {
        "TEXT": root / "text.mp4",
        "EMPTY": root / "empty.mp4",
        "PICTURE": root / "photo.mp4",
        "FRAMELESS": root / "frameless.mp4",
        "SINGLE": lossless(root / "single.mkv", 1),
    }


def test_a_film_in_which_nothing_moves_has_no_flicker(tmp_path: Path) -> None:
    path, told, page = lossless(tmp_path / "still.mkv", 4), tmp_path / "s.json", tmp_path / "p.html"
    done = run("embedded", "--video", path, "-o", told, "--html", page)
    assert done.returncode == 0 and "1 film scored, 4 frames" in done.stderr, done.stderr
    found = json.loads(told.read_text())
    (one,) = found["films"]
    assert (one["name"], one["frames"], one["still_share"]) == (str(path), 4, 1)
    assert {"person", "skin", "lips"} <= set(one["steadied"]["changes"])
    for kind in ("as_said", "steadied"):
        assert one[kind]["labels"] == one[kind]["person"] == one[kind]["temporal_error"] == 0
        assert not any(one[kind]["changes"].values())
    assert cells(done.stdout, "still pixels that change class") == ["0.000 %", "0.000 %"]
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert "4 frames of 192 x 192, 100 % of it still" in page.read_text()


def test_pictures_and_films_and_one_that_breaks_off(portraits: Path, tmp_path: Path) -> None:
    whole = film(tmp_path / "whole.mkv", count=30, paint=noisy, sound=None)
    data = bytearray(whole.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 20000] = bytes(20000)
    broken = tmp_path / "broken.mkv"
    broken.write_bytes(data)
    told, page = tmp_path / "s.json", tmp_path / "p.html"
    args = "--split", "val", "--looks", 1, "--every", 2, "-o", told, "--html", page
    done = run("embedded", "--data", portraits, "--video", broken, *args)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "broken.mkv is damaged" in done.stderr
    assert "1 of 1 films could not be scored" in done.stderr
    found = json.loads(told.read_text())
    assert found["pictures"] == 2 and len(found["each"]) == 2 and found["every"] == 2
    assert found["films"] == [] and found["film_failures"][0]["name"] == str(broken)
    text = page.read_text()
    assert "What is taken for what" in text and "How calm it is over films" in text
    assert cells(done.stdout, "mean IoU")


def noisy(index: int) -> np.ndarray:
    return np.random.default_rng(index).integers(0, 255, (120, 160, 3)).astype(np.uint8)


@pytest.mark.parametrize(
    ("args", "status", "message"),
    [
        (("embedded", "--data", "nowhere"), 3, "nowhere is not a folder"),
        (("embedded", "--data", "PORTRAITS", "--split", "test"), 3, "no row with split 'test'"),
        (("embeded", "--data", "PORTRAITS"), 4, "Did you mean 'embedded'"),
        (("embedded", "--data", "PORTRAITS", "--looks", "3"), 2, "looks"),
        (("embedded",), 3, "nothing to score: name pictures with --data DIR, a film with --video"),
        (("embedded", "--video", "gone.mp4"), 3, "gone.mp4 does not exist"),
        (("embedded", "--data", "PORTRAITS", "--video", "gone.mp4"), 3, "gone.mp4 does not exist"),
        (("embedded", "--video", "TEXT"), 3, "not a video of a known format"),
        (("embedded", "--video", "EMPTY"), 3, "is empty (0 bytes)"),
        (("embedded", "--video", "FRAMELESS"), 3, "has no video in it, only audio"),
        (("embedded", "--video", "PICTURE"), 3, "is a picture, not a video"),
        (("embedded", "--video", "SINGLE"), 3, "holds 1 frames; what changes is seen from two on"),
        (("embeded", "--video", "SINGLE"), 4, "Did you mean 'embedded'"),
        (("embedded", "--video", "SINGLE", "--split", "val"), 3, "--split goes with --data"),
        (("embedded", "--data", "PORTRAITS", "--every", "2"), 3, "--every goes with --video"),
        (("embedded", "--video", "SINGLE", "--html", "SINGLE"), 3, "is a film to be scored"),
    ],
)
def test_what_cannot_be_scored_is_said(
    portraits: Path,
    odd_films: dict[str, Path],
    tmp_path: Path,
    args: tuple[str, ...],
    status: int,
    message: str,
) -> None:
    given = [({"PORTRAITS": portraits} | odd_films).get(arg, arg) for arg in args]
    done = run(*given, "-o", "s.json", cwd=tmp_path)
    assert done.returncode == status and message in done.stderr and done.stdout == ""
    assert status == 2 or len(done.stderr.strip().splitlines()) == 1
    assert not [*tmp_path.iterdir()]
