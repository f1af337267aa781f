"""Sizes and peculiarities of the nets; what they all promise is in contracts/test_nets.py."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from easyportrait.train.backbones import BACKBONES, load_backbone
from easyportrait.train.nets import NETS
from easyportrait.train.nets.bisenet_v2 import bisenet_v2
from easyportrait.train.nets.efficientlite_fpn import EfficientLiteFPN
from easyportrait.train.nets.lraspp_mobilenetv3 import LRASPPHead, windowed_mean
from easyportrait.train.nets.segformer import DropPath

PARAMETERS = {  # with nine classes; all heads, and of them the auxiliary ones
    "efficientlite-fpn": (3_030_793, 0),
    "lraspp-mobilenetv3": (1_139_497, 0),
    "fcn-mobilenetv2": (9_711_122, 224_009),
    "fpn-resnet50": (28_496_617, 0),
    "bisenet-v2": (14_780_365, 11_431_732),
    "segformer-b0": (3_717_481, 0),
    "segformer-b2": (24_725_449, 0),
}


def size(net: nn.Module) -> int:
    return sum(p.numel() for p in net.parameters())


@pytest.mark.parametrize("name", NETS)
def test_a_net_has_its_stated_size(name: str) -> None:
    net = NETS[name](9)
    auxiliary = sum(p.numel() for k, p in net.named_parameters() if k.startswith("aux."))
    assert (size(net), auxiliary) == PARAMETERS[name]


def test_bisenet_has_the_published_size_with_the_published_outputs() -> None:
    net = bisenet_v2(9, outputs=19)
    assert size(net) == 14_790_615 and size(net) - size(net.aux) == 3_358_883


@pytest.mark.parametrize("name", [name for name in NETS if name != "efficientlite-fpn"])
def test_a_baseline_answers_odd_sizes_rounded_up(name: str) -> None:
    net = NETS[name](2).eval()
    with torch.inference_mode():
        small, large = net(torch.zeros(1, 3, 33, 51)), net(torch.zeros(1, 3, 64, 64))
    stride = 64 // large.shape[-1]
    assert small.shape[2:] == (-(-33 // stride), -(-51 // stride))


def test_the_windowed_mean_is_the_published_pooling_and_goes_on_below_it() -> None:
    large = torch.randn(1, 3, 70, 90)
    assert torch.equal(windowed_mean(large), F.avg_pool2d(large, 49, (16, 20)))
    for height, width in ((20, 30), (20, 60), (60, 30), (49, 49)):
        x = torch.randn(1, 3, height, width)
        # along a side below 49, the window is that side
        truth = F.avg_pool2d(x, (min(height, 49), min(width, 49)), (16, 20))
        assert torch.allclose(windowed_mean(x), truth, atol=1e-6)


def test_a_window_or_the_whole_map_changes_the_answer_but_not_the_weights() -> None:
    whole, window = LRASPPHead(9, window=False).eval(), LRASPPHead(9, window=True).eval()
    window.load_state_dict(whole.state_dict())

    def gap(rows: int) -> float:
        maps = [torch.randn(1, 16, 4 * rows, 32), torch.randn(1, 16, 2 * rows, 16)]
        maps.append(torch.randn(1, 576, rows, 8) + torch.linspace(0, 9, rows)[:, None])
        with torch.inference_mode():
            return float((whole(maps) - window(maps)).abs().max())

    assert gap(64) > 1e-3 and gap(49) < 1e-5 and gap(30) < 1e-5


def test_paths_are_dropped_in_training_only_and_made_up_for() -> None:
    torch.manual_seed(0)
    drop, x = DropPath(0.25), torch.ones(4000, 2, 1, 1)
    assert torch.equal(drop.eval()(x), x)
    dropped = drop.train()(x)[:, :, 0, 0]
    assert torch.equal(dropped[:, 0], dropped[:, 1])  # a sample's whole branch, or none of it
    assert dropped.mean() == pytest.approx(1, abs=0.03)
    assert dropped.unique().tolist() == pytest.approx([0, 4 / 3])


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
