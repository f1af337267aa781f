"""LR-ASPP on MobileNetV3-Small: the smallest of the six baselines.

    image   (N,   3, H,   W  )
    stem    (N,  16, H/2, W/2) ----------------------------------------------+
    block 1 (N,  16, H/4, W/4) ----------------------------+                 |
    block 2 (N,  24, H/8, W/8)                             |                 |
    3 to 11 (N,  96, H/8, W/8)  dilated, no more strides   |                 |
    last    (N, 576, H/8, W/8) -> local (128) * gate (128) -> up (128) -> up (128)
    logits  (N,   C, H/2, W/2)

Any H and W of at least 32; halves are rounded up. The gate says, from a mean over a large
part of the map, which channels matter there; each `up` brings the map to the skip's size
and mixes both.

Source: Howard et al. 2019, "Searching for MobileNetV3", Small with stride 8 and LR-ASPP.
Convolutions of stride 2 pad as TensorFlow's "same" does, by the parity of the size: the
published weights know no other. The paper's gate takes means over windows of 49 x 49 on a
grid of 16 x 20, which suits one input size; here that is `window=True`, kept for the
published weights, and a new net takes one mean over the whole map. 1,139,497 parameters
with C = 9, either way.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .blocks import Classify, ConvNorm, Net, resize_to

EPS = 1e-3  # of the norms, as published

# kernel, widened channels, output channels, squeezed, hard-swish (else ReLU), stride, dilation
BLOCKS = (
    (3, 16, 16, True, False, 2, 1),
    (3, 72, 24, False, False, 2, 1),
    (3, 88, 24, False, False, 1, 1),
    (5, 96, 40, True, True, 1, 2),
    (5, 240, 40, True, True, 1, 2),
    (5, 240, 40, True, True, 1, 2),
    (5, 120, 48, True, True, 1, 2),
    (5, 144, 48, True, True, 1, 2),
    (5, 288, 96, True, True, 1, 4),
    (5, 576, 96, True, True, 1, 4),
    (5, 576, 96, True, True, 1, 4),
)

WINDOW, STEP = 49, (16, 20)  # of the published gate, in cells of the map


class HalvingConvNorm(ConvNorm):
    """3 x 3 with stride 2, padded as "same": (h, w) -> (h / 2, w / 2), rounded up."""

    def __init__(self, cin: int, cout: int, **more: object) -> None:
        super().__init__(cin, cout, 3, 2, **more)  # type: ignore[arg-type]
        self.conv.padding = (0, 0)

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[-2:]
        return super().forward(F.pad(x, (width % 2, 1, height % 2, 1)))


class Squeeze(nn.Module):
    """Weigh each channel by what the whole map holds (Hu et al. 2018)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        narrow = to_eighths(width // 4)
        self.narrow = nn.Conv2d(width, narrow, 1)
        self.widen = nn.Conv2d(narrow, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        means = F.relu(self.narrow(x.mean((2, 3), keepdim=True)))
        return x * F.hardsigmoid(self.widen(means))


class Block(nn.Module):
    """Widen, filter each channel, weigh, narrow; add the input where shapes allow."""

    def __init__(
        self, cin: int, kernel: int, wide: int, cout: int, squeezed: bool,
        swish: bool, stride: int, dilation: int,
    ) -> None:  # fmt: skip
        super().__init__()
        act = nn.Hardswish if swish else nn.ReLU
        self.expand = nn.Identity() if wide == cin else ConvNorm(cin, wide, act=act, eps=EPS)
        self.depthwise = (
            HalvingConvNorm(wide, wide, groups=wide, act=act, eps=EPS)
            if stride == 2
            else ConvNorm(wide, wide, kernel, dilation=dilation, groups=wide, act=act, eps=EPS)
        )
        self.squeeze = Squeeze(wide) if squeezed else nn.Identity()
        self.project = ConvNorm(wide, cout, act=None, eps=EPS)
        self.adds = stride == 1 and cin == cout

    def forward(self, x: Tensor) -> Tensor:
        y = self.project(self.squeeze(self.depthwise(self.expand(x))))
        return x + y if self.adds else y


class MobileNetV3Small(nn.Module):
    """(N, 3, H, W) -> maps at strides 2, 4 and 8, with 16, 16 and 576 channels."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = HalvingConvNorm(3, 16, act=nn.Hardswish, eps=EPS)
        ins = (16, *(row[2] for row in BLOCKS))
        self.blocks = nn.ModuleList(Block(cin, *row) for cin, row in zip(ins, BLOCKS, strict=False))
        self.last = ConvNorm(ins[-1], 576, act=nn.Hardswish, eps=EPS)

    def forward(self, x: Tensor) -> list[Tensor]:
        half = self.stem(x)
        quarter = x = self.blocks[0](half)
        for block in self.blocks[1:]:
            x = block(x)
        return [half, quarter, self.last(x)]


class LRASPPHead(nn.Module):
    """Maps at strides 2, 4 and 8 -> logits at stride 2."""

    def __init__(self, outputs: int, *, window: bool) -> None:
        super().__init__()
        self.window = window
        self.local = ConvNorm(576, 128, eps=EPS)
        self.gate = nn.Conv2d(576, 128, 1, bias=False)
        self.mix = nn.Conv2d(128, 128, 1)
        self.skips = nn.ModuleList(nn.Conv2d(16, wide, 1, bias=False) for wide in (32, 64))
        self.ups = nn.ModuleList(ConvNorm(128 + wide, 128, eps=EPS) for wide in (32, 64))
        self.classify = Classify(128, outputs)

    def forward(self, maps: list[Tensor]) -> Tensor:
        half, quarter, deep = maps
        means = windowed_mean(deep) if self.window else deep.mean((2, 3), keepdim=True)
        local = self.local(deep)
        x = self.mix(local * resize_to(self.gate(means).sigmoid(), local))
        for i, skip in ((1, quarter), (0, half)):
            x = self.ups[i](torch.cat([resize_to(x, skip), self.skips[i](skip)], 1))
        return self.classify(x)


def windowed_mean(x: Tensor) -> Tensor:
    """(N, C, h, w) -> means over windows of 49 x 49, every 16 rows and 20 columns.

    Along a side shorter than the window, the mean is over all of it.
    """
    height, width = x.shape[-2:]
    margin = (0, torch.sym_max(WINDOW - width, 0), 0, torch.sym_max(WINDOW - height, 0))
    filled = F.avg_pool2d(F.pad(torch.ones_like(x[:1, :1]), margin), WINDOW, STEP)
    return F.avg_pool2d(F.pad(x, margin), WINDOW, STEP) / filled


def to_eighths(width: int) -> int:
    """The nearest multiple of 8, of at least nine tenths of `width` and at least 8."""
    near = max(8, (width + 4) // 8 * 8)
    return near if near >= 0.9 * width else near + 8


def lraspp_mobilenetv3(classes: int, *, window: bool = False) -> Net:
    """(N, 3, H, W) float32 -> (N, classes, H/2, W/2) logits."""
    return Net(MobileNetV3Small(), LRASPPHead(classes, window=window))
