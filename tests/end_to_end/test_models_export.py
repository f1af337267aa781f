"""`easyportrait models export`, and `parse` with what it wrote."""

import importlib.util
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from easyportrait.assets import DEMO
from easyportrait.cli.app import app
from easyportrait.errors import BadInput, ExportMismatch, MissingExtra
from easyportrait.models.session import OnnxSession, has_openvino
from tests.conftest import face_mask
from tests.unit.evaluate.nets import portraits_of
from tests.unit.models.files import colour_model


def run(*arguments: object) -> object:
    """What a command prints on stdout, as JSON if there is any; raises what it raised."""
    result = CliRunner().invoke(app, [str(a) for a in arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout) if result.stdout.strip() else result.output


def portraits(folder: Path, count: int) -> Path:
    """Drawn faces in the colours of their classes."""
    root = folder / "faces"
    root.mkdir()
    portraits_of(root, {f"p{i}": face_mask() for i in range(count)})
    return root


def test_a_model_is_written_wider_and_parses_the_same(tmp_path: Path) -> None:
    path = tmp_path / "wide.onnx"
    found = run("models", "export", "embedded", "-o", path, "--float", "--json")
    assert isinstance(found, dict)
    assert found["bytes"] == path.stat().st_size > 10e6
    assert found["runtimes"]["onnx"]["worst"] < 1e-4
    assert set(found["runtimes"]) == ({"onnx", "openvino"} if has_openvino() else {"onnx"})
    for name, model in (("a", "embedded"), ("b", path)):
        run("parse", DEMO, "-o", tmp_path / name, "-m", model)
    a, b = (cv2.imread(str(tmp_path / n / f"{DEMO.stem}.png"), -1) for n in "ab")
    assert np.array_equal(a, b)


def test_int8_is_scored_kept_and_run(tmp_path: Path) -> None:
    faces = portraits(tmp_path, 4)
    source, path = colour_model(tmp_path / "a.onnx"), tmp_path / "b.onnx"
    how = ["--int8", "--data", faces, "--json"]
    found = run("models", "export", source, "-o", path, *how)
    assert isinstance(found, dict)
    assert (found["calibrated"], found["pictures"]) == (1, 3)
    assert found["mean_before"] - found["mean"] <= 0.005 and found["iou"]["skin"] > 0.7
    assert OnnxSession(path).card.version.endswith("-int8")
    out = tmp_path / "out"
    run("parse", faces / "images", "-o", out, "-m", path)
    labels = cv2.imread(str(out / "p0.png"), cv2.IMREAD_UNCHANGED)
    assert (labels == face_mask()).mean() > 0.9
    if has_openvino():
        run("parse", faces / "images", "-o", tmp_path / "ov", "-m", path,
            "--runtime", "openvino")  # fmt: skip
        again = cv2.imread(str(tmp_path / "ov/p0.png"), cv2.IMREAD_UNCHANGED)
        assert (labels == again).mean() > 0.99


def test_int8_that_loses_is_refused_in_a_line_and_nothing_is_written(tmp_path: Path) -> None:
    faces = portraits(tmp_path, 3)
    source = colour_model(tmp_path / "a.onnx", outlier=1000)
    with pytest.raises(ExportMismatch, match="was not kept"):
        run("models", "export", source, "-o", tmp_path / "b.onnx", "--int8", "--data",
            faces)  # fmt: skip
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.onnx", "faces"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--int8"], "--data DIR"),
        (["--int8", "--half", "--data", "."], "one of them"),
        (["--limit", "9"], "go with --int8"),
        (["--data", "."], "go with --int8"),
    ],
)
def test_options_that_do_not_go_together_are_refused(
    options: list[str], words: str, tmp_path: Path
) -> None:
    source = colour_model(tmp_path / "a.onnx")
    with pytest.raises(BadInput, match=words):
        run("models", "export", source, "-o", tmp_path / "b.onnx", *options)
    assert not (tmp_path / "b.onnx").exists()


def test_a_model_is_not_written_over_itself(tmp_path: Path) -> None:
    source = colour_model(tmp_path / "a.onnx")
    with pytest.raises(BadInput, match="is the model itself"):
        run("models", "export", source, "-o", source, "--half")


def test_without_onnx_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda n: None if n == "onnx" else find(n))
    with pytest.raises(MissingExtra, match=r"easyportrait\[export\]"):
        run("models", "export", "embedded", "-o", tmp_path / "b.onnx")
