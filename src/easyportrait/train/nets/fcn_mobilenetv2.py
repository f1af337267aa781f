"""FCN on a dilated MobileNetV2.

    image   (N,   3, H,   W  )
    stem    (N,  32, H/2, W/2)
    stage 1 (N,  16, H/2, W/2)
    stage 2 (N,  24, H/4, W/4)
    stage 3 (N,  32, H/8, W/8)
    stage 4 (N,  64, H/8, W/8)   dilated from here on instead of halved
    stage 5 (N,  96, H/8, W/8) --> one 3 x 3 (256) -> auxiliary logits, in training
    stage 6 (N, 160, H/8, W/8)
    stage 7 (N, 320, H/8, W/8) --> two 3 x 3 (512) --+
                    |                                +-> 3 x 3 (512) -> logits (N, C, H/8, W/8)
                    +--------------------------------+

Any H and W of at least 32; halves are rounded up.

Source: Sandler et al. 2018 (MobileNetV2), Long et al. 2015 (FCN). As in the reference, the
first block of a stage alone is dilated. 9,711,122 parameters with C = 9, of which 224,009
are the auxiliary head's.
"""

from torch import Tensor, nn

from .blocks import ConvNorm, FCNHead, Net

# expansion, output channels, blocks, stride, dilation
STAGES = (
    (1, 16, 1, 1, 1),
    (6, 24, 2, 2, 1),
    (6, 32, 3, 2, 1),
    (6, 64, 4, 1, 2),
    (6, 96, 3, 1, 2),
    (6, 160, 3, 1, 4),
    (6, 320, 1, 1, 4),
)


class InvertedResidual(nn.Module):
    """Widen, filter each channel, narrow again; add the input where shapes allow."""

    def __init__(self, cin: int, cout: int, expand: int, stride: int, dilation: int) -> None:
        super().__init__()
        wide = cin * expand
        layers = [] if expand == 1 else [ConvNorm(cin, wide, act=nn.ReLU6)]
        layers += [
            ConvNorm(wide, wide, 3, stride, dilation=dilation, groups=wide, act=nn.ReLU6),
            ConvNorm(wide, cout, act=None),
        ]
        self.body = nn.Sequential(*layers)
        self.adds = stride == 1 and cin == cout

    def forward(self, x: Tensor) -> Tensor:
        y = self.body(x)
        return x + y if self.adds else y


class MobileNetV2(nn.Module):
    """(N, 3, H, W) -> the maps of the seven stages."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = ConvNorm(3, 32, 3, 2, act=nn.ReLU6)
        self.stages = nn.ModuleList()
        cin = 32
        for expand, cout, blocks, stride, dilation in STAGES:
            stage = [InvertedResidual(cin, cout, expand, stride, dilation)]
            stage += [InvertedResidual(cout, cout, expand, 1, 1) for _ in range(blocks - 1)]
            self.stages.append(nn.Sequential(*stage))
            cin = cout

    def forward(self, x: Tensor) -> list[Tensor]:
        maps = [self.stem(x)]
        for stage in self.stages:
            maps.append(stage(maps[-1]))
        return maps[1:]


def fcn_mobilenetv2(classes: int) -> Net:
    """(N, 3, H, W) float32 -> (N, classes, H/8, W/8) logits."""
    return Net(
        MobileNetV2(),
        FCNHead(6, 320, 512, classes, depth=2, concat=True),
        [FCNHead(4, 96, 256, classes, depth=1)],
    )
