"""Our nets are the reference's: names, shapes, counts and answers, of all fourteen variants.

The same as model files: tests/end_to_end/test_models_import.py.
"""

import numpy as np
import pytest
import torch
from torch import nn

from easyportrait.train.reference import REFERENCES, Reference, recognise
from tests.parity import (
    KEYS,
    SIZES,
    VARIANTS,
    answer,
    buffers,
    classes,
    enlarged_labels,
    params,
    state_dict,
    wave,
)

every_variant = pytest.mark.parametrize(("net", "variant"), VARIANTS)
TOLERANCE = 1e-4  # of the output's standard deviation


def reference_of(net: str) -> Reference:
    return next(r for r in REFERENCES if r.net == net)


def built(net: str, variant: str) -> nn.Module:
    """The net as a checkpoint of that variant makes it, with all its outputs."""
    state = state_dict(net, variant)
    reference = recognise(state)
    assert reference is not None and reference.net == net
    made = reference.build(classes(variant), KEYS[net]["variants"][variant]["outputs"])
    reference.fill(made, state)
    return made.eval()


@every_variant
def test_names_shapes_and_count_are_the_references(net: str, variant: str) -> None:
    about = KEYS[net]["variants"][variant]
    reference = reference_of(net)
    made = reference.build(classes(variant), about["outputs"])
    counters = [name for name in buffers(net) if name.endswith("num_batches_tracked")]
    theirs = params(net, variant) | buffers(net)
    assert reference.expected(made) == {k: v for k, v in theirs.items() if k not in counters}
    assert sum(p.numel() for p in made.parameters()) == about["count"]


@every_variant
def test_a_net_answers_what_the_reference_answers(net: str, variant: str) -> None:
    made = built(net, variant)
    for height, width in SIZES:
        with torch.inference_mode():
            logits = made(torch.from_numpy(wave(height, width))).numpy()
        truth = answer(net, variant, height, width)
        assert logits.shape == truth.head_shape
        gap = np.abs(logits[..., ::3, ::3] - truth.head_every_3rd)
        assert gap.max() < TOLERANCE * truth.head_every_3rd.std()
        assert truth.clear.mean() > 0.99
        assert (enlarged_labels(logits, truth) == truth.argmax)[truth.clear].all()


def test_every_tensor_of_a_checkpoint_is_used_once() -> None:
    """Queries, keys and values lie in one tensor there: each row ends up in one place."""
    state = state_dict("segformer-b0", "v1")
    made = reference_of("segformer-b0").build(9, 9)
    reference_of("segformer-b0").fill(made, state)
    attention = made.encoder.stages[1].blocks[0].attention
    whole = state["backbone.layers.1.1.0.attn.attn.in_proj_weight"]
    ours = torch.cat([attention.query.weight, attention.key_value.weight])
    assert torch.equal(ours, whole)
    rows = sum(len(v) for k, v in state.items() if v.ndim and "tracked" not in k)
    mine = [v for k, v in made.state_dict().items() if "tracked" not in k]
    assert sum(len(v) for v in mine) == rows


def test_another_nets_checkpoint_is_not_recognised() -> None:
    assert recognise({"backbone.conv1.weight": torch.zeros(64, 3, 7, 7)}) is None
    b4 = torch.zeros(96, 3, 7, 7)
    assert recognise({"backbone.layers.0.0.projection.weight": b4}) is None
