"""Train one recipe: Lightning's loop around a net, a loss and average weights."""

import logging
import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import lightning as L
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader

from ..data.disk import only_run
from ..data.portraits import open_folder
from ..errors import BadInput, BadRecipe, OutputUnwritable
from ..evaluate.confusion import Confusion
from ..taxonomy import TASKS
from .backbones import load_backbone
from .dataset import FromStep, TimedLoader, TrainingSamples, WholeFrames
from .engine import Machine, is_first, trainer
from .losses import training_loss
from .nets import NETS, all_logits
from .recipe import Recipe
from .samples import shown, write_sheet
from .start import start_from

log = logging.getLogger(__name__)


def build_net(recipe: Recipe) -> nn.Module:
    """Raises:
    BadRecipe: the recipe names a net that does not exist, or weighs more or fewer
        auxiliary heads than it has.
    """
    if recipe.net not in NETS:
        raise BadRecipe(f"there is no net {recipe.net!r}; nets: {', '.join(NETS)}")
    net = NETS[recipe.net](len(TASKS[recipe.task]))
    heads, weights = len(getattr(net, "aux", ())), recipe.loss.auxiliary
    if heads != len(weights):
        raise BadRecipe(
            f"loss: auxiliary holds {len(weights)} weights, but {recipe.net} has {heads} "
            "auxiliary heads"
        )
    return net


class Fit(L.LightningModule):
    """One net on its way through one recipe."""

    def __init__(self, recipe: Recipe, backbone: Path | None = None, fresh: bool = True) -> None:
        super().__init__()
        self.recipe = recipe
        self.net = build_net(recipe)
        if fresh:
            load_backbone(self.net, recipe.backbone, backbone)
        self.net = self.net.to(memory_format=torch.channels_last)
        self.confusion = Confusion(TASKS[recipe.task])

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x.to(memory_format=torch.channels_last))

    def on_train_batch_start(self, _: Any, batch_idx: int) -> None:
        # what nets drop by chance hangs on the step alone, so that a resumed run drops the same
        torch.manual_seed(
            (self.recipe.run.seed << 40) + batch_idx * self.trainer.world_size + self.global_rank
        )

    def training_step(self, batch: tuple[Tensor, Tensor], _: int) -> Tensor:
        image, target = batch
        logits = all_logits(self.net, image.to(memory_format=torch.channels_last))
        loss = training_loss(logits, target, self.recipe.loss)
        self.log("loss", loss, prog_bar=True)
        return loss

    def validation_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> None:
        image, target = batch
        logits = F.interpolate(
            self(image).float(), size=target.shape[-2:], mode="bilinear", align_corners=False
        )
        predicted = logits.argmax(1)
        self.confusion.add(
            target.cpu().numpy().astype("uint8"), predicted.cpu().numpy().astype("uint8")
        )
        if batch_idx == 0 and self.trainer.is_global_zero:
            path = Path(self.trainer.default_root_dir) / "samples" / f"{self.global_step:07d}.jpg"
            images, truth, found = shown((image, target, predicted))
            write_sheet(path, images, truth, found, self.recipe, self.confusion.taxonomy)

    def on_validation_epoch_end(self) -> None:
        counts = torch.from_numpy(self.confusion.counts).to(self.device)
        counts = self.trainer.strategy.reduce(counts, reduce_op="sum")  # every process's share
        self.confusion.counts = counts.cpu().numpy()
        for name, iou in self.confusion.iou().items():
            self.log(f"iou/{name}", iou, sync_dist=True)
        miou = self.confusion.mean_iou()
        self.log("miou", miou, prog_bar=True, sync_dist=True)
        if self.trainer.is_global_zero:
            log.info("step %d: mean IoU %.4f", self.global_step, miou)
        self.confusion = Confusion(TASKS[self.recipe.task])

    def configure_optimizers(self) -> Any:
        how, steps = self.recipe.optimiser, self.recipe.run.steps
        optimiser = torch.optim.AdamW(
            self._groups(), betas=how.betas, weight_decay=how.weight_decay
        )

        def rate(step: int) -> float:
            rise = min(1.0, (step + 1) / max(1, how.warmup_steps))
            rise = how.warmup_from + (1 - how.warmup_from) * rise
            done = min(1.0, step / steps)
            left = 1 - done if how.schedule == "poly" else (1 + math.cos(math.pi * done)) / 2
            return rise * max(0.0, left) ** how.power

        schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, rate)
        return [optimiser], [{"scheduler": schedule, "interval": "step"}]

    def _groups(self) -> list[dict[str, Any]]:
        """Encoder or not, decayed or not: four groups."""
        how = self.recipe.optimiser
        groups: dict[tuple[bool, bool], list[nn.Parameter]] = {}
        for name, parameter in self.net.named_parameters():
            key = name.startswith("encoder."), parameter.ndim > 1
            groups.setdefault(key, []).append(parameter)
        return [
            {
                "params": parameters,
                "lr": how.encoder_lr if encoder else how.lr,
                "weight_decay": how.weight_decay if decays else 0.0,
            }
            for (encoder, decays), parameters in groups.items()
        ]


class Portraits(L.LightningDataModule):
    """The training samples from the run's step on, and the val split whole; of both, this
    process's share."""

    def __init__(
        self, root: Path, recipe: Recipe, machine: Machine, workers: int, memory_gb: float
    ) -> None:
        super().__init__()
        self.recipe, self.machine, self.workers = recipe, machine, workers
        self.per_device, _ = machine.share(recipe.run.batch)
        self.samples = TrainingSamples(open_folder(root, "train"), recipe, memory_gb)
        side = recipe.stages[-1].side
        self.frames = WholeFrames(open_folder(root, "val"), recipe, side, machine.processes)

    def _share(self, total: int, start: Any) -> FromStep:
        rank = self.trainer.global_rank if self.trainer else 0
        return FromStep(total, start, rank, self.machine.processes)

    def train_dataloader(self) -> DataLoader[Any]:
        def start() -> int:
            return self.trainer.global_step * self.recipe.run.batch if self.trainer else 0

        return TimedLoader(
            self.samples,
            self.per_device,
            sampler=self._share(len(self.samples), start),
            num_workers=self.workers,
            prefetch_factor=4 if self.workers else None,
        )

    def val_dataloader(self) -> DataLoader[Any]:
        return DataLoader(
            self.frames,
            min(8, self.per_device),
            sampler=self._share(len(self.frames), lambda: 0),
            num_workers=self.workers,
        )


def train(
    recipe: Recipe,
    data: Path,
    out: Path,
    *,
    resume: bool = False,
    backbone: Path | None = None,
    start: Path | None = None,
    machine: Machine | None = None,
    workers: int = 1,
    memory_gb: float = 4.0,
    progress: bool = True,
) -> Path:
    """Run a recipe to its last step, or until it no longer gets better.

    Args:
        data: a portraits folder or EasyPortrait (data/portraits.py).
        out: gets `last.ckpt` every `checkpoint_every` steps, `best.ckpt` whenever
            validation is better than before, `logs/`, and `samples/` with a few
            validation pictures.
        resume: go on from `out/last.ckpt`, at the step where it stands.
        backbone: a local file with the backbone's published weights.
        start: a checkpoint or model file of the same net, to begin with its weights
            instead of the backbone's.
        machine: how it is spread; None: one device.
        workers: processes that make samples, for each device.
        memory_gb: as `TrainingSamples`, for each device.

    Returns:
        The path of the checkpoint that the recipe wants exported.

    Raises:
        BadInput: `resume` without a checkpoint, or a checkpoint without `resume`; a `start`
            that does not fit the net; a batch that cannot be dealt out to the devices.
        OutputUnwritable: `out` cannot be made or written, or another run is at work there.
    """
    last, best = out / "last.ckpt", out / "best.ckpt"
    if resume and not last.exists():
        raise BadInput(f"nothing to resume: {last} does not exist")
    if last.exists() and not resume:
        raise BadInput(f"{last} exists: go on with --resume, or name another folder with -o")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputUnwritable(f"{out} cannot be made: {error.strerror}") from error
    machine = machine or Machine()
    L.seed_everything(recipe.run.seed, verbose=False)
    torch.set_float32_matmul_precision("high")
    # ours is: the sampler starts where the run stands
    warnings.filterwarnings("ignore", message=".*your dataloader is not resumable.*")
    warnings.filterwarnings("ignore", message="Checkpoint directory .* exists and is not empty")
    warnings.filterwarnings("ignore", message="The number of training batches .* is smaller than")
    warnings.filterwarnings("ignore", message=r".*isinstance\(treespec, LeafSpec\)")  # Lightning's
    with alone_in(out, machine):
        loop = trainer(recipe, out, machine, progress=progress)
        fit = Fit(recipe, backbone, fresh=not resume and start is None)
        portraits = Portraits(data, recipe, machine, workers, memory_gb)
        if start is not None and not resume:
            batch = [portraits.samples[n][0] for n in range(recipe.run.batch)]
            start_from(fit.net, start, torch.stack(batch))
        loop.fit(fit, datamodule=portraits, ckpt_path=last if resume else None, weights_only=False)
        loop.save_checkpoint(last)
        return best if recipe.run.export == "best" and best.exists() else last


@contextmanager
def alone_in(out: Path, machine: Machine) -> Iterator[None]:
    """No other run may write there meanwhile. Of the processes that train together the first
    sees to it; several machines know of each other.

    Raises:
        OutputUnwritable: another run is at work there, or it cannot be made.
    """
    if machine.nodes > 1 or not is_first():
        yield
        return
    with only_run(out):
        yield
