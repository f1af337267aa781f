"""Every recipe runs, resumes exactly, and ends in a file that parses."""

import csv
import os
import re
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from lightning.pytorch.callbacks import ModelCheckpoint

from easyportrait.data.layout import V1
from easyportrait.data.portraits import PortraitFolder
from easyportrait.errors import BadInput, BadRecipe, OutputUnwritable
from easyportrait.models.parser import Parser
from easyportrait.models.session import OnnxSession
from easyportrait.train.dataset import TrainingSamples
from easyportrait.train.engine import Machine, trainer
from easyportrait.train.export import export_checkpoint
from easyportrait.train.fit import Fit, Portraits, build_net, train
from easyportrait.train.recipe import Recipe, Stage, recipes
from tests.unit.data.drawn import drawn

RECIPES = sorted(recipes())


def small(name: str, steps: int, **run: object) -> Recipe:
    """The recipe with a few steps of small samples, no weights that are not installed;
    everything else as it stands."""
    recipe = Recipe.load(name)
    changes = {
        "steps": steps,
        "batch": 2,
        "checkpoint_every": 2,
        "validate_every": steps,
        "precision": "32-true",
    }
    return replace(
        recipe,
        backbone=recipe.backbone if name.startswith("embedded") else "none",
        run=replace(recipe.run, **(changes | run)),
        optimiser=replace(recipe.optimiser, warmup_steps=1),
        stages=(
            Stage(from_step=0, side=64, strength=1.0),
            Stage(from_step=3, side=96, strength=0.5),
        ),
    )


def measured(run: Path, what: str) -> list[float]:
    """A column of the run's numbers, as far as they were written."""
    with (run / "logs" / "version_0" / "metrics.csv").open() as file:
        return [float(row[what]) for row in csv.DictReader(file) if row.get(what)]


def weights(path: Path) -> torch.Tensor:
    """All weights of a checkpoint, not averaged, in one row; counters and statistics left out."""
    state = torch.load(path, map_location="cpu", weights_only=False)["current_model_state"]
    return torch.cat(
        [v.flatten().float() for k, v in sorted(state.items()) if k.endswith(("weight", "bias"))]
    )


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_trains(name: str, portraits: Path, tmp_path: Path) -> None:
    recipe = small(name, 2)
    loop = trainer(recipe, tmp_path, Machine(), progress=False)
    kept = [c for c in loop.callbacks if not isinstance(c, ModelCheckpoint)]
    loop.callbacks = kept  # gigabytes, all recipes together
    fit = Fit(recipe)
    before = {k: p.detach().clone() for k, p in fit.net.named_parameters()}
    loop.fit(fit, datamodule=Portraits(portraits, recipe, Machine(), 0, 1.0))
    assert loop.global_step == 2
    (miou,) = measured(tmp_path, "miou")
    assert 0 <= miou <= 1
    still = {k for k, p in fit.net.named_parameters() if torch.equal(p, before[k])}
    assert still <= {"encoder.context.norm.bias"}  # a shift that the next norm takes out again


def test_a_run_ends_in_a_file_that_parses(portraits: Path, tmp_path: Path) -> None:
    recipe = small("embedded", 2)
    last = train(recipe, portraits, tmp_path / "run", workers=0, progress=False)
    path = tmp_path / "net.onnx"
    export_checkpoint(last, recipe, portraits, path)
    session = OnnxSession(path)
    assert {(s.name, s.licence, s.pictures) for s in session.card.sources} == {
        ("source-0", "CC0-1.0", 3), ("source-1", "CC0-1.0", 3),
    }  # fmt: skip
    assert '"steps": 2' in session.card.recipe
    image = PortraitFolder(portraits)[0].image
    assert Parser(session).parse(image).labels.shape == image.shape[:2]


def test_each_validation_leaves_pictures_to_look_at(portraits: Path, tmp_path: Path) -> None:
    recipe = small("v1/segformer-b0", 4, validate_every=2)
    train(recipe, portraits, tmp_path, workers=0, progress=False)
    sheets = sorted((tmp_path / "samples").iterdir())
    assert [p.name for p in sheets] == ["0000002.jpg", "0000004.jpg"]
    sheet = cv2.imread(str(sheets[0]))
    assert sheet.shape == (2 * 96, 3 * 96, 3)  # two val pictures; photo, mask, prediction
    assert not np.array_equal(sheet[:, :96], sheet[:, 96:192])


def test_a_run_that_gets_no_better_ends_early_and_the_best_is_kept(
    portraits: Path, tmp_path: Path
) -> None:
    recipe = small("v2/segformer-b0-ps", 8, validate_every=1, patience=2)
    still = replace(recipe, optimiser=replace(recipe.optimiser, lr=0.0, encoder_lr=0.0))
    kept = train(still, portraits, tmp_path, workers=0, progress=False)
    state = torch.load(tmp_path / "last.ckpt", weights_only=True)
    assert state["global_step"] < 8
    scores = measured(tmp_path, "miou")
    assert len(scores) >= 3
    best = torch.load(kept, weights_only=True)["global_step"]
    assert kept.name == "best.ckpt" and best == 1 + scores.index(max(scores))


@pytest.mark.parametrize("each", [1, 2])
def test_a_batch_taken_in_parts_is_the_same_batch(
    each: int, portraits: Path, tmp_path: Path
) -> None:
    """A net without batch norms would end at the same weights; with them, nearly."""
    recipe = small("v2/segformer-b0-ps", 3, batch=4, checkpoint_every=10)
    machine = Machine(batch_per_device=each)
    loop_steps = train(
        recipe, portraits, tmp_path / "parts", machine=machine, workers=0, progress=False
    )
    state = torch.load(loop_steps, weights_only=True)
    assert state["global_step"] == 3
    progress = state["loops"]["fit_loop"]["epoch_loop.batch_progress"]["total"]
    assert progress["completed"] == 3 * 4 // each


def test_at_the_end_it_says_whether_the_loader_kept_up(
    portraits: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO"):
        train(small("embedded", 2), portraits, tmp_path, workers=0, progress=False)
    (line,) = [m for m in caplog.messages if "kept the net busy" in m]
    images, busy = re.match(r"(\d+) images in .* busy (\d+) %", line).groups()  # type: ignore[union-attr]
    assert images == "4" and 0 < int(busy) < 100


SCRIPT = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from tests.unit.train.test_fit import small
from easyportrait.train.fit import train
data, out, resume = Path(sys.argv[2]), Path(sys.argv[3]), "resume" in sys.argv
train(small("embedded", 6), data, out, resume=resume, workers=0, progress=False)
"""


def started(*args: object) -> subprocess.Popen[bytes]:
    """Training in a process of its own, which can be killed."""
    root = Path(__file__).parents[3]
    command = [sys.executable, "-c", SCRIPT, *map(str, (root, *args))]
    one_thread = os.environ | {"OMP_NUM_THREADS": "1"}  # sums in the same order every time
    return subprocess.Popen(
        command, env=one_thread, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def test_a_killed_run_resumes_to_the_same_weights(portraits: Path, tmp_path: Path) -> None:
    """Killed after its first checkpoint and gone on with: as if nothing had happened.

    A step more or less would be a quarter of the way from the checkpoint to the end.
    """
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert started(portraits, whole).wait() == 0
    process = started(portraits, killed)
    deadline = time.time() + 120
    while not (killed / "last.ckpt").exists() and process.poll() is None and time.time() < deadline:
        time.sleep(0.005)
    process.kill()
    process.wait()
    stopped = weights(killed / "last.ckpt")
    assert started(portraits, killed, "resume").wait() == 0
    resumed, unbroken = weights(killed / "last.ckpt"), weights(whole / "last.ckpt")
    assert (resumed - unbroken).norm() < 0.05 * (unbroken - stopped).norm()


def test_a_dataset_of_the_published_shape_is_trained_on_from_weights_of_another_run(
    tmp_path: Path,
) -> None:
    data = drawn(tmp_path / "set", V1, "archives")
    recipe = small("embedded", 2)
    first = train(recipe, data, tmp_path / "first", workers=0, progress=False)
    frozen = replace(recipe, optimiser=replace(recipe.optimiser, lr=0.0, encoder_lr=0.0))
    then = train(frozen, data, tmp_path / "then", start=first, workers=0, progress=False)
    averaged = torch.load(first, weights_only=True)["state_dict"]
    kept = torch.load(then, weights_only=True)["state_dict"]
    name = "net.head.weight"
    assert torch.allclose(averaged[name], kept[name], atol=1e-6)
    export_checkpoint(then, recipe, data, tmp_path / "net.onnx")
    (source,) = OnnxSession(tmp_path / "net.onnx").card.sources
    assert (source.name, source.licence) == ("set", "not stated")


def test_a_run_is_neither_resumed_nor_overwritten_by_accident(
    portraits: Path, tmp_path: Path
) -> None:
    recipe = small("embedded", 2)
    with pytest.raises(BadInput, match="nothing to resume"):
        train(recipe, portraits, tmp_path, resume=True, progress=False)
    (tmp_path / "last.ckpt").write_bytes(b"")
    with pytest.raises(BadInput, match="go on with --resume"):
        train(recipe, portraits, tmp_path, progress=False)


def test_a_run_that_can_be_written_nowhere_says_so(portraits: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputUnwritable, match="file/run cannot be made"):
        train(small("embedded", 2), portraits, tmp_path / "file" / "run", progress=False)


def test_an_unknown_net_is_named() -> None:
    with pytest.raises(BadRecipe, match="no net 'unet'; nets: efficientlite-fpn"):
        build_net(replace(Recipe.load("embedded"), net="unet"))


def test_samples_hang_on_their_number_alone(portraits: Path) -> None:
    recipe = small("embedded", 6)
    folder = PortraitFolder(portraits, "train")
    one, two = TrainingSamples(folder, recipe), TrainingSamples(folder, recipe)
    _ = one[0]
    for a, b in zip(one[7], two[7], strict=True):
        assert torch.equal(a, b)
    assert one[5][0].shape == (3, 64, 64) and one[6][0].shape == (3, 96, 96)
    assert len(one.usable) == 5  # the one with agreement 0.5 is left out
    assert one[0][1].dtype == torch.int64


def test_auxiliary_heads_are_weighed_each_or_refused(portraits: Path, tmp_path: Path) -> None:
    recipe = small("v1/bisenet-v2", 2)
    short = replace(recipe, loss=replace(recipe.loss, auxiliary=(1.0,)))
    with pytest.raises(BadRecipe, match="auxiliary holds 1 weights, but bisenet-v2 has 4"):
        build_net(short)


def test_the_reference_shows_every_portrait_once_before_one_twice(portraits: Path) -> None:
    samples = TrainingSamples(PortraitFolder(portraits, "train"), small("v1/fpn-resnet50", 6))
    rounds = [[samples._shuffled(n) for n in range(k, k + 6)] for k in (0, 6)]
    assert rounds[0] != rounds[1] and all(sorted(r) == list(range(6)) for r in rounds)
    assert samples._shuffled(2) == rounds[0][2]  # whatever was asked for before


@pytest.mark.parametrize(("task", "values"), [("fp", {0, 1, 2, 5}), ("ps", {0, 1})])
def test_a_task_sees_its_own_classes(task: str, values: set[int], portraits: Path) -> None:
    recipe = small(f"v2/segformer-b0-{task}", 2)
    side = (replace(recipe.stages[0], side=160),)
    samples = TrainingSamples(PortraitFolder(portraits, "train"), replace(recipe, stages=side))
    found = set(samples[0][1].unique().tolist())
    assert values <= found <= {255, *range(8 if task == "fp" else 2)}
