"""From a checkpoint of the reference code, by command, to a model file that people run.

One of each architecture is imported; `EASYPORTRAIT_PARITY=all` imports all fourteen variants
(some minutes: torch's exporter takes its time). How all fourteen answer as model files:
tests/unit/train/test_reference.py.
"""

import collections
import os
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from easyportrait.cli.app import app
from easyportrait.errors import BadInput
from easyportrait.models.catalog import open_model
from tests.parity import SIZES, VARIANTS, answer, classes, enlarged_labels, state_dict, wave

IMPORTED = [
    ("lraspp-mobilenetv3", "v1"),
    ("fcn-mobilenetv2", "v2-ps"),
    ("fpn-resnet50", "v1"),
    ("bisenet-v2", "v1"),
    ("segformer-b0", "v2-fp"),
]
if os.environ.get("EASYPORTRAIT_PARITY") == "all":
    IMPORTED = VARIANTS

TOLERANCE = 2e-4
"""Of the output's standard deviation; twice what torch must reach, since the reference rounds as
well: its FCN is 0.95e-4 from what float64 gives, ours as a file 0.7e-4 on another side of it."""


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EASYPORTRAIT_MODELS", str(tmp_path / "models"))
    return tmp_path / "models"


def checkpoint(path: Path, net: str, variant: str) -> float:
    """Write a .pth as the reference code does; by how much its last layer was made smaller.

    A power of two rounds nothing. Probabilities are what a model file gives, and with logits
    hundreds apart, as filled nets have them, most would be 0, and the rest all rounding.
    """
    heads = [answer(net, variant, *size).head_every_3rd for size in SIZES]
    span = max(float(np.ptp(head, 1).max()) for head in heads)
    shrink = 2.0 ** np.ceil(np.log2(max(span, 8) / 8))
    state = collections.OrderedDict(state_dict(net, variant))
    for part in ("weight", "bias"):
        state[f"decode_head.conv_seg.{part}"] = state[f"decode_head.conv_seg.{part}"] / shrink
    torch.save({"meta": {"best_score": np.float64(0.8)}, "state_dict": state}, path)
    return float(shrink)


@pytest.mark.parametrize(("net", "variant"), IMPORTED)
def test_an_imported_checkpoint_answers_what_the_reference_answers(
    net: str, variant: str, tmp_path: Path, models: Path
) -> None:
    """At two sizes, neither traced and one of them odd. Logarithms of probabilities are logits
    but for one number a pixel."""
    shrink, version = checkpoint(tmp_path / "best.pth", net, variant), variant[:2]
    how = ["--name", net, "--like", version]
    result = CliRunner().invoke(app, ["models", "import", str(tmp_path / "best.pth"), *how])
    assert result.exit_code == 0, result.output
    assert sorted(p.name for p in models.iterdir()) == [f"{net}.onnx", f"{net}.safetensors"]
    session, count = open_model(net), classes(variant)
    assert session.card.version == version and len(session.card.classes) == count
    assert session.card.mean[0] == {"v1": 123.675, "v2": 143.55267075}[version]
    for height, width in SIZES:
        truth = answer(net, variant, height, width)
        logits = np.log(session.run(wave(height, width))) * np.float32(shrink)
        assert logits.shape == (1, count, *truth.head_shape[2:])
        got, wanted = logits[..., ::3, ::3], truth.head_every_3rd[:, :count]
        gap = np.abs((got - got.mean(1, keepdims=True)) - (wanted - wanted.mean(1, keepdims=True)))
        assert gap.max() < TOLERANCE * wanted.std()
        clear = truth.clear & (truth.argmax < count)  # BiSeNetV2 answers ten classes too many
        assert clear.mean() > 0.3
        assert (enlarged_labels(logits, truth) == truth.argmax)[clear].all()

    picture = np.random.default_rng(0).integers(0, 256, (90, 160, 3)).astype(np.uint8)
    cv2.imwrite(str(tmp_path / "photo.png"), picture)
    out = ["-o", str(tmp_path / "out"), "-m", net]
    assert CliRunner().invoke(app, ["parse", str(tmp_path / "photo.png"), *out]).exit_code == 0
    labels = cv2.imread(str(tmp_path / "out" / "photo.png"), cv2.IMREAD_UNCHANGED)
    assert labels.shape == (90, 160) and labels.max() < count
    shown = CliRunner().invoke(app, ["models", "show", net]).output
    assert "no look at faces" in shown and "Imported" in shown


def test_a_model_of_the_same_name_is_not_replaced_unasked(tmp_path: Path, models: Path) -> None:
    models.mkdir()
    (models / "best.onnx").write_bytes(b"mine")
    result = CliRunner().invoke(app, ["models", "import", str(tmp_path / "best.pth")])
    assert isinstance(result.exception, BadInput) and "--force" in str(result.exception)
    assert (models / "best.onnx").read_bytes() == b"mine"


def test_weights_beside_it_and_the_checkpoint_itself_are_not_replaced(
    tmp_path: Path, models: Path
) -> None:
    ours = tmp_path / "best.safetensors"
    ours.write_bytes(b"weights")
    for file, how, said in (
        ("best.pth", [], "--force"),
        ("best.safetensors", [], "is the checkpoint itself"),
        ("best.safetensors", ["--force"], "is the checkpoint itself"),
    ):
        command = ["models", "import", str(tmp_path / file), "-o", str(tmp_path), *how]
        result = CliRunner().invoke(app, command)
        assert isinstance(result.exception, BadInput) and said in str(result.exception)
        assert ours.read_bytes() == b"weights"


def test_a_version_that_is_not_known_is_asked_for_and_nothing_is_written(
    tmp_path: Path, models: Path
) -> None:
    checkpoint(tmp_path / "best.pth", "segformer-b0", "v2-ps")
    result = CliRunner().invoke(app, ["models", "import", str(tmp_path / "best.pth")])
    assert isinstance(result.exception, BadInput) and "--like v1" in str(result.exception)
    assert not models.exists()
