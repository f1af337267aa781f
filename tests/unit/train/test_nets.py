"""Every net, by being in the table."""

import numpy as np
import pytest
import torch

from easyportrait.train.backbones import BACKBONES, load_backbone
from easyportrait.train.nets import NETS
from easyportrait.train.nets.efficientlite_fpn import EfficientLiteFPN

PARAMETERS = {"efficientlite-fpn": 3_030_793}  # with nine classes


@pytest.mark.parametrize("name", NETS)
def test_a_net_has_its_stated_size(name: str) -> None:
    net = NETS[name](9)
    assert sum(p.numel() for p in net.parameters()) == PARAMETERS[name]


@pytest.mark.parametrize("name", NETS)
@pytest.mark.parametrize("classes", [2, 8, 9])
def test_a_net_answers_any_size_of_its_multiple(name: str, classes: int) -> None:
    net = NETS[name](classes).eval()
    with torch.inference_mode():
        for height, width in ((64, 64), (96, 160)):
            assert net(torch.zeros(2, 3, height, width)).shape == (
                2,
                classes,
                height // 2,
                width // 2,
            )


@pytest.mark.parametrize("name", NETS)
def test_every_parameter_gets_a_gradient(name: str) -> None:
    net = NETS[name](9).train()
    net(torch.randn(2, 3, 64, 64)).square().mean().backward()
    silent = [k for k, p in net.named_parameters() if p.grad is None or not p.grad.abs().sum()]
    assert silent == []


def test_the_published_imagenet_weights_fill_the_whole_encoder(
    caplog: pytest.LogCaptureFixture,
) -> None:
    net = EfficientLiteFPN(9)
    before = {k: v.clone() for k, v in net.encoder.state_dict().items()}
    assert load_backbone(net, "efficientnet-lite0")
    after = net.encoder.state_dict()
    same = [k for k in before if "num_batches" not in k and torch.equal(before[k], after[k])]
    assert same == []


def test_the_imagenet_features_are_the_published_nets() -> None:
    """Renaming by layer order is right if features tell pictures apart as trained ones do:
    activations stay of order one through all 16 blocks, which wrong statistics would not."""
    net = EfficientLiteFPN(9).eval()
    load_backbone(net, "efficientnet-lite0")
    image = torch.from_numpy(np.random.default_rng(0).normal(0, 0.5, (1, 3, 64, 64))).float()
    with torch.inference_mode():
        deepest = net.encoder(image)[-1]
    assert 0.05 < deepest.std() < 20


def test_training_from_scratch_is_said_aloud(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    net = EfficientLiteFPN(9)
    assert not load_backbone(net, "none")
    assert "from scratch" in caplog.text
    monkeypatch.setitem(BACKBONES, "gone", ("no_such_package", "x.pth", dict))
    caplog.clear()
    assert not load_backbone(net, "gone")
    assert "no-such-package" in caplog.text
