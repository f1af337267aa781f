"""Portraits as torch sees them: endless training samples, and validation pictures."""

import logging
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from ..data.portraits import Folder, Portrait
from ..errors import BadInput
from ..image.letterbox import Letterbox
from ..taxonomy import IGNORE, to_task
from . import augment_reference
from .augment import Scene, sample
from .mend import mend
from .recipe import Recipe, Scenes

log = logging.getLogger(__name__)


def normalised(image: np.ndarray, recipe: Recipe) -> Tensor:
    """(H, W, 3) uint8 RGB -> (3, H, W) float32."""
    mean, std = (np.array(v, np.float32) for v in (recipe.input.mean, recipe.input.std))
    return torch.from_numpy(((image - mean) / std).transpose(2, 0, 1).copy())


class TrainingSamples(Dataset[tuple[Tensor, Tensor]]):
    """Sample n of a run, for any n: drawn from (seed, n) and nothing else, so a run that
    stops and resumes sees what an unbroken one would have seen.

    Args:
        folder: what to draw from.
        recipe: which of it, and how.
        memory_gb: keep the portraits in memory if they fit into so much (2,000 of 512
            pixels take 2 GB); else each is read whenever it is drawn.
    """

    def __init__(self, folder: Folder, recipe: Recipe, memory_gb: float = 4.0) -> None:
        cv2.setNumThreads(0)
        self.folder, self.recipe = folder, recipe
        data = recipe.data
        self.usable = [
            i
            for i, row in enumerate(folder.rows)
            if row.get("agreement", 1) >= data.agreement and row.get("unsure", 0) <= data.unsure
        ]
        left_out = len(folder) - len(self.usable)
        log.info("%d portraits to train on, %d left out as unsure", len(self.usable), left_out)
        if not self.usable:
            raise BadInput(f"all {left_out} portraits are less sure than the recipe asks for")
        self.to_task = to_task(recipe.task)
        self.order: tuple[int, list[int]] = -1, []
        self.kept: list[Portrait] = []
        if size_of(folder, self.usable) <= memory_gb * 1e9:
            with ThreadPoolExecutor() as pool:
                self.kept = list(pool.map(self._prepare, self.usable))
        else:
            log.info("more than %g GB: each is read when it is drawn", memory_gb)

    def portrait(self, k: int) -> Portrait:
        """The k-th usable one, its mask mended."""
        return self.kept[k] if self.kept else self._prepare(self.usable[k])

    def _prepare(self, i: int) -> Portrait:
        portrait, data = self.folder[i], self.recipe.data
        if "face_height" not in portrait.meta:  # no mask of a face mesh
            return portrait
        mask = portrait.mask
        if data.mend and not portrait.meta.get("sunglasses"):
            mask = mend(portrait.image, mask, portrait.meta["face_height"])
        return replace(portrait, mask=mask, drawn_off=data.drawn_off)

    def __len__(self) -> int:
        return self.recipe.run.steps * self.recipe.run.batch

    def __getitem__(self, n: int) -> tuple[Tensor, Tensor]:
        scene = self._scene(n)
        mask = self.to_task(scene.mask).astype(np.int64)
        return normalised(scene.image, self.recipe), torch.from_numpy(mask)

    def _scene(self, n: int) -> Scene:
        run = self.recipe.run
        stage = self.recipe.stage_at(n // run.batch)
        how = self.recipe.augment.scaled(stage.strength)
        rng = np.random.default_rng([run.seed, n])
        if isinstance(how, Scenes):

            def pick() -> Portrait:
                return self.portrait(int(rng.integers(len(self.usable))))

            return sample(rng, pick, stage.side, how)
        portrait = self.portrait(self._shuffled(n))
        return augment_reference.sample(rng, portrait, stage.side, how)

    def _shuffled(self, n: int) -> int:
        """Which portrait is the n-th, if all are seen before one is seen again."""
        count = len(self.usable)
        epoch = n // count
        if self.order[0] != epoch:
            rng = np.random.default_rng([self.recipe.run.seed, epoch, count])
            self.order = epoch, rng.permutation(count).tolist()
        return self.order[1][n % count]


def size_of(folder: Folder, which: list[int]) -> int:
    """Bytes of those portraits and their masks in memory; a size that no table tells is taken
    from the first picture."""
    unknown = 0
    total = 0
    for i in which:
        width, height = folder.rows[i].get("width"), folder.rows[i].get("height")
        if width is None or height is None:
            unknown = unknown or folder[i].mask.size
        total += int(width) * int(height) if width and height else unknown
    return 4 * total


class FromStep(Sampler[int]):
    """Sample numbers from wherever the run stands whenever iteration begins.

    Args:
        total: samples of the whole run.
        start: tells how many the run has seen.
        rank, world: of `world` processes, this one gets every world-th number, from the
            rank-th on: together they see what one process would see, step by step.

    Its length is the whole run's all the same: the loop counts batches from the run's
    beginning, and would end early if fewer were promised after a restart.
    """

    def __init__(self, total: int, start: Callable[[], int], rank: int = 0, world: int = 1) -> None:
        self.total, self.start, self.rank, self.world = total, start, rank, world

    def __iter__(self) -> Iterator[int]:
        return iter(range(self.start() + self.rank, self.total, self.world))

    def __len__(self) -> int:
        return self.total // self.world


class TimedLoader(DataLoader[tuple[Tensor, Tensor]]):
    """A loader that knows how long it was waited for.

    Attributes:
        waited_s: seconds spent in asking for batches.
        batches: how many were given.
    """

    def __init__(self, *args: Any, **more: Any) -> None:
        self.waited_s, self.batches = 0.0, 0
        super().__init__(*args, **more)

    def __iter__(self) -> Iterator[Any]:
        began = time.perf_counter()
        for batch in super().__iter__():
            self.waited_s += time.perf_counter() - began
            self.batches += 1
            yield batch
            began = time.perf_counter()


class WholeFrames(Dataset[tuple[Tensor, Tensor]]):
    """Each picture whole, letterboxed into a square; its mask likewise, 255 in the margin.

    Args:
        shares: the set is filled up to a multiple of so many with pictures of which nothing
            is known, so that processes which share it have equally much to do.
    """

    def __init__(self, folder: Folder, recipe: Recipe, side: int, shares: int = 1) -> None:
        self.folder, self.recipe, self.side, self.shares = folder, recipe, side, shares
        self.to_task = to_task(recipe.task)

    def __len__(self) -> int:
        return -(-len(self.folder) // self.shares) * self.shares

    def __getitem__(self, i: int) -> tuple[Tensor, Tensor]:
        portrait = self.folder[min(i, len(self.folder) - 1)]
        box = Letterbox.fit(*portrait.mask.shape, side=self.side)
        mask = np.full((self.side, self.side), IGNORE, np.int64)
        if i < len(self.folder):
            mask[box.window] = cv2.resize(
                self.to_task(portrait.mask),
                (box.width, box.height),
                interpolation=cv2.INTER_NEAREST,
            )
        return normalised(box.apply(portrait.image), self.recipe), torch.from_numpy(mask)
