"""Every recipe runs, resumes exactly, and ends in a file that parses."""

import os
import subprocess
import sys
import time
from dataclasses import replace
from importlib import resources
from pathlib import Path

import pytest
import torch

from easyportrait.data.layout import V1
from easyportrait.data.portraits import PortraitFolder
from easyportrait.errors import BadInput, BadRecipe
from easyportrait.models.parser import Parser
from easyportrait.models.session import OnnxSession
from easyportrait.train.dataset import TrainingSamples
from easyportrait.train.export import export_checkpoint
from easyportrait.train.fit import build_net, train
from easyportrait.train.recipe import Recipe, Stage
from tests.unit.data.drawn import drawn

RECIPES = sorted(
    p.stem for p in Path(str(resources.files("easyportrait.train") / "recipes")).glob("*.toml")
)


def small(name: str, steps: int) -> Recipe:
    """The recipe with a few steps of small samples; everything else as it stands."""
    recipe = Recipe.load(name)
    run = replace(
        recipe.run,
        steps=steps,
        batch=2,
        checkpoint_every=2,
        validate_every=steps,
        precision="32-true",
    )
    optimiser = replace(recipe.optimiser, warmup_steps=1)
    return replace(
        recipe,
        run=run,
        optimiser=optimiser,
        stages=(
            Stage(from_step=0, side=64, strength=1.0),
            Stage(from_step=3, side=96, strength=0.5),
        ),
    )


def weights(path: Path) -> torch.Tensor:
    """All weights of a checkpoint, not averaged, in one row; counters and statistics left out."""
    state = torch.load(path, map_location="cpu", weights_only=False)["current_model_state"]
    return torch.cat(
        [v.flatten().float() for k, v in sorted(state.items()) if k.endswith(("weight", "bias"))]
    )


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_trains_and_ends_in_a_file_that_parses(
    name: str, portraits: Path, tmp_path: Path
) -> None:
    recipe = small(name, 2)
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
    logs = (tmp_path / "run" / "logs" / "version_0" / "metrics.csv").read_text()
    assert "miou" in logs.splitlines()[0] and len(logs.splitlines()) > 1


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
