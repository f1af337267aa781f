"""The nets, one file each. A net knows its class count and nothing else."""

from collections.abc import Callable

from torch import Tensor, nn

from .bisenet_v2 import bisenet_v2
from .efficientlite_fpn import efficientlite_fpn
from .fcn_mobilenetv2 import fcn_mobilenetv2
from .fpn_resnet50 import fpn_resnet50
from .lraspp_mobilenetv3 import lraspp_mobilenetv3
from .segformer import segformer_b0, segformer_b2

NETS: dict[str, Callable[[int], nn.Module]] = {
    "efficientlite-fpn": efficientlite_fpn,
    "lraspp-mobilenetv3": lraspp_mobilenetv3,
    "fcn-mobilenetv2": fcn_mobilenetv2,
    "fpn-resnet50": fpn_resnet50,
    "bisenet-v2": bisenet_v2,
    "segformer-b0": segformer_b0,
    "segformer-b2": segformer_b2,
}


def all_logits(net: nn.Module, x: Tensor) -> tuple[Tensor, ...]:
    """For training: the main logits, and after them those of auxiliary heads, if there are any.

    Args:
        net: of `NETS`.
        x: (N, 3, H, W) float32.

    Returns:
        (N, C, h, w) float32 each, every one at a size of its own.
    """
    forward: Callable[[Tensor], tuple[Tensor, ...]] | None = getattr(net, "forward_all", None)
    return forward(x) if forward else (net(x),)
