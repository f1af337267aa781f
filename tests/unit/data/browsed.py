"""A small dataset on the desk, and a model that is wrong in a known way."""

from pathlib import Path

import numpy as np

from easyportrait import EasyPortrait
from easyportrait.data.browse.compare import Model
from easyportrait.data.browse.desk import Desk, Options
from easyportrait.data.browse.store import Store
from tests.unit.data.planted import scene

TEETH, LIPS = 8, 7


def toothless(image: np.ndarray) -> np.ndarray:
    """What `planted.scene` drew, told by the picture's height, with lips for teeth; and of
    p1 nothing but background."""
    i = (image.shape[0] - 160) // 4
    mask = scene(i)[1].copy()
    mask[mask == TEETH] = LIPS
    return np.zeros_like(mask) if i == 1 else mask


def fake_model(task: str = "joint") -> Model:
    return Model("fake 0", f"fake {task}", task, toothless)


def desk_of(root: Path, cache: Path, **options: object) -> Desk:
    dataset = EasyPortrait(root, partial=True)
    return Desk(dataset, Store(cache, root), Options(workers=2, **options))  # type: ignore[arg-type]


def worked(desk: Desk, seconds: float = 30) -> Desk:
    """The desk, its jobs begun and ended."""
    desk.start()
    for job in desk.jobs.values():
        job.join(seconds)
        assert not job.is_running and not job.problem
    return desk
