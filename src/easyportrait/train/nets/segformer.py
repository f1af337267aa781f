"""SegFormer: a transformer without position codes, and a head of 1 x 1 convolutions.

    image   (N, 3,   H,    W   )
    stage 1 (N, w,   H/4,  W/4 ) -> 1 x 1 (256) ----------------+
    stage 2 (N, 2w,  H/8,  W/8 ) -> 1 x 1 (256) -> to H/4 ------+
    stage 3 (N, 5w,  H/16, W/16) -> 1 x 1 (256) -> to H/4 ------+-> 1 x 1 (256)
    stage 4 (N, 8w,  H/32, W/32) -> 1 x 1 (256) -> to H/4 ------+
    logits  (N, C,   H/4,  W/4 )

B0: w = 32, two blocks a stage. B2: w = 64; 3, 4, 6 and 3 blocks. Any H and W of at least
32; what strides leave over is rounded up. In a block every position asks a map that is
shrunk 8, 4, 2 or 1 times each way, by 1, 2, 5 or 8 heads; between two linear layers a
depthwise 3 x 3 tells a position where its neighbours are.

Source: Xie et al. 2021. As in the reference, the head's convolutions have norms and no
biases (1,024 parameters fewer than elsewhere) and B2's head is 256 wide, not 768.
3,717,481 (B0) and 24,725,449 (B2) parameters with C = 9.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .blocks import Classify, ConvNorm, Net, resize_to

HEADS, SHRINKS, MULTIPLES = (1, 2, 5, 8), (8, 4, 2, 1), (1, 2, 5, 8)
EPS = 1e-6  # of the layer norms, as published
DROP_PATH = 0.1  # of the last block; the first drops nothing


def to_tokens(x: Tensor) -> Tensor:
    """(N, C, h, w) -> (N, h * w, C)."""
    return x.flatten(2).transpose(1, 2)


def normed(x: Tensor, norm: nn.LayerNorm) -> Tensor:
    """Layer norm over the channels of a map."""
    return norm(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class Attention(nn.Module):
    """(N, C, h, w) -> the same: what each position finds in the shrunken map."""

    def __init__(self, width: int, heads: int, shrink: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width)
        self.key_value = nn.Linear(width, 2 * width)
        self.out = nn.Linear(width, width)
        self.shrink = nn.Conv2d(width, width, shrink, shrink) if shrink > 1 else None
        self.norm = nn.LayerNorm(width, EPS) if shrink > 1 else None

    def forward(self, x: Tensor) -> Tensor:
        asking = asked = to_tokens(x)
        if self.shrink is not None and self.norm is not None:
            asked = to_tokens(normed(self.shrink(x), self.norm))
        key, value = self.key_value(asked).chunk(2, -1)
        found = F.scaled_dot_product_attention(
            self._by_head(self.query(asking)), self._by_head(key), self._by_head(value)
        )
        found = self.out(found.transpose(1, 2).flatten(2))
        return found.transpose(1, 2).unflatten(2, x.shape[-2:])

    def _by_head(self, x: Tensor) -> Tensor:
        """(N, L, C) -> (N, heads, L, C / heads)."""
        return x.unflatten(2, (self.heads, -1)).transpose(1, 2)


class MixMLP(nn.Module):
    """(N, C, h, w) -> the same: widen four times, look at the neighbours, narrow."""

    def __init__(self, width: int) -> None:
        super().__init__()
        wide = 4 * width
        self.widen = nn.Conv2d(width, wide, 1)
        self.depthwise = nn.Conv2d(wide, wide, 3, padding=1, groups=wide)
        self.narrow = nn.Conv2d(wide, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.narrow(F.gelu(self.depthwise(self.widen(x))))


class DropPath(nn.Module):
    """In training, leave out a sample's whole branch now and then (Huang et al. 2016)."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or not self.rate:
            return x
        keep = 1 - self.rate
        kept = torch.empty(len(x), *[1] * (x.ndim - 1), device=x.device).bernoulli_(keep)
        return x * (kept / keep).to(x.dtype)


class Block(nn.Module):
    """Attention, then the perceptron, each on normed values and added to the map."""

    def __init__(self, width: int, heads: int, shrink: int, drop: float) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width, EPS)
        self.attention = Attention(width, heads, shrink)
        self.norm2 = nn.LayerNorm(width, EPS)
        self.mlp = MixMLP(width)
        self.drop = DropPath(drop)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.drop(self.attention(normed(x, self.norm1)))
        return x + self.drop(self.mlp(normed(x, self.norm2)))


class Stage(nn.Module):
    """(N, cin, h, w) -> (N, width, h/stride, w/stride)."""

    def __init__(
        self, cin: int, width: int, first: bool, heads: int, shrink: int, drops: list[float]
    ) -> None:
        super().__init__()
        kernel, stride = (7, 4) if first else (3, 2)
        self.embed = nn.Conv2d(cin, width, kernel, stride, kernel // 2)
        self.embed_norm = nn.LayerNorm(width, EPS)
        self.blocks = nn.Sequential(*(Block(width, heads, shrink, drop) for drop in drops))
        self.norm = nn.LayerNorm(width, EPS)

    def forward(self, x: Tensor) -> Tensor:
        x = normed(self.embed(x), self.embed_norm)
        return normed(self.blocks(x), self.norm)


class MixTransformer(nn.Module):
    """(N, 3, H, W) -> maps at strides 4, 8, 16, 32."""

    def __init__(self, width: int, depths: tuple[int, ...]) -> None:
        super().__init__()
        drops = torch.linspace(0, DROP_PATH, sum(depths)).tolist()
        self.stages = nn.ModuleList()
        cin = 3
        for i, depth in enumerate(depths):
            cout = MULTIPLES[i] * width
            mine, drops = drops[:depth], drops[depth:]
            self.stages.append(Stage(cin, cout, i == 0, HEADS[i], SHRINKS[i], mine))
            cin = cout

    def forward(self, x: Tensor) -> list[Tensor]:
        maps = []
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        return maps


class SegFormerHead(nn.Module):
    """Maps at strides 4 to 32 -> logits at stride 4."""

    def __init__(self, widths: list[int], outputs: int) -> None:
        super().__init__()
        self.levels = nn.ModuleList(ConvNorm(width, 256) for width in widths)
        self.fuse = ConvNorm(256 * len(widths), 256)
        self.classify = Classify(256, outputs)

    def forward(self, maps: list[Tensor]) -> Tensor:
        level = [level(x) for level, x in zip(self.levels, maps, strict=True)]
        same = [level[0], *(resize_to(x, level[0]) for x in level[1:])]
        return self.classify(self.fuse(torch.cat(same, 1)))


def segformer(classes: int, width: int, depths: tuple[int, ...]) -> Net:
    net = Net(
        MixTransformer(width, depths),
        SegFormerHead([multiple * width for multiple in MULTIPLES], classes),
    )
    for part in net.modules():
        if isinstance(part, nn.Linear):
            nn.init.trunc_normal_(part.weight, std=0.02)
            nn.init.zeros_(part.bias)
    return net


def segformer_b0(classes: int) -> Net:
    """(N, 3, H, W) float32 -> (N, classes, H/4, W/4) logits."""
    return segformer(classes, 32, (2, 2, 2, 2))


def segformer_b2(classes: int) -> Net:
    """(N, 3, H, W) float32 -> (N, classes, H/4, W/4) logits."""
    return segformer(classes, 64, (3, 4, 6, 3))
