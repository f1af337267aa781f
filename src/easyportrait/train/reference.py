"""The reference's names for our parameters, and which of its nets a checkpoint is of.

The reference code (mmsegmentation 0.30) writes `state_dict`s of the same nets under other
names. One list of rules a net turns ours into theirs; nothing else tells the two apart:

    encoder.stages.0.blocks.1.norm1.weight  ->  backbone.layers.0.1.1.norm1.weight
    head.fuse.norm.running_mean             ->  decode_head.fusion_conv.bn.running_mean

One tensor of theirs may be two of ours: attention keeps query, key and value in one.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from .nets.bisenet_v2 import bisenet_v2
from .nets.fcn_mobilenetv2 import fcn_mobilenetv2
from .nets.fpn_resnet50 import fpn_resnet50
from .nets.lraspp_mobilenetv3 import lraspp_mobilenetv3
from .nets.segformer import segformer_b0, segformer_b2

Rule = tuple[str, str | Callable[[re.Match[str]], str]]

BISENET_OUTPUTS = 19  # of the reference's main head, however many classes there are


def plus_one(pattern: str, form: str) -> Rule:
    """They count from one where we count from zero; `form` holds a {} for the number."""
    return pattern, lambda m: form.format(int(m[1]) + 1)


NORM: Rule = (r"\.norm\.", ".bn.")
LAST: tuple[Rule, ...] = (
    (r"\.classify\.1\.", ".conv_seg."),
    (r"^encoder\.", "backbone."),
    (r"^head\.", "decode_head."),
)

LRASPP: tuple[Rule, ...] = (
    (r"^encoder\.stem\.", "encoder.layer0."),
    (r"^encoder\.last\.", "encoder.layer12."),
    plus_one(r"^encoder\.blocks\.(\d+)\.", "encoder.layer{}."),
    (r"\.expand\.", ".expand_conv."),
    (r"\.depthwise\.", ".depthwise_conv."),
    (r"\.project\.", ".linear_conv."),
    (r"\.squeeze\.narrow\.", ".se.conv1.conv."),
    (r"\.squeeze\.widen\.", ".se.conv2.conv."),
    (r"^head\.skips\.(\d)\.", r"head.convs.conv\1."),
    (r"^head\.ups\.(\d)\.", r"head.conv_ups.conv_up\1."),
    (r"^head\.mix\.", "head.conv_up_input."),
    (r"^head\.local\.", "head.aspp_conv."),
    (r"^head\.gate\.", "head.image_pool.1.conv."),
    NORM,
)

FCN: tuple[Rule, ...] = (
    (r"^encoder\.stem\.", "encoder.conv1."),
    plus_one(r"^encoder\.stages\.(\d)\.", "encoder.layer{}."),
    (r"\.body\.", ".conv."),
    (r"^head\.fuse\.", "head.conv_cat."),
    (r"^aux\.0\.", "auxiliary_head."),
    NORM,
)

FPN: tuple[Rule, ...] = (
    # conv, norm, ReLU, conv, ... in one row
    (r"^encoder\.stem\.(\d)\.conv\.", lambda m: f"encoder.stem.{3 * int(m[1])}."),
    (r"^encoder\.stem\.(\d)\.norm\.", lambda m: f"encoder.stem.{3 * int(m[1]) + 1}."),
    plus_one(r"^encoder\.stages\.(\d)\.", "encoder.layer{}."),
    plus_one(r"\.body\.(\d)\.conv\.", ".conv{}."),
    plus_one(r"\.body\.(\d)\.norm\.", ".bn{}."),
    (r"\.shortcut\.conv\.", ".downsample.0."),
    (r"\.shortcut\.norm\.", ".downsample.1."),
    (r"^head\.pyramid\.lateral\.(\d)\.", r"neck.lateral_convs.\1.conv."),
    (r"^head\.pyramid\.smooth\.(\d)\.", r"neck.fpn_convs.\1.conv."),
    (r"^head\.towers\.", "head.scale_heads."),
    NORM,
)

BISENET: tuple[Rule, ...] = (
    (r"^encoder\.context\.norm\.", "encoder.semantic.stage4_CEBlock.gap.1."),
    (r"^encoder\.context\.whole\.", "encoder.semantic.stage4_CEBlock.conv_gap."),
    (r"^encoder\.context\.last\.", "encoder.semantic.stage4_CEBlock.conv_last."),
    (r"^encoder\.detail\.", "encoder.detail.detail_branch."),
    (r"^encoder\.stages\.0\.first\.", "encoder.stages.0.conv_first."),
    (r"^encoder\.stages\.0\.fuse\.", "encoder.stages.0.fuse_last."),
    plus_one(r"^encoder\.stages\.(\d)\.", "encoder.semantic.stage{}."),
    (r"\.gather\.", ".conv1."),
    (r"\.expand\.", ".dwconv."),
    (r"\.project\.", ".conv2.0."),
    (r"\.shortcut\.0\.", ".shortcut.0.depthwise_conv."),
    (r"\.shortcut\.1\.", ".shortcut.0.pointwise_conv."),
    (r"\.detail_fine\.0\.", ".detail_dwconv.0.depthwise_conv."),
    (r"\.detail_fine\.1\.", ".detail_dwconv.0.pointwise_conv.conv."),
    (r"\.meaning_coarse\.0\.", ".semantic_dwconv.0.depthwise_conv."),
    (r"\.meaning_coarse\.1\.", ".semantic_dwconv.0.pointwise_conv.conv."),
    (r"\.detail_coarse\.", ".detail_down.0."),
    (r"\.meaning_fine\.", ".semantic_conv.0."),
    (r"^encoder\.aggregate\.last\.", "encoder.aggregate.conv."),
    (r"^encoder\.aggregate\.", "encoder.bga."),
    (r"^aux\.", "auxiliary_head."),
    NORM,
)

SEGFORMER: tuple[Rule, ...] = (
    (r"^encoder\.stages\.(\d)\.embed\.", r"encoder.layers.\1.0.projection."),
    (r"^encoder\.stages\.(\d)\.embed_norm\.", r"encoder.layers.\1.0.norm."),
    (r"^encoder\.stages\.(\d)\.blocks\.", r"encoder.layers.\1.1."),
    (r"^encoder\.stages\.(\d)\.norm\.", r"encoder.layers.\1.2."),
    (r"\.attention\.(query|key_value)\.", ".attn.attn.in_proj_"),
    (r"\.attention\.out\.", ".attn.attn.out_proj."),
    (r"\.attention\.shrink\.", ".attn.sr."),
    (r"\.attention\.norm\.", ".attn.norm."),
    (r"\.mlp\.widen\.", ".ffn.layers.0."),
    (r"\.mlp\.depthwise\.", ".ffn.layers.1."),
    (r"\.mlp\.narrow\.", ".ffn.layers.4."),
    (r"^head\.levels\.", "head.convs."),
    (r"^head\.fuse\.", "head.fusion_conv."),
    (r"^(head\..*)\.norm\.", r"\1.bn."),
)


@dataclass(frozen=True, slots=True)
class Reference:
    """One net of the reference.

    Attributes:
        net: its key in `NETS`.
        mark: a key of theirs that no other net has, with a shape that tells sizes apart.
        mark_shape: of that tensor; None: any.
        rules: ours to theirs, applied in turn.
        build: (classes, outputs of the main head) -> the net in the form that the published
            weights know.
    """

    net: str
    mark: str
    mark_shape: tuple[int, ...] | None
    rules: tuple[Rule, ...]
    build: Callable[[int, int], nn.Module]

    def theirs(self, name: str) -> str:
        """Their name of a parameter or buffer of ours."""
        for pattern, replacement in (*self.rules, *LAST):
            name = re.sub(pattern, replacement, name)
        return name

    def expected(self, net: nn.Module) -> dict[str, tuple[int, ...]]:
        """Their names and shapes of everything in a net but the norms' counters."""
        shapes: dict[str, tuple[int, ...]] = {}
        for name, value in net.state_dict().items():
            if name.endswith("num_batches_tracked"):
                continue
            theirs, (first, *rest) = self.theirs(name), value.shape
            rows = shapes[theirs][0] if theirs in shapes else 0
            shapes[theirs] = (rows + first, *rest)
        return shapes

    def fill(self, net: nn.Module, state: Mapping[str, Tensor]) -> None:
        """Copy their tensors into a net; names and shapes are as `expected`."""
        taken: dict[str, int] = {}
        with torch.no_grad():
            for name, value in net.state_dict().items():
                if name.endswith("num_batches_tracked"):
                    continue
                theirs = self.theirs(name)
                start = taken.get(theirs, 0)
                value.copy_(state[theirs][start : start + len(value)])
                taken[theirs] = start + len(value)


REFERENCES = (
    Reference(
        "lraspp-mobilenetv3",
        "backbone.layer12.conv.weight",
        None,
        LRASPP,
        lambda classes, _: lraspp_mobilenetv3(classes, window=True),
    ),
    Reference(
        "fcn-mobilenetv2",
        "backbone.conv1.conv.weight",
        None,
        FCN,
        lambda classes, _: fcn_mobilenetv2(classes),
    ),
    Reference(
        "fpn-resnet50",
        "neck.fpn_convs.0.conv.weight",
        None,
        FPN,
        lambda classes, _: fpn_resnet50(classes),
    ),
    Reference(
        "bisenet-v2",
        "backbone.bga.conv.conv.weight",
        None,
        BISENET,
        lambda classes, outputs: bisenet_v2(classes, outputs=outputs),
    ),
    Reference(
        "segformer-b0",
        "backbone.layers.0.0.projection.weight",
        (32, 3, 7, 7),
        SEGFORMER,
        lambda classes, _: segformer_b0(classes),
    ),
    Reference(
        "segformer-b2",
        "backbone.layers.0.0.projection.weight",
        (64, 3, 7, 7),
        SEGFORMER,
        lambda classes, _: segformer_b2(classes),
    ),
)


def recognise(state: Mapping[str, Tensor]) -> Reference | None:
    """Which net a `state_dict` of the reference is of; None: none of the six."""
    for reference in REFERENCES:
        tensor = state.get(reference.mark)
        if tensor is not None and reference.mark_shape in (None, tuple(tensor.shape)):
            return reference
    return None
