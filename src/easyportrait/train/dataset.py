"""Portraits as torch sees them: endless training samples, and validation pictures."""

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from ..data.easyportrait import EasyPortrait
from ..data.portraits import Portrait, PortraitFolder
from ..image.letterbox import Letterbox
from ..taxonomy import IGNORE
from .augment import sample
from .mend import mend
from .recipe import Recipe

log = logging.getLogger(__name__)


class EasyPortraitFolder:
    """A view of EasyPortrait in the shape of a `PortraitFolder`: rows, and portraits by number.

    `TrainingSamples` keeps what it is given in memory, and a Full HD portrait is 8 MB:
    give it a part that fits. `WholeFrames` reads each when its turn comes.
    """

    def __init__(self, dataset: EasyPortrait) -> None:
        self.dataset = dataset
        self.rows = [{"id": entry.name, **entry.meta} for entry in dataset.entries]

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, i: int) -> Portrait:
        sample = self.dataset[i]
        return Portrait(sample.name, sample.image, sample.mask, self.rows[i])


Folder = PortraitFolder | EasyPortraitFolder


def normalised(image: np.ndarray, recipe: Recipe) -> Tensor:
    """(H, W, 3) uint8 RGB -> (3, H, W) float32."""
    mean, std = (np.array(v, np.float32) for v in (recipe.input.mean, recipe.input.std))
    return torch.from_numpy(((image - mean) / std).transpose(2, 0, 1).copy())


class TrainingSamples(Dataset[tuple[Tensor, Tensor]]):
    """Sample n of a run, for any n: drawn from (seed, n) and nothing else, so a run that
    stops and resumes sees what an unbroken one would have seen.

    The portraits live in memory (about 2 GB for 2,000 of 512 pixels).
    """

    def __init__(self, folder: Folder, recipe: Recipe) -> None:
        cv2.setNumThreads(0)
        self.recipe = recipe
        with ThreadPoolExecutor() as pool:
            found = list(pool.map(self._prepare, range(len(folder)), [folder] * len(folder)))
        self.portraits = [p for p in found if p is not None]
        left_out = len(found) - len(self.portraits)
        log.info("%d portraits to train on, %d left out as unsure", len(self.portraits), left_out)

    def _prepare(self, i: int, folder: Folder) -> Portrait | None:
        data, meta = self.recipe.data, folder.rows[i]
        if meta.get("agreement", 1) < data.agreement or meta.get("unsure", 0) > data.unsure:
            return None
        portrait = folder[i]
        if not data.mend or "face_height" not in meta or meta.get("sunglasses"):
            return portrait
        mask = mend(portrait.image, portrait.mask, meta["face_height"])
        return Portrait(portrait.id, portrait.image, mask, meta)

    def __len__(self) -> int:
        return self.recipe.run.steps * self.recipe.run.batch

    def __getitem__(self, n: int) -> tuple[Tensor, Tensor]:
        run = self.recipe.run
        stage = self.recipe.stage_at(n // run.batch)
        rng = np.random.default_rng([run.seed, n])
        scene = sample(
            rng,
            lambda: self.portraits[rng.integers(len(self.portraits))],
            stage.side,
            self.recipe.augment.scaled(stage.strength),
            self.recipe.data.drawn_off,
        )
        return normalised(scene.image, self.recipe), torch.from_numpy(scene.mask.astype(np.int64))


class FromStep(Sampler[int]):
    """Sample numbers from wherever the run stands whenever iteration begins.

    Its length is the whole run's all the same: the loop counts batches from the run's
    beginning, and would end early if fewer were promised after a restart.
    """

    def __init__(self, total: int, start: Callable[[], int]) -> None:
        self.total, self.start = total, start

    def __iter__(self) -> Iterator[int]:
        return iter(range(self.start(), self.total))

    def __len__(self) -> int:
        return self.total


class WholeFrames(Dataset[tuple[Tensor, Tensor]]):
    """Each picture whole, letterboxed into a square; its mask likewise, 255 in the margin."""

    def __init__(self, folder: Folder, recipe: Recipe, side: int) -> None:
        self.folder, self.recipe, self.side = folder, recipe, side

    def __len__(self) -> int:
        return len(self.folder)

    def __getitem__(self, i: int) -> tuple[Tensor, Tensor]:
        portrait = self.folder[i]
        box = Letterbox.fit(*portrait.mask.shape, side=self.side)
        mask = np.full((self.side, self.side), IGNORE, np.int64)
        mask[box.window] = cv2.resize(
            portrait.mask, (box.width, box.height), interpolation=cv2.INTER_NEAREST
        )
        return normalised(box.apply(portrait.image), self.recipe), torch.from_numpy(mask)
