"""A batch is the recipe's on any number of processes, and each gets its own share of it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import cv2
import pytest
import torch

from easyportrait.errors import BadInput
from easyportrait.train import engine
from easyportrait.train.dataset import FromStep, WholeFrames
from easyportrait.train.engine import Machine, loggers
from tests.unit.train.test_fit import small

STEPS, BATCH = 3, 4


@pytest.mark.parametrize(
    ("devices", "nodes", "each", "share"),
    [(1, 1, None, (16, 1)), (1, 1, 4, (4, 4)), (2, 2, None, (4, 1)), (2, 2, 2, (2, 2))],
)
def test_a_batch_is_dealt_out(
    devices: int, nodes: int, each: int | None, share: tuple[int, int]
) -> None:
    assert Machine("cpu", devices, nodes, each).share(16) == share


@pytest.mark.parametrize(
    ("devices", "each", "message"),
    [
        (1, 3, r"batch of 16 cannot be dealt out to 1 device, 3 each.*1 or 2 or 4 or 8 or 16"),
        (3, None, r"to 3 devices.*must be a multiple of 3"),
        (2, 16, r"to 2 devices, 16 each at a time; --batch-per-device 1 or 2 or 4 or 8 would"),
        (32, None, r"must be a multiple of 32"),
    ],
)
def test_a_batch_that_cannot_be_dealt_out_is_refused(
    devices: int, each: int | None, message: str
) -> None:
    with pytest.raises(BadInput, match=message):
        Machine("cpu", devices, 1, each).share(16)


@pytest.mark.parametrize("done", [0, 5])
@pytest.mark.parametrize("world", [1, 2, 4])
def test_processes_together_see_each_steps_samples_once(done: int, world: int) -> None:
    shares = [list(FromStep(80, lambda: done * 8, rank, world)) for rank in range(world)]
    each = 8 // world
    for step in range(10 - done):
        seen = [n for share in shares for n in share[step * each : (step + 1) * each]]
        assert sorted(seen) == list(range((done + step) * 8, (done + step + 1) * 8))


def test_the_shares_of_a_validation_are_equal_and_what_fills_them_up_does_not_count(
    portraits: Path,
) -> None:
    from easyportrait.data.portraits import open_folder

    folder, recipe = open_folder(portraits, "train"), small("v1/fcn-mobilenetv2", 2)
    frames = WholeFrames(folder, recipe, 64, shares=4)
    assert len(folder) == 6 and len(frames) == 8
    assert all((frames[i][1] == 255).all() == (i >= 6) for i in range(8))


def test_numbers_go_to_tensorboard_only_where_it_is_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine.importlib.util, "find_spec", lambda _: None)
    assert [type(x).__name__ for x in loggers(tmp_path)] == ["CSVLogger"]
    monkeypatch.setattr(engine.importlib.util, "find_spec", lambda _: object())
    monkeypatch.setattr(engine, "TensorBoardLogger", lambda *_, **__: "board")
    assert loggers(tmp_path)[1] == "board"


SCRIPT = f"""
import json, os, sys
from pathlib import Path
root, data, out = sys.argv[1:4]
sys.path.insert(0, root)
from tests.unit.train.test_fit import small
from easyportrait.train import fit
from easyportrait.train.engine import Machine

seen, known = [], []
get = fit.TrainingSamples.__getitem__
fit.TrainingSamples.__getitem__ = lambda self, n: seen.append(n) or get(self, n)
end = fit.Fit.on_validation_epoch_end
def merged(self):
    own = int(self.confusion.counts.sum())
    reduce = self.trainer.strategy.reduce
    def note(counts, **how):
        total = reduce(counts, **how)
        known.append([own, int(total.sum())])
        return total
    self.trainer.strategy.reduce = note
    end(self)
    self.trainer.strategy.reduce = reduce
fit.Fit.on_validation_epoch_end = merged
modules = []
first = fit.Fit.on_train_batch_start
def start(self, *batch):
    modules[:] = [self]
    return first(self, *batch)
fit.Fit.on_train_batch_start = start
machine = Machine("cpu", 2, batch_per_device=1)
recipe = small("v2/segformer-b0-ps", {STEPS}, batch={BATCH})
fit.train(recipe, Path(data), Path(out), machine=machine, workers=0, progress=False,
          resume="resume" in sys.argv)
weights = sum(float(p.double().abs().sum()) for p in modules[0].net.parameters())
rank = os.environ.get("LOCAL_RANK", "0")
Path(f"{{out}}/rank-{{rank}}.json").write_text(
    json.dumps(dict(seen=seen, known=known, weights=weights)))
"""


def test_two_processes_share_the_work_and_end_at_the_same_weights(
    portraits: Path, tmp_path: Path
) -> None:
    script, out = tmp_path / "two.py", tmp_path / "run"
    script.write_text(SCRIPT)
    root = Path(__file__).parents[3]
    quiet = os.environ | {"OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(script), str(root), str(portraits), str(out)]
    done = subprocess.run(command, env=quiet, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    one, two = (json.loads((out / f"rank-{rank}.json").read_text()) for rank in (0, 1))
    assert len(one["seen"]) == len(two["seen"]) == STEPS * BATCH // 2
    assert sorted(one["seen"] + two["seen"]) == list(range(STEPS * BATCH))
    for step in range(STEPS):
        each = slice(step * BATCH // 2, (step + 1) * BATCH // 2)
        numbers = sorted(one["seen"][each] + two["seen"][each])
        assert numbers == list(range(step * BATCH, (step + 1) * BATCH))
    assert one["weights"] == pytest.approx(two["weights"], rel=1e-9)
    (mine, total), (theirs, same) = one["known"][0], two["known"][0]
    assert mine > 0 and theirs > 0 and mine + theirs == total == same
    assert torch.load(out / "last.ckpt", weights_only=True)["global_step"] == STEPS
    (sheet,) = (out / "samples").iterdir()
    assert cv2.imread(str(sheet)) is not None
