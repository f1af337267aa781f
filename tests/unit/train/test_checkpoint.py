"""Checkpoints of the reference code are read without running them, and known for what they are."""

import collections
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from torch import Tensor

from easyportrait.errors import BadInput, ModelError
from easyportrait.train import checkpoint as module
from easyportrait.train.checkpoint import (
    Checkpoint,
    build,
    import_checkpoint,
    normalisation,
    read_checkpoint,
    task_of,
    usual_side,
)
from easyportrait.train.reference import recognise
from easyportrait.train.weights import read_weights
from tests.parity import state_dict

V1 = "img_norm_cfg = dict(\n    mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], "
V2 = (
    "dict(type='Normalize', mean=[143.55267075, 132.96705975, 126.94924335], "
    "std=[60.2625333, 60.32740275, 59.30988645], "
)


def saved(path: Path, state: dict[str, Tensor], *, old: bool = False, **meta: Any) -> Path:
    whole = {"meta": meta, "state_dict": collections.OrderedDict(state)}
    torch.save(whole, path, _use_new_zipfile_serialization=not old)
    return path


def held(state: dict[str, Tensor], config: str = "") -> Checkpoint:
    return Checkpoint(Path("x.pth"), "", state, config)


def made(state: dict[str, Tensor], task: str = "joint") -> torch.nn.Module:
    reference = recognise(state)
    assert reference is not None
    return build(held(state), reference, task)


SMALL = {"a.weight": torch.arange(6.0).reshape(2, 3)}


# -- reading -------------------------------------------------------------------------------


@pytest.mark.parametrize("old", [False, True])
def test_what_training_leaves_beside_the_weights_is_passed_over(tmp_path: Path, old: bool) -> None:
    """Scores are NumPy's numbers, which torch refuses by itself."""
    path = saved(
        tmp_path / "x.pth",
        SMALL,
        old=old,
        config=V1,
        CLASSES=("background",),
        hook_msgs={"best_score": np.float64(0.84), "all": np.zeros(3), "where": Path("a")},
    )
    read = read_checkpoint(path)
    assert torch.equal(read.state["a.weight"], SMALL["a.weight"]) and read.config == V1
    assert len(read.sha256) == 64


def test_bare_weights_and_those_of_several_machines_are_read(tmp_path: Path) -> None:
    torch.save({f"module.{k}": v for k, v in SMALL.items()}, tmp_path / "x.pth")
    assert list(read_checkpoint(tmp_path / "x.pth").state) == ["a.weight"]
    safetensors.torch.save_file(SMALL, tmp_path / "x.safetensors")
    assert list(read_checkpoint(tmp_path / "x.safetensors").state) == ["a.weight"]


class Runs:
    """A pickle that makes a file when it is opened."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


class Settings(dict):  # type: ignore[type-arg]
    """What cannot be passed over: a foreign class that is filled while it is read."""


@pytest.mark.parametrize("old", [False, True])
def test_code_in_a_checkpoint_is_not_run(tmp_path: Path, old: bool) -> None:
    path = saved(tmp_path / "x.pth", SMALL, old=old, hook=Runs(tmp_path / "ran"))
    with pytest.raises(ModelError, match=r"holds more than weights \(.*mkdir\).*was not opened"):
        read_checkpoint(path)
    assert not (tmp_path / "ran").exists()


def test_what_cannot_be_passed_over_is_named(tmp_path: Path) -> None:
    path = saved(tmp_path / "x.pth", SMALL, config=Settings(a=1))
    with pytest.raises(ModelError, match=r"Settings.*save its weights alone"):
        read_checkpoint(path)


def test_damaged_and_foreign_files_are_refused_by_name(tmp_path: Path) -> None:
    whole = saved(tmp_path / "whole.pth", SMALL).read_bytes()
    for name, data in {
        "empty.pth": b"",
        "text.pth": b"no checkpoint",
        "cut.pth": whole[: len(whole) // 2],
        "cut.safetensors": b"\x10",
        "page.pth": b"<!DOCTYPE html><html><body>Not found</body></html>",
    }.items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises(ModelError, match=name) as caught:
            read_checkpoint(tmp_path / name)
        what = {"empty": "is empty", "cut": "its end is missing", "page": "is a web page"}
        if name.endswith(".pth"):
            assert what.get(name[:-4], "damaged") in str(caught.value)
    torch.save([1], tmp_path / "list.pth")
    with pytest.raises(ModelError, match="holds a list"):
        read_checkpoint(tmp_path / "list.pth")
    torch.save({"epoch": 1}, tmp_path / "none.pth")
    with pytest.raises(ModelError, match="holds no weights"):
        read_checkpoint(tmp_path / "none.pth")
    with pytest.raises(BadInput, match=r"gone\.pth cannot be read"):
        read_checkpoint(tmp_path / "gone.pth")


# -- what it is ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("net", "variant", "task"),
    [
        ("segformer-b0", "v1", "joint"),
        ("segformer-b0", "v2-fp", "fp"),
        ("segformer-b0", "v2-ps", "ps"),
        ("bisenet-v2", "v2-fp", "fp"),
        ("bisenet-v2", "v2-ps", "ps"),
    ],
)
def test_outputs_tell_the_task(net: str, variant: str, task: str) -> None:
    state = state_dict(net, variant)
    reference = recognise(state)
    assert reference is not None
    assert task_of(held(state), reference, None) == task_of(held(state), reference, task) == task
    other = "ps" if task != "ps" else "fp"
    with pytest.raises(BadInput, match=f"task {task}, not {other}"):
        task_of(held(state), reference, other)
    with pytest.raises(BadInput, match="tasks: joint, ps, fp"):
        task_of(held(state), reference, "hair")


def test_a_net_with_other_classes_is_refused() -> None:
    state = state_dict("segformer-b0", "v1") | {"decode_head.conv_seg.weight": torch.zeros(19, 9)}
    reference = recognise(state)
    assert reference is not None
    with pytest.raises(ModelError, match=r"answers 19 classes.*9 \(joint\), 2 \(ps\), 8 \(fp\)"):
        task_of(held(state), reference, None)


def test_bisenet_without_auxiliary_heads_must_be_told_its_task_and_then_runs() -> None:
    state = state_dict("bisenet-v2", "v2-fp")
    bare = {k: v for k, v in state.items() if not k.startswith("auxiliary_head.")}
    reference = recognise(bare)
    assert reference is not None
    with pytest.raises(BadInput, match=r"19 outputs.*--task: joint \(9 classes\)"):
        task_of(held(bare), reference, None)
    assert task_of(held(bare), reference, "fp") == "fp"
    x = torch.randn(1, 3, 64, 64)
    with torch.inference_mode():
        logits = made(bare, "fp")(x)
        assert logits.shape == (1, 8, 8, 8)
        assert torch.equal(logits, made(state, "fp")(x))


def test_a_last_layer_that_is_missing_is_listed_with_the_rest() -> None:
    state = state_dict("lraspp-mobilenetv3", "v1")
    del state["decode_head.conv_seg.weight"], state["decode_head.aspp_conv.conv.weight"]
    reference = recognise(state)
    assert reference is not None
    with pytest.raises(ModelError, match=r"lacks decode_head\.aspp.*, decode_head\.conv_seg\.w"):
        build(held(state), reference, task_of(held(state), reference, None))


def test_of_nineteen_outputs_the_first_are_kept() -> None:
    state = state_dict("bisenet-v2", "v1")
    reference = recognise(state)
    assert reference is not None
    whole = reference.build(9, 19).eval()
    reference.fill(whole, state)
    x = torch.randn(1, 3, 64, 64)
    with torch.inference_mode():
        assert torch.allclose(made(state)(x), whole(x)[:, :9], atol=1e-5)


@pytest.mark.parametrize(("config", "version"), [(V1, "v1"), (V2, "v2"), (V1 + V1, "v1")])
def test_the_training_configuration_tells_the_normalisation(config: str, version: str) -> None:
    told = normalisation(held(SMALL, config + "to_rgb=True)"), None)
    assert told == normalisation(held(SMALL), version)
    assert told[0] == version
    other = "v2" if version == "v1" else "v1"
    with pytest.raises(BadInput, match=f"which is {version}; leave out --like {other}"):
        normalisation(held(SMALL, config), other)


@pytest.mark.parametrize("config", ["", "model = dict(type='EncoderDecoder')", V1 + V2])
def test_a_normalisation_that_is_not_known_is_asked_for(config: str) -> None:
    with pytest.raises(BadInput, match=r"--like v1 \(.*nine.*123.675.* or --like v2 \(.*143.55"):
        normalisation(held(SMALL, config), None)
    with pytest.raises(BadInput, match="versions: v1, v2"):
        normalisation(held(SMALL, config), "v3")


def test_constants_of_ones_own_are_taken_from_the_configuration() -> None:
    config = "mean = (1, 2.5, 3), std = (4, 5, 6)"
    assert normalisation(held(SMALL, config), None) == (None, (1, 2.5, 3), (4, 5, 6))


def test_a_net_trained_on_bgr_is_refused() -> None:
    with pytest.raises(ModelError, match="blue, green, red"):
        normalisation(held(SMALL, V1 + "to_rgb=False)"), "v1")


def test_the_usual_side_is_the_published_one() -> None:
    assert usual_side("v1", "segformer-b0") == 1024 and usual_side("v1", "fpn-resnet50") == 512
    assert usual_side("v2", "fpn-resnet50") == 384


# -- weights -------------------------------------------------------------------------------


def test_missing_unknown_misshapen_and_broken_tensors_are_all_listed() -> None:
    state = state_dict("lraspp-mobilenetv3", "v1")
    del state["decode_head.conv_up_input.bias"], state["backbone.layer3.expand_conv.bn.running_var"]
    state["decode_head.extra.weight"] = torch.zeros(1)
    state["decode_head.convs.conv0.weight"] = torch.zeros(32, 24, 1, 1)
    state["backbone.layer0.conv.weight"] = torch.full((16, 3, 3, 3), float("nan"))
    with pytest.raises(ModelError) as caught:
        made(state)
    assert str(caught.value) == (
        "x.pth lacks backbone.layer3.expand_conv.bn.running_var, decode_head.conv_up_input.bias; "
        "it has unknown decode_head.extra.weight; it has another shape of "
        "decode_head.convs.conv0.weight [32, 24, 1, 1] instead of [32, 16, 1, 1]; it has infinite "
        "values or NaN in backbone.layer0.conv.weight"
    )


@pytest.mark.parametrize(
    "change", [Tensor.to_sparse, lambda v: v.to(torch.complex64), lambda v: v.to(torch.int8)]
)
def test_what_is_not_real_numbers_one_by_one_is_refused(change: Any) -> None:
    state = state_dict("lraspp-mobilenetv3", "v1")
    state["backbone.layer0.conv.weight"] = change(state["backbone.layer0.conv.weight"])
    with pytest.raises(ModelError, match=r"plain real numbers in backbone\.layer0\.conv\.weight$"):
        made(state)


def test_a_long_list_is_cut_and_counted() -> None:
    state = state_dict("segformer-b0", "v1")
    part = {k: v for k, v in state.items() if not k.startswith("backbone.layers.1")}
    with pytest.raises(ModelError, match=r"lacks backbone\.layers\.1\S*, .* and 30 more$"):
        made(part)


def test_counters_may_be_absent_and_half_precision_is_widened() -> None:
    state = state_dict("lraspp-mobilenetv3", "v1")
    lean = {k: v.half() for k, v in state.items() if not k.endswith("num_batches_tracked")}
    weights = made(lean).state_dict()
    assert all(v.dtype == torch.float32 for k, v in weights.items() if "tracked" not in k)


# -- import --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"name": "a/b"}, "cannot be a model's name"),
        ({"name": "embedded"}, "cannot be a model's name"),
        ({"name": "x", "side": 100}, "multiple of 32 pixels, got 100"),
        ({"name": "x", "side": -32}, "got -32"),
    ],
)
def test_a_bad_name_or_side_is_refused_before_the_file_is_read(
    tmp_path: Path, how: dict[str, Any], message: str
) -> None:
    with pytest.raises(BadInput, match=message):
        import_checkpoint(tmp_path / "none.pth", tmp_path, **how)


def test_another_net_is_named_by_its_tensors(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"none of the six nets.*called a\.weight"):
        import_checkpoint(saved(tmp_path / "x.pth", SMALL), tmp_path, name="x")


def test_the_card_says_what_the_file_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "export", lambda *_, **__: 0.0)
    path = saved(tmp_path / "s.pth", state_dict("segformer-b0", "v2-fp"))
    done = import_checkpoint(path, tmp_path / "to", name="mine", like="v2", side=512)
    name, _, card = read_weights(done.weights)
    assert name == done.net == "segformer-b0" and card == done.card
    assert (card.name, card.version, card.task, len(card.classes)) == ("mine", "v2", "fp", 8)
    assert card.mean[0] == 143.55267075 and card.frame_side == 512 and card.face_side == 0
    assert (
        "NVIDIA" in " ".join(card.limits)
        and "CC BY-SA" in card.licence
        and "s.pth" in card.recipe
        and done.weights.parent.is_dir()
    )


def test_what_is_missing_is_said_before_the_normalisation_is_asked_for(tmp_path: Path) -> None:
    state = state_dict("lraspp-mobilenetv3", "v1")
    del state["decode_head.conv_seg.bias"]
    with pytest.raises(ModelError, match=r"lacks decode_head\.conv_seg\.bias"):
        import_checkpoint(saved(tmp_path / "x.pth", state), tmp_path, name="x")


def test_nothing_is_written_when_the_export_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any, **__: Any) -> float:
        raise ModelError("it differs")

    monkeypatch.setattr(module, "export", fails)
    path = saved(tmp_path / "s.pth", state_dict("segformer-b0", "v2-fp"))
    with pytest.raises(ModelError, match="it differs"):
        import_checkpoint(path, tmp_path / "to", name="mine", like="v2")
    assert not list((tmp_path / "to").glob("*"))
