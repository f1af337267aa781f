"""A feature pyramid on ResNet-50.

    image   (N,    3, H,    W   )
    stem    (N,   64, H/4,  W/4 )   three 3 x 3 instead of one 7 x 7 ("V1c"), then a maximum
    stage 1 (N,  256, H/4,  W/4 ) -> lateral (256) -> smooth -> 3 x 3 (128) -------------+
    stage 2 (N,  512, H/8,  W/8 ) -> lateral (256) -> smooth -> 3 x 3 (128), x 2 --------+
    stage 3 (N, 1024, H/16, W/16) -> lateral (256) -> smooth -> (3 x 3 (128), x 2) x 2 --+
    stage 4 (N, 2048, H/32, W/32) -> lateral (256) -> smooth -> (3 x 3 (128), x 2) x 3 --+
                                       | each adds the one below it, enlarged            |
    logits  (N,    C, H/4,  W/4 ) <------------------------------------------- their sum +

Any H and W of at least 32; halves are rounded up, and a tower whose map does not double
to the finest one's size is brought to it.

Source: He et al. 2016, 2019 (ResNet, V1c), Lin et al. 2017 (FPN), Kirillov et al. 2019
(the towers, "Panoptic Feature Pyramid Networks"). Strides lie on the 3 x 3 of a block.
28,496,617 parameters with C = 9.
"""

from torch import Tensor, nn
from torch.nn import functional as F

from .blocks import Classify, ConvNorm, Net, resize_to

# width inside a block (a quarter of its output), blocks, stride
STAGES = ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2))


class Bottleneck(nn.Module):
    """Narrow, 3 x 3, widen to four times the width; beside it the input, fitted if need be."""

    def __init__(self, cin: int, width: int, stride: int) -> None:
        super().__init__()
        cout = 4 * width
        self.body = nn.Sequential(
            ConvNorm(cin, width),
            ConvNorm(width, width, 3, stride),
            ConvNorm(width, cout, act=None),
        )
        fits = stride == 1 and cin == cout
        self.shortcut = nn.Identity() if fits else ConvNorm(cin, cout, 1, stride, act=None)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.shortcut(x) + self.body(x))


class ResNet50(nn.Module):
    """(N, 3, H, W) -> maps at strides 4, 8, 16, 32."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(ConvNorm(3, 32, 3, 2), ConvNorm(32, 32, 3), ConvNorm(32, 64, 3))
        self.stages = nn.ModuleList()
        cin = 64
        for width, blocks, stride in STAGES:
            stage = [Bottleneck(cin, width, stride)]
            stage += [Bottleneck(4 * width, width, 1) for _ in range(blocks - 1)]
            self.stages.append(nn.Sequential(*stage))
            cin = 4 * width

    def forward(self, x: Tensor) -> list[Tensor]:
        x = F.max_pool2d(self.stem(x), 3, 2, 1)
        maps = []
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        return maps


class Pyramid(nn.Module):
    """Maps at strides 4 to 32 -> the same with 256 channels, each knowing the coarser ones."""

    def __init__(self) -> None:
        super().__init__()
        self.lateral = nn.ModuleList(nn.Conv2d(4 * width, 256, 1) for width, _, _ in STAGES)
        self.smooth = nn.ModuleList(nn.Conv2d(256, 256, 3, padding=1) for _ in STAGES)

    def forward(self, maps: list[Tensor]) -> list[Tensor]:
        maps = [lateral(x) for lateral, x in zip(self.lateral, maps, strict=True)]
        for i in (3, 2, 1):
            maps[i - 1] = maps[i - 1] + F.interpolate(maps[i], size=maps[i - 1].shape[-2:])
        return [smooth(x) for smooth, x in zip(self.smooth, maps, strict=True)]


class Double(nn.Module):
    """(N, C, h, w) -> (N, C, 2h, 2w), bilinear."""

    def forward(self, x: Tensor) -> Tensor:
        return F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)


class FPNHead(nn.Module):
    """Maps at strides 4 to 32 -> logits at stride 4."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.pyramid = Pyramid()
        self.towers = nn.ModuleList(tower(doublings) for doublings in range(4))
        self.classify = Classify(128, outputs)

    def forward(self, maps: list[Tensor]) -> Tensor:
        finest, *coarser = self.pyramid(maps)
        x = self.towers[0](finest)
        for climb, each in zip(self.towers[1:], coarser, strict=True):
            x = x + resize_to(climb(each), x)
        return self.classify(x)


def tower(doublings: int) -> nn.Sequential:
    """3 x 3 and doubled, so often as it takes to the finest size; one 3 x 3 if it is that."""
    if not doublings:
        return nn.Sequential(ConvNorm(256, 128, 3))
    layers: list[nn.Module] = []
    for i in range(doublings):
        layers += [ConvNorm(128 if i else 256, 128, 3), Double()]
    return nn.Sequential(*layers)


def fpn_resnet50(classes: int) -> Net:
    """(N, 3, H, W) float32 -> (N, classes, H/4, W/4) logits."""
    return Net(ResNet50(), FPNHead(classes))
