"""Train one recipe: Lightning's loop around a net, a loss and average weights."""

import logging
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightning as L
import torch
from lightning.pytorch.callbacks import ModelCheckpoint, WeightAveraging
from lightning.pytorch.loggers import CSVLogger
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader

from ..data.portraits import open_folder
from ..errors import BadInput, BadRecipe
from ..evaluate.confusion import Confusion
from ..taxonomy import TASKS
from .backbones import load_backbone
from .dataset import FromStep, TrainingSamples, WholeFrames
from .losses import segmentation_loss
from .nets import NETS
from .recipe import Recipe
from .start import start_from

log = logging.getLogger(__name__)


def build_net(recipe: Recipe) -> nn.Module:
    """Raises:
    BadRecipe: the recipe names a net that does not exist.
    """
    if recipe.net not in NETS:
        raise BadRecipe(f"there is no net {recipe.net!r}; nets: {', '.join(NETS)}")
    return NETS[recipe.net](len(TASKS[recipe.task]))


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

    def training_step(self, batch: tuple[Tensor, Tensor], _: int) -> Tensor:
        image, target = batch
        loss = segmentation_loss(self(image), target, self.recipe.loss)
        self.log("loss", loss, prog_bar=True)
        return loss

    def validation_step(self, batch: tuple[Tensor, Tensor], _: int) -> None:
        image, target = batch
        logits = F.interpolate(
            self(image).float(), size=target.shape[-2:], mode="bilinear", align_corners=False
        )
        self.confusion.add(
            target.cpu().numpy().astype("uint8"), logits.argmax(1).cpu().numpy().astype("uint8")
        )

    def on_validation_epoch_end(self) -> None:
        for name, iou in self.confusion.iou().items():
            self.log(f"iou/{name}", iou)
        self.log("miou", self.confusion.mean_iou(), prog_bar=True)
        self.confusion = Confusion(TASKS[self.recipe.task])

    def configure_optimizers(self) -> Any:
        how, steps = self.recipe.optimiser, self.recipe.run.steps
        optimiser = torch.optim.AdamW(self._groups(), weight_decay=how.weight_decay)

        def rate(step: int) -> float:
            rise = min(1.0, (step + 1) / how.warmup_steps)
            return rise * max(0.0, 1 - step / steps) ** how.power

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


def moving_average(decay: float) -> Callable[[Tensor, Tensor, Tensor], Tensor]:
    """Exponential moving average that forgets its beginning: early on, a plain mean of the
    last tenth or so of the steps, as in TensorFlow's `num_updates`."""

    def average(old: Tensor, new: Tensor, count: Tensor) -> Tensor:
        keep = torch.clamp((1 + count) / (10 + count), max=decay).to(new.device)
        return new + keep.to(new.dtype) * (old - new) if new.is_floating_point() else new

    return average


class Portraits(L.LightningDataModule):
    """The training samples from the run's step on, and the val split whole."""

    def __init__(self, root: Path, recipe: Recipe, workers: int, memory_gb: float) -> None:
        super().__init__()
        self.recipe, self.workers = recipe, workers
        self.samples = TrainingSamples(open_folder(root, "train"), recipe, memory_gb)
        side = recipe.stages[-1].side
        self.frames = WholeFrames(open_folder(root, "val"), recipe, side)

    def train_dataloader(self) -> DataLoader[Any]:
        def start() -> int:
            return self.trainer.global_step * self.recipe.run.batch if self.trainer else 0

        sampler = FromStep(len(self.samples), start)
        return DataLoader(
            self.samples,
            self.recipe.run.batch,
            sampler=sampler,
            num_workers=self.workers,
            prefetch_factor=4 if self.workers else None,
        )

    def val_dataloader(self) -> DataLoader[Any]:
        return DataLoader(self.frames, 8)


def train(
    recipe: Recipe,
    data: Path,
    out: Path,
    *,
    resume: bool = False,
    backbone: Path | None = None,
    start: Path | None = None,
    workers: int = 1,
    memory_gb: float = 4.0,
    progress: bool = True,
) -> Path:
    """Run a recipe to its last step.

    Args:
        data: a portraits folder or EasyPortrait (data/portraits.py).
        out: gets `last.ckpt` every `checkpoint_every` steps and `logs/`.
        resume: go on from `out/last.ckpt`, at the step where it stands.
        backbone: a local file with the backbone's published weights.
        start: a checkpoint or model file of the same net, to begin with its weights
            instead of the backbone's.
        workers: processes that make samples.
        memory_gb: as `TrainingSamples`.

    Returns:
        The path of the last checkpoint.

    Raises:
        BadInput: `resume` without a checkpoint, or a checkpoint without `resume`; a `start`
            that does not fit the net.
    """
    last = out / "last.ckpt"
    if resume and not last.exists():
        raise BadInput(f"nothing to resume: {last} does not exist")
    if last.exists() and not resume:
        raise BadInput(f"{last} exists: go on with --resume, or name another folder with -o")
    run = recipe.run
    L.seed_everything(run.seed, verbose=False)
    torch.set_float32_matmul_precision("high")
    trainer = L.Trainer(
        max_steps=run.steps,
        max_epochs=-1,
        precision=run.precision,
        gradient_clip_val=recipe.optimiser.clip,
        val_check_interval=min(run.validate_every, run.steps),
        check_val_every_n_epoch=None,
        num_sanity_val_steps=0,
        log_every_n_steps=20,
        logger=CSVLogger(out, name="logs"),
        callbacks=[
            WeightAveraging(avg_fn=moving_average(run.ema_decay)),
            ModelCheckpoint(
                dirpath=out,
                filename="last",
                every_n_train_steps=run.checkpoint_every,
                save_top_k=1,
                monitor=None,
                enable_version_counter=False,
                save_on_train_epoch_end=False,
            ),
        ],
        enable_progress_bar=progress,
        enable_model_summary=False,
    )
    # ours is: the sampler starts where the run stands
    warnings.filterwarnings("ignore", message=".*your dataloader is not resumable.*")
    fit = Fit(recipe, backbone, fresh=not resume and start is None)
    portraits = Portraits(data, recipe, workers, memory_gb)
    if start is not None and not resume:
        start_from(fit.net, start, torch.stack([portraits.samples[n][0] for n in range(run.batch)]))
    trainer.fit(fit, datamodule=portraits, ckpt_path=last if resume else None, weights_only=False)
    trainer.save_checkpoint(last)
    return last
