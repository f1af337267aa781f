from pathlib import Path

import numpy as np
import pytest
import torch

from easyportrait.errors import BadInput
from easyportrait.models.catalog import find_model
from easyportrait.models.session import OnnxSession, fake_card
from easyportrait.train.nets import NETS
from easyportrait.train.nets.efficientlite_fpn import EfficientLiteFPN
from easyportrait.train.start import start_from
from easyportrait.train.weights import write_weights


def test_a_net_begun_from_a_model_file_answers_what_the_file_answers() -> None:
    path = find_model("embedded")
    net = EfficientLiteFPN(9)
    x = torch.randn(2, 3, 96, 128, generator=torch.Generator().manual_seed(0))
    start_from(net, path, x)
    assert net.training
    with torch.inference_mode():
        ours = net.eval()(x).softmax(1).numpy()
    assert np.abs(ours - OnnxSession(path).run(x.numpy())).max() < 1e-4


def test_a_net_that_a_model_file_does_not_keep_whole_is_refused_not_begun_by_half() -> None:
    for name in ("segformer-b0", "bisenet-v2"):  # layers of other kinds; auxiliary heads
        with pytest.raises(BadInput, match=r"does not keep all .* best\.ckpt"):
            start_from(NETS[name](9), Path("net.onnx"), torch.zeros(1, 3, 64, 64))


@pytest.mark.parametrize("name", ["lraspp-mobilenetv3", "bisenet-v2"])
def test_a_net_begins_with_imported_weights(name: str, tmp_path: Path) -> None:
    """By their name, too: they lie beside the model file. Auxiliary heads may be absent."""
    torch.manual_seed(0)
    there, net = NETS[name](9), NETS[name](9)
    there.aux = torch.nn.ModuleList()
    write_weights(tmp_path / "net.safetensors", there, name, fake_card())
    (tmp_path / "net.onnx").write_bytes(b"not looked at")
    kept = {key: value.clone() for key, value in net.state_dict().items() if "aux." in key}
    start_from(net, tmp_path / "net.onnx", torch.zeros(1, 3, 64, 64))
    ours = net.state_dict()
    assert all(torch.equal(ours[key], value) for key, value in there.state_dict().items())
    assert all(torch.equal(ours[key], value) for key, value in kept.items())
    with pytest.raises(BadInput, match=r"not of this recipe's net: .* is \(9, .* here$"):
        start_from(NETS[name](2), tmp_path / "net.safetensors", torch.zeros(1, 3, 64, 64))
    with pytest.raises(BadInput, match="not of this recipe's net: it has no"):
        start_from(EfficientLiteFPN(9), tmp_path / "net.safetensors", torch.zeros(1, 3, 64, 64))


def test_a_file_of_another_net_is_refused_by_name(tmp_path: Path) -> None:
    x = torch.zeros(1, 3, 32, 32)
    with pytest.raises(BadInput, match=r"head.weight is \(9, 32, 1, 1\) there, \(2, 32, 1, 1\)"):
        start_from(EfficientLiteFPN(2), find_model("embedded"), x)
    other = torch.nn.Sequential(torch.nn.Conv2d(3, 9, 1))
    with pytest.raises(BadInput, match=r"it has no 0\.weight"):
        start_from(other, find_model("embedded"), x)
    for name in ("no.onnx", "no.ckpt", "no.safetensors"):
        (tmp_path / name).write_bytes(b"no model at all")
        with pytest.raises(BadInput, match=name):
            start_from(EfficientLiteFPN(9), tmp_path / name, x)
