"""`easyportrait train` as people use it: a recipe of their own, a run, a model that works."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from easyportrait.train.recipe import recipes

FEW = {
    "steps": "2",
    "batch": "2",
    "validate_every": "1",
    "checkpoint_every": "1",
    "warmup_steps": "1",
    "precision": '"32-true"',
    "side": "64",
    "name": '"mine"',
}


def run(*args: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "easyportrait", *map(str, args)],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
    )


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    """One of ours, copied and changed, as the how-to says."""
    text = recipes()["embedded"].read_text()
    for key, value in FEW.items():
        text = re.sub(rf"(?m)^{key} = [^#\n]*", f"{key} = {value} ", text)
    text = re.sub(r"(?m)^from_step = [1-9]\d*", "from_step = 1", text)
    path = tmp_path / "mine.toml"
    path.write_text(text)
    return path


def test_from_a_recipe_to_a_model_that_is_scored(
    recipe: Path, portraits: Path, tmp_path: Path
) -> None:
    args = "--data", portraits, "-o", "run", "--accelerator", "cpu", "--workers", 0
    done = run("train", recipe, *args, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    known = r".* to train on|.*(weights|backbone)|step \d+: mean|.*kept the net busy"
    strange = [line for line in lines[:-1] if not re.match(known, line)]
    assert not strange, "libraries' warnings concern no user"
    assert lines[-1].startswith("run/mine.onnx: answers within")
    left = {path.name for path in (tmp_path / "run").iterdir()}
    assert {"last.ckpt", "best.ckpt", "samples", "logs", "mine.onnx"} <= left
    scored = run("evaluate", "run/mine.onnx", "--data", portraits, "--split", "val", cwd=tmp_path)
    assert scored.returncode == 0 and "2 pictures scored" in scored.stderr, scored.stderr
    again = run("train", recipe, *args, cwd=tmp_path)
    assert again.returncode == 3 and "go on with --resume" in again.stderr


def test_a_recipe_with_a_key_too_many_and_one_too_few_is_one_line(
    recipe: Path, portraits: Path, tmp_path: Path
) -> None:
    text = recipe.read_text()
    recipe.write_text(re.sub(r"(?m)^patience = .*$", "patients = 3", text))
    done = run("train", recipe, "--data", portraits, "-o", "run", cwd=tmp_path)
    assert done.returncode == 3 and not (tmp_path / "run").exists()
    (line,) = done.stderr.strip().splitlines()
    assert "run: missing patience; unknown patients" in line
