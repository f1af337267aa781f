"""A heap of photographs and masks, as people bring them to `data build`."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from easyportrait import EasyPortrait
from easyportrait.data.build import build
from easyportrait.data.building.how import How
from easyportrait.data.building.report import Report
from easyportrait.data.quality import Limits
from tests.unit.data.drawn import as_file
from tests.unit.data.planted import scene

# What is drawn is smaller than a photograph, and its faces are no net's
LAX = Limits(min_side=100, min_face=0)


def put(root: Path, numbers: Iterable[int], *, users: int = 0) -> Path:
    """Drawn portraits p0, p1, ... with masks, each like no other, and a table of users.

    Args:
        users: how many pictures a user has; 0 for no table.
    """
    (root / "images").mkdir(parents=True, exist_ok=True)
    (root / "masks").mkdir(exist_ok=True)
    for i in numbers:
        picture, mask = scene(i)
        save(root / f"images/p{i}.jpg", as_file(picture, "JPEG", quality=90))
        save(root / f"masks/p{i}.png", as_file(mask, "PNG"))
    if users:
        names = sorted(path.stem for path in (root / "images").iterdir())
        lines = [f"{name},u{int(name[1:]) // users}" for name in names]
        (root / "users.csv").write_text("\n".join(["name,user", *lines]) + "\n")
    return root


def save(path: Path, data: bytes) -> None:
    """Write a file unless it is there: one that is written again is a new one to a build."""
    if not path.exists():
        path.write_bytes(data)


def built(heap: Path, out: Path, **asked: Any) -> Report:
    """Build from such a heap, in folders, with its table if it has one."""
    users = heap / "users.csv"
    how = How(**{"limits": LAX, "archives": False} | asked)
    return build(heap, out, users=users if users.exists() else None, how=how)


def splits_in(root: Path) -> dict[str, str]:
    """The split of each picture, as it lies there."""
    return {entry.name: entry.split for entry in EasyPortrait(root).entries}


def told(root: Path) -> dict[str, Any]:
    """The report that lies in a dataset."""
    return json.loads((root / "build.json").read_text())


def tree(root: Path) -> dict[str, bytes]:
    """All files of a dataset but what a build keeps for itself."""
    files = (p for p in root.rglob("*") if p.is_file() and ".build" not in p.parts)
    return {str(p.relative_to(root)): p.read_bytes() for p in files}


def noise(seed: int, size: tuple[int, int] = (300, 300)) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)
