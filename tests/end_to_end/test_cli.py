"""The command line as scripts use it: files, exit statuses, stdout, bad input."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pil

from easyportrait.assets import DEMO
from easyportrait.image.io import read_image, read_notes
from tests.unit.image.test_io import bomb


def run(
    *args: object, stdin: bytes = b"", cwd: Path | None = None
) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "easyportrait", *map(str, args)]
    return subprocess.run(command, input=stdin, capture_output=True, cwd=cwd, check=False)


def labels(path: Path) -> np.ndarray:
    with Pil.open(path) as picture:
        assert picture.mode == "L"
        return np.asarray(picture)


@pytest.fixture(scope="module")
def photo() -> Pil.Image:
    with Pil.open(DEMO) as picture:
        return picture.convert("RGB").resize((384, 384))


def test_parse_writes_indices_at_the_pictures_own_size(tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = run("parse", DEMO, "-o", out, "--overlay", "--cutout", "--json")
    assert done.returncode == 0, done.stderr
    assert done.stdout == b""
    assert sorted(p.name for p in out.iterdir()) == [
        "astronaut.cutout.png", "astronaut.json", "astronaut.overlay.jpg", "astronaut.png",
    ]  # fmt: skip
    mask = labels(out / "astronaut.png")
    assert mask.shape == (512, 512) and mask.dtype == np.uint8
    assert set(np.unique(mask)) == set(range(9))
    with Pil.open(out / "astronaut.cutout.png") as cutout:
        assert cutout.mode == "RGBA" and cutout.size == (512, 512)
    found = json.loads((out / "astronaut.json").read_text())
    assert found["width"] == found["height"] == 512
    assert sum(row["pixels"] for row in found["classes"].values()) == 512 * 512
    assert found["classes"]["teeth"]["pixels"] == int((mask == 8).sum())
    assert {"box", "roll", "yaw", "parts"} == set(found["faces"][0])


def test_stdin_and_stdout_make_a_pipe(tmp_path: Path) -> None:
    piped = run("parse", "-", "-o", "-", stdin=DEMO.read_bytes())
    assert piped.returncode == 0, piped.stderr
    with Pil.open(io.BytesIO(piped.stdout)) as picture:
        mask = np.asarray(picture)
    assert run("parse", "-", "-o", tmp_path, stdin=DEMO.read_bytes()).returncode == 0
    assert np.array_equal(labels(tmp_path / "stdin.png"), mask)
    refused = run("parse", DEMO, DEMO, "-o", "-")
    assert refused.returncode == 3 and b"one picture" in refused.stderr


@pytest.fixture(scope="module")
def zoo(tmp_path_factory: pytest.TempPathFactory, photo: Pil.Image) -> Path:
    """A folder of everything that people and attackers put into folders."""
    folder = tmp_path_factory.mktemp("zoo")
    photo.save(folder / "good.jpg", quality=95)
    whole = (folder / "good.jpg").read_bytes()
    (folder / "bad-empty.jpg").write_bytes(b"")
    (folder / "bad-cut.jpg").write_bytes(whole[: len(whole) // 2])
    (folder / "bad-bomb.png").write_bytes(bomb())
    (folder / "bad-text.jpg").write_text("no picture")
    (folder / "bad-folder.png").mkdir()
    (folder / "notes.txt").write_text("not meant to be parsed")
    Pil.new("RGB", (1, 1), "red").save(folder / "one.png")
    Pil.new("RGB", (20000, 1), "red").save(folder / "line.png")
    photo.convert("CMYK").save(folder / "cmyk.jpg", quality=95)
    grey = np.asarray(photo.convert("L")).astype(np.uint16) * 257
    Pil.fromarray(grey).save(folder / "deep.png")
    photo.quantize(256).save(folder / "palette.gif")
    rgba = photo.convert("RGBA")
    rgba.save(folder / "rgba.png")
    exif = Pil.Exif()
    exif[0x0112] = 6
    photo.transpose(Pil.Transpose.ROTATE_90).save(folder / "turned.jpg", exif=exif, quality=95)
    (folder / "sub").mkdir()
    photo.save(folder / "sub" / "good.webp", quality=95)
    return folder


GOOD = ("good", "cmyk", "deep", "palette", "rgba", "turned", "sub/good")


@pytest.fixture(scope="module")
def parsed(
    zoo: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, subprocess.CompletedProcess[bytes]]:
    out = tmp_path_factory.mktemp("out")
    return out, run("parse", zoo, "-o", out)


def test_a_folder_goes_on_after_bad_files_and_lists_them(
    zoo: Path, parsed: tuple[Path, subprocess.CompletedProcess[bytes]]
) -> None:
    out, done = parsed
    assert done.returncode == 1
    lines = done.stderr.decode().strip().splitlines()
    for name in ("empty.jpg", "cut.jpg", "bomb.png", "text.jpg", "folder.png"):
        (line,) = [line for line in lines if f"bad-{name}" in line]
        assert line.startswith("easyportrait: ")
    assert len(lines) == 6 and "5 of 14 failed" in lines[-1]
    assert b"Traceback" not in done.stderr and done.stdout == b""
    written = {str(p.relative_to(out)) for p in out.rglob("*") if p.is_file()}
    assert written == {f"{name}.png" for name in (*GOOD, "one", "line")}


def test_every_kind_of_the_same_photograph_is_parsed_the_same(
    parsed: tuple[Path, subprocess.CompletedProcess[bytes]],
) -> None:
    out, _ = parsed
    truth = labels(out / "good.png")
    for name in GOOD:
        mask = labels(out / f"{name}.png")
        assert mask.shape == truth.shape
        assert (mask == truth).mean() > (0.9 if name == "deep" else 0.96), name
    assert labels(out / "line.png").shape == (1, 20000) and labels(out / "one.png").shape == (1, 1)


def test_running_again_does_only_what_is_left(zoo: Path, tmp_path: Path) -> None:
    out, inputs = tmp_path / "out", [zoo / "good.jpg", zoo / "rgba.png"]
    assert run("parse", *inputs, "-o", out).returncode == 0
    first = {p.name: p.stat().st_mtime_ns for p in out.iterdir()}
    (out / "rgba.png").unlink()
    again = run("parse", *inputs, "-o", out)
    assert b"1 parsed, 1 were done already" in again.stderr
    assert (out / "good.png").stat().st_mtime_ns == first["good.png"]
    assert (out / "rgba.png").exists()
    assert b"2 parsed;" in run("parse", *inputs, "-o", out, "--force").stderr
    assert b"2 parsed;" in run("parse", *inputs, "-o", out, "--looks", 1).stderr
    os.utime(inputs[0])
    assert b"1 parsed, 1 were" in run("parse", *inputs, "-o", out, "--looks", 1).stderr


def test_globs_are_expanded_and_empty_ones_said(zoo: Path, tmp_path: Path) -> None:
    assert run("parse", zoo / "[gr]*.[jp]*g", "-o", tmp_path).returncode == 0
    assert sorted(p.name for p in tmp_path.iterdir()) == ["good.png", "rgba.png"]
    nothing = run("parse", zoo / "*.tga", "-o", tmp_path)
    assert nothing.returncode == 3 and b"no file matches" in nothing.stderr


def test_clashes_are_said_and_nothing_is_overwritten(photo: Pil.Image, tmp_path: Path) -> None:
    photo.save(tmp_path / "a.png")
    photo.save(tmp_path / "a.webp")
    before = (tmp_path / "a.png").read_bytes()
    done = run("parse", tmp_path, "-o", tmp_path)
    assert done.returncode == 1 and (tmp_path / "a.png").read_bytes() == before
    assert b"would overwrite the input" in done.stderr
    out = tmp_path / "out"
    done = run("parse", tmp_path / "a.png", tmp_path / "a.webp", "-o", out)
    assert done.returncode == 1 and b"would both be written to" in done.stderr
    assert (out / "a.png").exists()


def test_every_kind_of_result_is_kept_from_clashing(photo: Pil.Image, tmp_path: Path) -> None:
    photo.save(tmp_path / "a.jpg")
    photo.save(tmp_path / "a.cutout.jpg")
    done = run("parse", tmp_path, "-o", tmp_path / "out", "--cutout")
    assert done.returncode == 1 and b"would both be written to" in done.stderr
    assert labels(tmp_path / "out" / "a.cutout.png").shape == (384, 384)


def test_what_lies_in_a_folder_is_done_or_named(photo: Pil.Image, tmp_path: Path) -> None:
    photo.save(tmp_path / "a.jpg")
    (tmp_path / "lost.jpg").symlink_to(tmp_path / "nowhere.jpg")
    out = tmp_path / "out"
    done = run("parse", tmp_path, "b" * 300 + ".jpg", "-o", out, "--overlay")
    text = done.stderr.decode()
    assert done.returncode == 1 and "Traceback" not in text
    assert "lost.jpg is a link that leads nowhere" in text and "File name too long" in text
    before = {p for p in out.rglob("*") if p.is_file()}
    assert {p.name for p in before} == {"a.png", "a.overlay.jpg"}
    again = run("parse", tmp_path, "-o", out, "--overlay")
    assert b"1 of 2 failed" in again.stderr
    assert {p for p in out.rglob("*") if p.is_file()} == before


def test_extras_asked_for_later_are_made_by_the_same_model(
    photo: Pil.Image, tmp_path: Path
) -> None:
    path, out = tmp_path / "a.jpg", tmp_path / "out"
    photo.save(path)
    assert run("parse", path, "-o", out, "--cutout", "--looks", 1).returncode == 0
    assert run("parse", path, "-o", out).returncode == 0
    stale = (out / "a.cutout.png").stat().st_mtime_ns
    assert b"1 parsed;" in run("parse", path, "-o", out, "--cutout").stderr
    assert (out / "a.cutout.png").stat().st_mtime_ns > stale


def test_results_beside_their_pictures_are_not_parsed_in_turn(
    photo: Pil.Image, tmp_path: Path
) -> None:
    photo.save(tmp_path / "a.jpg")
    assert run("parse", tmp_path, "-o", tmp_path, "--cutout").returncode == 0
    again = run("parse", tmp_path, "-o", tmp_path, "--cutout")
    assert again.returncode == 0 and b"1 were done already" in again.stderr
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.cutout.png", "a.jpg", "a.png"]


@pytest.mark.parametrize(
    ("args", "status", "words"),
    [
        (["parse", "gone.jpg", "-o", "out"], 3, "gone.jpg does not exist"),
        (["parse", DEMO, "-o", "out", "-m", "embeded"], 4, "Did you mean 'embedded'"),
        (["parse", DEMO, "-o", "out", "--max-pixels", "1000"], 3, "over the limit of 0.0"),
        (["parse", DEMO, "-o", "file/out"], 6, "cannot be written"),
        (["parse", DEMO, "-o", "labels.png"], 3, "-o names a folder, got labels.png"),
        (["parse", DEMO], 2, "output"),
        (["parse", DEMO, "-o", "out", "--looks", "3"], 2, "looks"),
        (["evaluate", "embedded", "--data", "nowhere"], 3, "nowhere is not a folder"),
        (["train", "embeded", "--data", "nowhere"], 3, "no recipe 'embeded'"),
        (["models", "show", "unet"], 4, "there is no model 'unet'"),
    ],
)  # fmt: skip
def test_each_error_has_its_line_and_status(
    args: list[object], status: int, words: str, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    done = run(*args, cwd=tmp_path)
    text = done.stderr.decode()
    assert done.returncode == status, text
    assert words in " ".join(text.split()) and "Traceback" not in text
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file"]
    if status != 2:
        assert len(text.strip().splitlines()) == 1


def test_the_demo_ends_in_files_and_a_table(tmp_path: Path) -> None:
    done = run("demo", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "easyportrait-demo"
    assert {p.name for p in folder.iterdir()} == {
        "astronaut.jpg", "astronaut.png", "astronaut.overlay.jpg", "astronaut.cutout.png",
        "astronaut.json",
    }  # fmt: skip
    assert read_image(folder / "astronaut.overlay.jpg").shape == (512, 512, 3)
    assert b"right_brow" in done.stdout and b"astronaut.cutout.png" in done.stderr
    assert "easyportrait" in read_notes(folder / "astronaut.png")


def test_models_doctor_and_version_answer() -> None:
    rows = json.loads(run("models", "list", "--json").stdout)
    assert rows[0]["name"] == "embedded-int8" and rows[0]["task"] == "joint"
    card = json.loads(run("models", "show", "embedded", "--json").stdout)
    assert card["classes"][8] == "teeth" and card["sources"]
    assert b"trained on" in run("models", "show", "embedded").stdout
    assert b"All well" in run("doctor").stderr
    from easyportrait import __version__

    assert run("--version").stdout.decode().strip() == f"easyportrait {__version__}"


def test_evaluate_writes_scores(portraits: Path, tmp_path: Path) -> None:
    done = run(
        "evaluate", "embedded", "--data", portraits, "--split", "val", "-o", tmp_path / "s.json"
    )
    assert done.returncode == 0, done.stderr
    scores = json.loads((tmp_path / "s.json").read_text())
    assert scores["pictures"] == 2 and scores["looks"] == 2
    assert 0 <= scores["iou"]["person_whole"] <= 1


def test_a_shell_can_complete() -> None:
    """What the installed completion asks for, answered."""
    code = "from easyportrait.cli import main; main()"
    asked = {
        "_EASYPORTRAIT_COMPLETE": "complete_bash",
        "COMP_WORDS": "easyportrait pa",
        "COMP_CWORD": "1",
    }
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, env=os.environ | asked, check=False
    )
    assert b"parse" in done.stdout
