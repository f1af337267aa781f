"""Checkpoints of a training: the one before is there until the next one is, whole."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from easyportrait.data.disk import only_run
from easyportrait.errors import OutputUnwritable
from easyportrait.train.engine import Machine, WholeCheckpoints, trainer
from easyportrait.train.fit import train
from easyportrait.train.recipe import Recipe
from tests.faults.faulty import Commands, Fault, commands, half_written
from tests.faults.saving import SIZE, save

if sys.platform != "linux":
    pytest.skip("processes are forked", allow_module_level=True)

MODULE = "tests.faults.saving"


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Commands]:
    with commands(tmp_path_factory.mktemp("commands") / "said", MODULE) as made:
        yield made


def value_of(path: Path) -> float:
    weight = torch.load(path, weights_only=True)["weight"]
    assert len(weight) == SIZE and (weight == weight[0]).all()
    return float(weight[0])


def test_the_trainer_writes_its_checkpoints_so(tmp_path: Path) -> None:
    loop = trainer(Recipe.load("embedded"), tmp_path, Machine("cpu"), progress=False)
    assert isinstance(loop.strategy.checkpoint_io, WholeCheckpoints)


def test_killed_at_any_write_point_a_checkpoint_is_whole(python: Commands, tmp_path: Path) -> None:
    path = tmp_path / "last.ckpt"
    save(str(path), "1")
    points = python.run("python", f"{MODULE}:save", path, 2, under=tmp_path).points
    assert points >= 2 and value_of(path) == 2
    for at in range(1, points + 1):
        ended = python.run("python", f"{MODULE}:save", path, 3, under=tmp_path, fault=Fault(at=at))
        assert ended.was_killed and value_of(path) == 2
    assert python.run("python", f"{MODULE}:save", path, 3, under=tmp_path).status == 0
    assert value_of(path) == 3


@pytest.mark.parametrize("fault", [Fault(most=20_000), Fault(at=1, error="ENOSPC")])
def test_a_full_disk_keeps_the_checkpoint_before(
    python: Commands, tmp_path: Path, fault: Fault
) -> None:
    path = tmp_path / "last.ckpt"
    save(str(path), "1")
    ended = python.run("python", f"{MODULE}:save", path, 2, under=tmp_path, fault=fault)
    assert ended.status != 0 and "last.ckpt cannot be written" in ended.said
    assert value_of(path) == 1 and half_written(tmp_path) == []


def test_a_second_run_in_a_folder_is_refused(portraits: Path, tmp_path: Path) -> None:
    with only_run(tmp_path), pytest.raises(OutputUnwritable, match="another run is at work"):
        train(Recipe.load("embedded"), portraits, tmp_path, progress=False)
    assert not (tmp_path / "last.ckpt").exists()
