"""Exported means compared: with torch, at sizes other than the traced one.

The six baselines as files: test_reference.py.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from easyportrait.errors import ExportMismatch, OutputUnwritable
from easyportrait.models.catalog import EMBEDDED, find_model
from easyportrait.models.parity import gap, noise
from easyportrait.models.session import OnnxSession, OpenVinoSession, fake_card, has_openvino
from easyportrait.train.export import TRACED, export
from easyportrait.train.nets import NETS
from easyportrait.train.nets.segformer import segformer
from tests.parity import KEYS

CARD = replace(fake_card(), multiple=32)


class SizeFolded(nn.Module):
    """The trap: a size becomes a constant while tracing, wrong at any other size."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.avg_pool2d(x, 2).repeat(1, 3, 1, 1)
        ramp = torch.linspace(0, 1, TRACED[1] // 2)
        wide = ramp.repeat(64)[None, None, None]
        return x * wide[..., : x.shape[-1]] if x.shape[-1] != 80 else x


@pytest.mark.parametrize("name", [name for name in NETS if name not in KEYS])
def test_the_file_answers_what_the_net_answers_at_other_sizes(name: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    net = NETS[name](9).eval()
    path = tmp_path / "net.onnx"
    worst = export(net, CARD, path)
    assert 0 < worst < 1e-2
    session = OnnxSession(path)
    assert session.card == CARD
    x = np.random.default_rng(3).normal(size=(3, 3, 96, 256)).astype(np.float32)
    with torch.inference_mode():
        truth = net(torch.from_numpy(x)).softmax(1).numpy()
    assert np.abs(session.run(x) - truth).max() < 1e-2
    if has_openvino():
        there = OpenVinoSession(path, threads=1)
        assert there.card == CARD and gap(session, there, noise(32)).worst < 1e-4
    assert sum(v.numel() for v in net.state_dict().values()) * 2.2 > path.stat().st_size


@pytest.mark.skipif(not has_openvino(), reason="openvino is not installed")
def test_openvino_answers_for_a_transformer_whatever_size_came_before(tmp_path: Path) -> None:
    """OpenVINO's cache answers wrongly where the first map of the last stage was one cell."""
    torch.manual_seed(0)
    path = tmp_path / "net.onnx"
    export(segformer(9, 16, (1, 1, 1, 1)).eval(), CARD, path, half=False)
    ours, theirs = OnnxSession(path, threads=1), OpenVinoSession(path, threads=1)
    rng = np.random.default_rng(0)
    for height, width in ((128, 128), (192, 192), (32, 32), (128, 96), (128, 128)):
        x = 9 * rng.normal(size=(1, 3, height, width)).astype(np.float32)
        assert np.abs(ours.run(x) - theirs.run(x)).max() < 1e-4


def test_where_nothing_can_be_written_it_says_so_at_once(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputUnwritable, match=r"file/net\.onnx cannot be written"):
        export(NETS["efficientlite-fpn"](9), CARD, tmp_path / "file" / "net.onnx")


class Small(nn.Module):
    """What a net is to an export, without its size."""

    def __init__(self, bias: float = 0.0) -> None:
        super().__init__()
        self.head = nn.Conv2d(3, 9, 3, stride=2, padding=1)
        nn.init.constant_(self.head.bias, bias)  # type: ignore[arg-type]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(x)


def test_the_file_says_nothing_of_the_machine_that_made_it(tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    export(Small().eval(), CARD, path)
    for file in (path, find_model(EMBEDDED)):
        data = file.read_bytes()
        assert b"stack_trace" not in data and b".py" not in data


def test_a_file_that_answers_otherwise_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    path.write_bytes(b"the old one")
    with pytest.raises(ExportMismatch, match="was not kept"):
        export(SizeFolded(), CARD, path)
    assert path.read_bytes() == b"the old one"
    assert [p.name for p in tmp_path.iterdir()] == ["net.onnx"]


def test_a_net_that_answers_nonsense_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ExportMismatch, match="inf away"):
        export(Small(bias=float("nan")).eval(), CARD, tmp_path / "net.onnx")
    assert list(tmp_path.iterdir()) == []
