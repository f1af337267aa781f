"""What the baselines share: one interface, a convolution with its norm, a plain head.

image (N, 3, H, W) -> encoder -> maps, a list -> head -> logits (N, C, H/s, W/s)
                                     |
                                     +--------> aux heads -> more logits, for training only
"""

from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Activation = Callable[[], nn.Module]


class Net(nn.Module):
    """An encoder, the head that answers, and heads that only help in training.

    Attributes:
        encoder: (N, 3, H, W) -> a list of maps.
        head: that list -> logits, (N, C, h, w).
        aux: heads of the same kind, on maps further up; empty for most nets.
    """

    def __init__(self, encoder: nn.Module, head: nn.Module, aux: Iterable[nn.Module] = ()) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = head
        self.aux = nn.ModuleList(aux)

    def forward(self, x: Tensor) -> Tensor:
        """The main logits alone: what is validated, exported and shipped."""
        logits: Tensor = self.head(self.encoder(x))
        return logits

    def forward_all(self, x: Tensor) -> tuple[Tensor, ...]:
        """The main logits and after them the auxiliary ones, each at its own size."""
        maps = self.encoder(x)
        return self.head(maps), *(head(maps) for head in self.aux)


class ConvNorm(nn.Module):
    """Convolution without bias, batch norm, activation; padded so that stride 1 keeps the size."""

    def __init__(
        self,
        cin: int,
        cout: int,
        kernel: int = 1,
        stride: int = 1,
        *,
        dilation: int = 1,
        groups: int = 1,
        act: Activation | None = nn.ReLU,
        eps: float = 1e-5,
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(
            cin, cout, kernel, stride, kernel // 2 * dilation, dilation, groups, bias=False
        )
        self.norm = nn.BatchNorm2d(cout, eps=eps)
        self.act = act() if act else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return self.act(self.norm(self.conv(x)))


class Classify(nn.Sequential):
    """The last layer of every head: drop some channels in training, then a score per class."""

    def __init__(self, width: int, outputs: int) -> None:
        super().__init__(nn.Dropout2d(0.1), nn.Conv2d(width, outputs, 1))


class FCNHead(nn.Module):
    """A few 3 x 3 convolutions on one of the encoder's maps (Long et al. 2015).

    Args:
        level: which map.
        cin: its channels.
        width: channels of the convolutions.
        outputs: channels of the logits.
        depth: how many convolutions.
        concat: one more convolution, over the result and the map itself side by side.
    """

    def __init__(
        self, level: int, cin: int, width: int, outputs: int, *, depth: int, concat: bool = False
    ) -> None:
        super().__init__()
        self.level = level
        self.convs = nn.Sequential(*(ConvNorm(width if i else cin, width, 3) for i in range(depth)))
        self.fuse = ConvNorm(cin + width, width, 3) if concat else None
        self.classify = Classify(width, outputs)

    def forward(self, maps: list[Tensor]) -> Tensor:
        x = maps[self.level]
        y = self.convs(x)
        if self.fuse is not None:
            y = self.fuse(torch.cat([x, y], 1))
        return self.classify(y)


def resize_to(x: Tensor, like: Tensor) -> Tensor:
    """(N, C, h, w) -> (N, C, H, W) of `like`, bilinear.

    By the other map's size and not by a factor: maps of odd sides do not double, and a
    product of a size and a factor is folded into a constant when a net is exported.
    """
    return F.interpolate(x, size=like.shape[-2:], mode="bilinear", align_corners=False)
