"""BiSeNetV2: one branch for details, one for meaning, each guiding the other.

    image    (N,   3, H,    W   ) ----------+
    detail 1 (N,  64, H/2,  W/2 )   stem    (N,  16, H/4,  W/4 ) -> auxiliary logits (16)
    detail 2 (N,  64, H/4,  W/4 )   stage 2 (N,  32, H/8,  W/8 ) -> auxiliary logits (64)
    detail 3 (N, 128, H/8,  W/8 )   stage 3 (N,  64, H/16, W/16) -> auxiliary logits (256)
       |                            stage 4 (N, 128, H/32, W/32) -> auxiliary logits (1024)
       |                            context (N, 128, H/32, W/32)
       +--------------+----------------+
    aggregated (N, 128, H/8, W/8) -> 3 x 3 (1024) -> logits (N, C, H/8, W/8)

Any H and W of at least 32; halves are rounded up. Auxiliary heads, widths in brackets, run
in training only and hold three quarters of the parameters.

Source: Yu et al. 2021, "BiSeNet V2", as the reference has it: a ReLU after every first
depthwise convolution but those of stride 2, and norms in the context block. 14,780,365
parameters with C = 9, of which 11,431,732 are the auxiliary heads'; 14,790,615 with the 19
outputs that the reference's main head always has (`outputs=19`).
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .blocks import ConvNorm, FCNHead, Net, resize_to

EXPANSION = 6
AUX_WIDTHS = ((16, 16), (32, 64), (64, 256), (128, 1024))  # of a map, and of the head on it


def depthwise(cin: int, cout: int, stride: int = 1, *, relu: bool = False) -> ConvNorm:
    return ConvNorm(cin, cout, 3, stride, groups=cin, act=nn.ReLU if relu else None)


def detail_branch() -> nn.Sequential:
    """(N, 3, H, W) -> (N, 128, H/8, W/8)."""
    stages, cin = [], 3
    for width, convs in ((64, 2), (64, 3), (128, 3)):
        stage = [ConvNorm(cin, width, 3, 2)]
        stage += [ConvNorm(width, width, 3) for _ in range(convs - 1)]
        stages.append(nn.Sequential(*stage))
        cin = width
    return nn.Sequential(*stages)


class Stem(nn.Module):
    """(N, 3, H, W) -> (N, 16, H/4, W/4): halved, then halved again in two ways at once."""

    def __init__(self) -> None:
        super().__init__()
        self.first = ConvNorm(3, 16, 3, 2)
        self.convs = nn.Sequential(ConvNorm(16, 8), ConvNorm(8, 16, 3, 2))
        self.fuse = ConvNorm(32, 16, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        return self.fuse(torch.cat([self.convs(x), F.max_pool2d(x, 3, 2, 1)], 1))


class Gather(nn.Module):
    """Gather and expand: 3 x 3, widen while filtering each channel, narrow; add the input."""

    def __init__(self, cin: int, cout: int, stride: int) -> None:
        super().__init__()
        wide = cin * EXPANSION
        self.gather = ConvNorm(cin, cin, 3)
        if stride == 1:
            self.expand = nn.Sequential(depthwise(cin, wide, relu=True))
            self.shortcut = nn.Sequential()
        else:
            self.expand = nn.Sequential(
                depthwise(cin, wide, stride), depthwise(wide, wide, relu=True)
            )
            self.shortcut = nn.Sequential(
                depthwise(cin, cin, stride), ConvNorm(cin, cout, act=None)
            )
        self.project = ConvNorm(wide, cout, act=None)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.shortcut(x) + self.project(self.expand(self.gather(x))))


class Context(nn.Module):
    """Add to every pixel what the whole map holds."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(width)
        self.whole = ConvNorm(width, width)
        self.last = ConvNorm(width, width, 3)

    def forward(self, x: Tensor) -> Tensor:
        mean = self.norm(x.mean((2, 3), keepdim=True))
        return self.last(x + self.whole(mean))


class Aggregate(nn.Module):
    """Details (N, C, h, w) and meaning (N, C, h/4, w/4) -> (N, C, h, w).

    Twice: details weighed by meaning, at the fine size, and the reverse at the coarse size.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.detail_fine = nn.Sequential(depthwise(width, width), nn.Conv2d(width, width, 1))
        self.detail_coarse = ConvNorm(width, width, 3, 2, act=None)
        self.meaning_fine = ConvNorm(width, width, 3, act=None)
        self.meaning_coarse = nn.Sequential(depthwise(width, width), nn.Conv2d(width, width, 1))
        self.last = ConvNorm(width, width, 3)

    def forward(self, detail: Tensor, meaning: Tensor) -> Tensor:
        fine = self.detail_fine(detail)
        fine = fine * resize_to(self.meaning_fine(meaning), fine).sigmoid()
        coarse = F.avg_pool2d(self.detail_coarse(detail), 3, 2, 1)
        coarse = coarse * self.meaning_coarse(meaning).sigmoid()
        return self.last(fine + resize_to(coarse, fine))


class TwoBranches(nn.Module):
    """(N, 3, H, W) -> the aggregated map, then those of the semantic stages 1 to 4."""

    def __init__(self) -> None:
        super().__init__()
        self.detail = detail_branch()
        self.stages = nn.ModuleList(
            [
                Stem(),
                nn.Sequential(Gather(16, 32, 2), Gather(32, 32, 1)),
                nn.Sequential(Gather(32, 64, 2), Gather(64, 64, 1)),
                nn.Sequential(Gather(64, 128, 2), *(Gather(128, 128, 1) for _ in range(3))),
            ]
        )
        self.context = Context(128)
        self.aggregate = Aggregate(128)

    def forward(self, x: Tensor) -> list[Tensor]:
        stages = [x]
        for stage in self.stages:
            stages.append(stage(stages[-1]))
        whole = self.aggregate(self.detail(x), self.context(stages[-1]))
        return [whole, *stages[1:]]


def bisenet_v2(classes: int, *, outputs: int | None = None) -> Net:
    """(N, 3, H, W) float32 -> (N, classes, H/8, W/8) logits.

    `outputs` of the main head, if it has more than `classes`.
    """
    return Net(
        TwoBranches(),
        FCNHead(0, 128, 1024, outputs or classes, depth=1),
        [
            FCNHead(level, cin, width, classes, depth=2)
            for level, (cin, width) in enumerate(AUX_WIDTHS, 1)
        ],
    )
