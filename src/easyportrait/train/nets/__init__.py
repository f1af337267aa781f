"""The nets, one file each. A net knows its class count and nothing else."""

from collections.abc import Callable

from torch import nn

from .efficientlite_fpn import efficientlite_fpn

NETS: dict[str, Callable[[int], nn.Module]] = {
    "efficientlite-fpn": efficientlite_fpn,
}
