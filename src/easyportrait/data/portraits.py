"""Portraits with masks, to train on and to score with: a plain folder, EasyPortrait, or shards.

The plain folder, as the embedded net is trained on:

    DIR/images/<id>.jpg        RGB
    DIR/masks/<id>.png         (H, W) uint8: nine classes, 255 where unsure
    DIR/manifest.jsonl         optional; a row each: id, split, licence, source, ...

Pairs are matched by name. A picture without a mask, or the other way round, is an
error that names it: nothing is dropped in silence.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from ..errors import BadInput, ImageUnreadable, ShapeMismatch
from .easyportrait import EasyPortrait

if TYPE_CHECKING:
    from .shards import ShardFolder


@dataclass(frozen=True, slots=True)
class Portrait:
    """One photograph and its mask.

    Attributes:
        image: (H, W, 3) uint8 RGB.
        mask: (H, W) uint8, 0..8 and 255.
        meta: the manifest's row, empty without one.
        drawn_off: by how many pixels the mask has eyes and lips too far right and down.
    """

    id: str
    image: npt.NDArray[np.uint8]
    mask: npt.NDArray[np.uint8]
    meta: dict[str, Any] = field(default_factory=dict)
    drawn_off: float = 0.0


class PortraitFolder:
    """The portraits of one split, read from disk one at a time.

    Args:
        root: the folder described above.
        split: keep rows whose `split` is this; None keeps all. Needs the manifest.

    Raises:
        BadInput: a folder is missing or empty, or pictures and masks do not pair.
    """

    def __init__(self, root: Path | str, split: str | None = None) -> None:
        self.root = Path(root)
        images = self._names("images", ".jpg")
        masks = self._names("masks", ".png")
        if odd := sorted(images ^ masks):
            raise BadInput(
                f"{self.root}: {len(odd)} names have a picture or a mask but not both: "
                + ", ".join(odd[:5])
            )
        self.rows = self._manifest(images)
        if split is not None:
            self.rows = [row for row in self.rows if row.get("split") == split]
            if not self.rows:
                raise BadInput(f"{self.root}/manifest.jsonl has no row with split {split!r}")

    def _names(self, folder: str, suffix: str) -> set[str]:
        names = {path.stem for path in (self.root / folder).glob(f"*{suffix}")}
        if not names:
            raise BadInput(f"{self.root / folder} holds no {suffix} files")
        return names

    def _manifest(self, names: set[str]) -> list[dict[str, Any]]:
        path = self.root / "manifest.jsonl"
        if not path.exists():
            return [{"id": name} for name in sorted(names)]
        rows = rows_of(path)
        if gone := sorted({row["id"] for row in rows} - names):
            raise BadInput(f"{path} names {len(gone)} pictures that are not there: {gone[:5]}")
        return sorted(rows, key=lambda row: row["id"])

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, i: int) -> Portrait:
        row = self.rows[i]
        image_path = self.root / "images" / f"{row['id']}.jpg"
        mask_path = self.root / "masks" / f"{row['id']}.png"
        image = read(image_path, cv2.IMREAD_COLOR_RGB)
        mask = read(mask_path, cv2.IMREAD_UNCHANGED)
        if mask.ndim != 2 or mask.dtype != np.uint8 or mask.shape != image.shape[:2]:
            raise ShapeMismatch(
                f"{mask_path}: a mask is one uint8 channel of the picture's size "
                f"{image.shape[:2]}, got {mask.shape} {mask.dtype}"
            )
        return Portrait(row["id"], image, mask, row)

    def __iter__(self) -> Iterator[Portrait]:
        return (self[i] for i in range(len(self)))


def rows_of(path: Path) -> list[dict[str, Any]]:
    """A manifest's lines, each a JSON object with an id of its own.

    Raises:
        BadInput: a line is none; the message names the file and the line.
    """
    rows: dict[str, dict[str, Any]] = {}
    for i, line in enumerate(path.read_bytes().splitlines()):
        where = f"{path}, line {i + 1}"
        if not line.strip():
            continue
        try:
            row = json.loads(line.decode())
        except ValueError as error:
            raise BadInput(f"{where} is no JSON: {error}") from error
        except RecursionError as error:
            raise BadInput(f"{where} is no JSON: it is nested too deeply") from error
        if not isinstance(row, dict) or not isinstance(row.get("id"), str):
            raise BadInput(f"{where} is no JSON object with a portrait's name as its id")
        if row["id"] in rows:
            raise BadInput(f"{where}: the portrait {row['id']!r} has a line already")
        rows[row["id"]] = row
    return [*rows.values()]


class EasyPortraitFolder:
    """EasyPortrait, or a view of it, in the shape of a `PortraitFolder`."""

    def __init__(self, dataset: EasyPortrait) -> None:
        self.dataset = dataset
        whence = {"source": dataset.root.resolve().name, "licence": "not stated"}
        self.rows = [{"id": entry.name, **whence, **entry.meta} for entry in dataset.entries]

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, i: int) -> Portrait:
        sample = self.dataset[i]
        return Portrait(sample.name, sample.image, sample.mask, self.rows[i])

    def __iter__(self) -> Iterator[Portrait]:
        return (self[i] for i in range(len(self)))


class SomePortraits:
    """Some portraits of a folder, by their places in it."""

    def __init__(self, folder: "Opened", places: Sequence[int]) -> None:
        self.folder, self.places = folder, places
        self.rows = [folder.rows[i] for i in places]

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, i: int) -> Portrait:
        return self.folder[self.places[i]]

    def __iter__(self) -> Iterator[Portrait]:
        return (self[i] for i in range(len(self)))


Opened: TypeAlias = "PortraitFolder | EasyPortraitFolder | ShardFolder"
Folder: TypeAlias = "Opened | SomePortraits"


def open_folder(root: Path | str, split: str | None = None) -> Opened:
    """The portraits of one split of a plain folder, of EasyPortrait, or of shards, whichever
    it is.

    Args:
        root: a folder with `masks/` is a plain one, one with tars holds shards.
        split: None for all.

    Raises:
        BadInput: it is none of them, or has no such split; as `PortraitFolder`,
            `EasyPortrait` and `ShardFolder`.
    """
    if (Path(root) / "masks").is_dir():
        return PortraitFolder(root, split)
    from .shards import ShardFolder, has_shards

    if has_shards(Path(root)):
        return ShardFolder(root, split)
    dataset = EasyPortrait(root)
    return EasyPortraitFolder(dataset if split is None else dataset.where(split=split))


def read(path: Path, how: int) -> npt.NDArray[np.uint8]:
    """A file of the set, by OpenCV: the fastest way, and enough for JPEG and PNG.

    Raises:
        ImageUnreadable: it is no picture.
    """
    array = cv2.imread(str(path), how)
    if array is None:
        raise ImageUnreadable(f"{path} cannot be read as a picture")
    return np.asarray(array)
