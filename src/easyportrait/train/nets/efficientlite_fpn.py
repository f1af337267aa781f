"""EfficientNet-Lite0 with a light feature pyramid: the net inside the package.

    image   (N,   3, H,    W   )     H and W multiples of 32
    stem    (N,  32, H/2,  W/2 )
    s2      (N,  16, H/2,  W/2 ) ------------------------------------------+
    s4      (N,  24, H/4,  W/4 ) --------------------------------+         |
    s8      (N,  40, H/8,  W/8 ) ----------------------+         |         |
    s16     (N, 112, H/16, W/16) ------------+         |         |         |
    s32     (N, 320, H/32, W/32) + mean -> top (64) -> up (64) -> up (64) -> up (64) -> up (32)
    logits  (N,   C, H/2,  W/2 )

Each `up` doubles the map, adds the skip through a 1 x 1 convolution and mixes the sum
with a depthwise 3 x 3 and a pointwise convolution. The mean of s32 over the whole map
is added to it, so that every pixel knows what kind of picture it lies in.

Source: Tan & Le 2019, its Lite variant (no squeeze-and-excite, ReLU6; widths and
strides as published); the pyramid follows Lin et al. 2017 with separable
convolutions and one more level, stride 2, since a brow is a few pixels high.
Convolutions pad evenly, unlike TensorFlow's "same", so that a mirrored picture is
answered by the mirrored map; training absorbs the half pixel. 3.03 M parameters with
C = 9 (tests/unit/train/test_nets.py).
"""

from torch import Tensor, nn
from torch.nn import functional as F

# kernel, stride, expansion, output channels, repeats; the skip leaves after a row marked True
STAGES = (
    (3, 1, 1, 16, 1, True),
    (3, 2, 6, 24, 2, True),
    (5, 2, 6, 40, 2, True),
    (3, 2, 6, 80, 3, False),
    (5, 1, 6, 112, 3, True),
    (5, 2, 6, 192, 4, False),
    (3, 1, 6, 320, 1, True),
)


def conv_norm(
    cin: int, cout: int, kernel: int = 1, stride: int = 1, groups: int = 1
) -> list[nn.Module]:
    return [
        nn.Conv2d(cin, cout, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(cout, eps=1e-3, momentum=0.01),
    ]


class InvertedResidual(nn.Module):
    """Widen, filter each channel, narrow again; add the input where shapes allow."""

    def __init__(self, cin: int, cout: int, kernel: int, stride: int, expand: int) -> None:
        super().__init__()
        wide = cin * expand
        layers = [] if expand == 1 else [*conv_norm(cin, wide), nn.ReLU6()]
        layers += [*conv_norm(wide, wide, kernel, stride, groups=wide), nn.ReLU6()]
        layers += conv_norm(wide, cout)
        self.body = nn.Sequential(*layers)
        self.adds = stride == 1 and cin == cout

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x) if self.adds else self.body(x)


class Encoder(nn.Module):
    """(N, 3, H, W) -> maps at strides 2, 4, 8, 16, 32; layer order is the published one."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(*conv_norm(3, 32, 3, 2), nn.ReLU6())
        self.blocks = nn.ModuleList()
        self.leaves: list[bool] = []
        cin = 32
        for kernel, stride, expand, cout, repeats, leaves in STAGES:
            for i in range(repeats):
                self.blocks.append(
                    InvertedResidual(cin, cout, kernel, stride if i == 0 else 1, expand)
                )
                self.leaves.append(leaves and i == repeats - 1)
                cin = cout

    def forward(self, x: Tensor) -> list[Tensor]:
        x = self.stem(x)
        maps = []
        for block, leaves in zip(self.blocks, self.leaves, strict=True):
            x = block(x)
            if leaves:
                maps.append(x)
        return maps


class Up(nn.Module):
    """(N, A, h, w) and the skip (N, B, 2h, 2w) -> (N, C, 2h, 2w)."""

    def __init__(self, cin: int, skip: int, cout: int) -> None:
        super().__init__()
        self.narrow = nn.Identity() if cin == cout else nn.Conv2d(cin, cout, 1, bias=False)
        self.skip = nn.Sequential(*conv_norm(skip, cout))
        self.mix = nn.Sequential(
            nn.ReLU(),
            *conv_norm(cout, cout, 3, groups=cout),
            *conv_norm(cout, cout),
            nn.ReLU(),
        )

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        up = F.interpolate(self.narrow(x), scale_factor=2.0, mode="bilinear", align_corners=False)
        return self.mix(up + self.skip(skip))


class EfficientLiteFPN(nn.Module):
    stride = 32  # of the deepest map: input sizes are multiples of it

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.encoder = Encoder()
        self.top = nn.Sequential(*conv_norm(320, 64), nn.ReLU())
        self.context = nn.Sequential(nn.Conv2d(320, 64, 1), nn.ReLU())
        self.ups = nn.ModuleList(
            Up(cin, skip, cout)
            for cin, skip, cout in ((64, 112, 64), (64, 40, 64), (64, 24, 64), (64, 16, 32))
        )
        self.head = nn.Conv2d(32, classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        s2, s4, s8, s16, s32 = self.encoder(x)
        x = self.top(s32) + self.context(s32.mean((2, 3), keepdim=True))
        for up, skip in zip(self.ups, (s16, s8, s4, s2), strict=True):
            x = up(x, skip)
        logits: Tensor = self.head(x)
        return logits


def imagenet_encoder(published: dict[str, Tensor]) -> dict[str, Tensor]:
    """The published EfficientNet-Lite0 `state_dict`, renamed for `Encoder` by layer order.

    Its last convolution and classifier are left out.
    """
    names = [k for k in Encoder().state_dict() if not k.endswith("num_batches_tracked")]
    theirs = [
        k
        for k in published
        if k.startswith(("_conv_stem", "_bn0", "_blocks")) and "num_batches" not in k
    ]
    return {ours: published[k] for ours, k in zip(names, theirs, strict=True)}


def efficientlite_fpn(classes: int) -> nn.Module:
    """(N, 3, H, W) float32 -> (N, classes, H/2, W/2) logits."""
    return EfficientLiteFPN(classes)
