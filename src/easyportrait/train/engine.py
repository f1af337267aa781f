"""How a training is spread over a machine or several, watched, and kept."""

import importlib.util
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning as L
import torch
from lightning.pytorch.callbacks import (
    EarlyStopping,
    ModelCheckpoint,
    RichProgressBar,
    WeightAveraging,
)
from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger
from lightning.pytorch.plugins.io import TorchCheckpointIO
from lightning.pytorch.strategies import DDPStrategy
from lightning.pytorch.utilities import rank_zero_only
from torch import Tensor

from ..errors import BadInput
from .recipe import Recipe
from .weights import write_whole

log = logging.getLogger(__name__)

ACCELERATORS = ("auto", "cpu", "gpu")


@dataclass(frozen=True, slots=True)
class Machine:
    """What a training runs on.

    Attributes:
        accelerator: of `ACCELERATORS`.
        devices: GPUs, or on a CPU processes, of each node.
        nodes: machines. Each starts the same command with MASTER_ADDR, MASTER_PORT and
            NODE_RANK set, or torchrun or SLURM starts it there.
        batch_per_device: samples that a device takes at once; None: its share of the
            recipe's batch. Gradients add up until the batch is the recipe's.
    """

    accelerator: str = "auto"
    devices: int = 1
    nodes: int = 1
    batch_per_device: int | None = None

    @property
    def processes(self) -> int:
        return self.devices * self.nodes

    def share(self, batch: int) -> tuple[int, int]:
        """Samples a device takes at once, and how often it does so for a step of `batch`.

        Raises:
            BadInput: the batch cannot be dealt out evenly.
        """
        each = self.batch_per_device or batch // self.processes
        at_once = each * self.processes
        if not at_once or batch % at_once:
            devices = f"{self.processes} device{'s' * (self.processes > 1)}"
            fits = [n for n in range(1, batch + 1) if batch % (n * self.processes) == 0]
            what_works = (
                f"--batch-per-device {' or '.join(map(str, fits))} would"
                if fits
                else f"the recipe's batch must be a multiple of {self.processes}"
            )
            raise BadInput(
                f"the recipe's batch of {batch} cannot be dealt out to {devices}, "
                f"{each or 1} each at a time; {what_works}"
            )
        return each, batch // at_once


def is_first() -> bool:
    """Whether this is the first of the processes that train together: it talks and exports."""
    return not rank_zero_only.rank


def trainer(recipe: Recipe, out: Path, machine: Machine, *, progress: bool = True) -> L.Trainer:
    """Lightning's trainer as a recipe and a machine want it; all it writes goes to `out`."""
    run = recipe.run
    _, accumulate = machine.share(run.batch)
    many = machine.processes > 1
    on_cpu = machine.accelerator == "cpu" or not torch.cuda.is_available()
    strategy = DDPStrategy(process_group_backend="gloo" if on_cpu else None) if many else "auto"
    return L.Trainer(
        default_root_dir=out,
        max_steps=run.steps,
        max_epochs=-1,
        precision=run.precision,  # type: ignore[arg-type,unused-ignore]
        accelerator=machine.accelerator,
        devices=machine.devices,
        num_nodes=machine.nodes,
        strategy=strategy,
        sync_batchnorm=many and not on_cpu,  # torch has none for CPUs
        use_distributed_sampler=False,  # ours knows its share and where the run stands
        accumulate_grad_batches=accumulate,
        gradient_clip_val=recipe.optimiser.clip or None,
        val_check_interval=min(run.validate_every, run.steps) * accumulate,
        check_val_every_n_epoch=None,
        num_sanity_val_steps=0,
        log_every_n_steps=20,
        logger=loggers(out),
        callbacks=callbacks(recipe, out, progress),
        plugins=WholeCheckpoints(),
        enable_progress_bar=progress,
        enable_model_summary=False,
    )


class WholeCheckpoints(TorchCheckpointIO):
    """Checkpoints that take their place whole, as all files here do.

    Lightning's own are made in the system's temporary folder. Where that is another disk they
    are copied into place, and whoever is killed meanwhile, or fills the disk, has lost the
    checkpoint before as well.
    """

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None
    ) -> None:
        """Raises: OutputUnwritable: it cannot be written; the one before is still there."""
        write_whole(Path(path), checkpoint)


def loggers(out: Path) -> list[Any]:
    """Numbers as CSV in `logs/`, and for TensorBoard if it is installed."""
    made: list[Any] = [CSVLogger(out, name="logs")]
    if importlib.util.find_spec("tensorboard") is not None:
        made.append(TensorBoardLogger(out, name="tensorboard"))
    return made


def callbacks(recipe: Recipe, out: Path, progress: bool) -> list[L.Callback]:
    run = recipe.run
    kept = {
        "dirpath": out,
        "save_top_k": 1,
        "enable_version_counter": False,
        "save_on_train_epoch_end": False,
    }
    made: list[L.Callback] = [
        WeightAveraging(avg_fn=moving_average(run.ema_decay)),
        Clock(),
        ModelCheckpoint(filename="best", monitor="miou", mode="max", **kept),
        ModelCheckpoint(
            filename="last", monitor=None, every_n_train_steps=run.checkpoint_every, **kept
        ),
    ]
    if run.patience:
        made.append(
            EarlyStopping(
                "miou",
                mode="max",
                patience=run.patience,
                check_finite=False,
                check_on_train_epoch_end=False,
            )
        )
    if progress:
        made.append(RichProgressBar(console_kwargs={"stderr": True}))
    return made


def moving_average(decay: float) -> Callable[[Tensor, Tensor, Tensor], Tensor]:
    """Exponential moving average that forgets its beginning: early on, a plain mean of the
    last tenth or so of the steps, as in TensorFlow's `num_updates`."""

    def average(old: Tensor, new: Tensor, count: Tensor) -> Tensor:
        keep = torch.clamp((1 + count) / (10 + count), max=decay).to(new.device)
        return new + keep.to(new.dtype) * (old - new) if new.is_floating_point() else new

    return average


class Clock(L.Callback):
    """Says at the end how fast training was, and whether the net had to wait for samples.

    Validation does not count. A GPU works on while it is asked for nothing, so there the
    wait that is told is the most it can have been.
    """

    def on_train_start(self, trainer: L.Trainer, _: L.LightningModule) -> None:
        self.began, self.validated_s = time.perf_counter(), 0.0
        self.steps_before = trainer.global_step

    def on_validation_start(self, _: L.Trainer, __: L.LightningModule) -> None:
        self.validating = time.perf_counter()

    def on_validation_end(self, _: L.Trainer, __: L.LightningModule) -> None:
        self.validated_s += time.perf_counter() - self.validating

    def on_train_end(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        if not trainer.is_global_zero:
            return
        recipe: Recipe = module.recipe
        images = (trainer.global_step - self.steps_before) * recipe.run.batch
        seconds = time.perf_counter() - self.began - self.validated_s
        waited = trainer.train_dataloader.waited_s
        log.info("%s", pace(images, seconds, waited))


def pace(images: int, seconds: float, waited: float) -> str:
    """
    >>> pace(1200, 60, 1.8)
    '1,200 images in 60 s, 20.0 a second; the loader kept the net busy 97 % of the time'
    """
    seconds = max(seconds, 1e-9)
    busy = 100 * max(0.0, 1 - waited / seconds)
    return (
        f"{images:,} images in {seconds:.0f} s, {images / seconds:.1f} a second; "
        f"the loader kept the net busy {busy:.0f} % of the time"
    )
