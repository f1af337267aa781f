from pathlib import Path

import numpy as np
import pytest
import torch

from easyportrait.errors import BadInput
from easyportrait.models.catalog import find_model
from easyportrait.models.session import OnnxSession
from easyportrait.train.nets.efficientlite_fpn import EfficientLiteFPN
from easyportrait.train.start import start_from


def test_a_net_begun_from_a_model_file_answers_what_the_file_answers() -> None:
    path = find_model("embedded")
    net = EfficientLiteFPN(9)
    x = torch.randn(2, 3, 96, 128, generator=torch.Generator().manual_seed(0))
    start_from(net, path, x)
    assert net.training
    with torch.inference_mode():
        ours = net.eval()(x).softmax(1).numpy()
    assert np.abs(ours - OnnxSession(path).run(x.numpy())).max() < 1e-4


def test_a_file_of_another_net_is_refused_by_name(tmp_path: Path) -> None:
    x = torch.zeros(1, 3, 32, 32)
    with pytest.raises(BadInput, match=r"head.weight is \(9, 32, 1, 1\) there, \(2, 32, 1, 1\)"):
        start_from(EfficientLiteFPN(2), find_model("embedded"), x)
    other = torch.nn.Sequential(torch.nn.Conv2d(3, 9, 1))
    with pytest.raises(BadInput, match=r"it has no 0\.weight"):
        start_from(other, find_model("embedded"), x)
    for name in ("no.onnx", "no.ckpt"):
        (tmp_path / name).write_bytes(b"no model at all")
        with pytest.raises(BadInput, match=name):
            start_from(EfficientLiteFPN(9), tmp_path / name, x)
