"""A sound dataset, and every fault that `verify` knows, planted in it one at a time."""

import csv
import io
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image as Pil

from easyportrait.data.layout import V1, Entry, write_dataset
from easyportrait.data.meta import SPLITS, completed
from easyportrait.image.io import encode, read_image, read_mask
from easyportrait.taxonomy import CLASSES
from tests.conftest import face_mask, painted
from tests.unit.data.drawn import Held, as_file


def scene(i: int) -> tuple[np.ndarray, np.ndarray]:
    """(picture, mask) of a drawn person before a background like no other's."""
    rng = np.random.default_rng(i)
    mask = face_mask(160 + 4 * i, 150)
    wall = cv2.resize(
        rng.integers(0, 256, (5, 5, 3), dtype=np.uint8),
        mask.shape[::-1],
        interpolation=cv2.INTER_CUBIC,
    )
    return np.where((mask == 0)[..., None], wall, painted(mask, rng)), mask


def entry(i: int, split: str, name: str = "", user: str = "") -> Entry:
    picture, mask = scene(i)
    file = Held(as_file(picture, "JPEG", quality=90))
    row = completed({"name": name or f"p{i}", "user": user or f"u{i}", "split": split}, file)
    return Entry(row["name"], split, file, Held(as_file(mask, "PNG")), row)


def sound(root: Path) -> Path:
    """Two pictures a split, in folders, with a full table."""
    entries = [entry(i, split) for i, split in enumerate(s for s in SPLITS for _ in range(2))]
    write_dataset(entries, root, V1, archives=False)
    return root


# -- what the faults are made with ---------------------------------------------------------

Fault = Callable[[Path], None]
P0 = "train/p0"


def masked(change: Callable[[np.ndarray], np.ndarray | None]) -> Fault:
    """The first mask, edited in place or replaced."""

    def plant(root: Path) -> None:
        path = root / f"annotations/{P0}.png"
        mask = read_mask(path).copy()
        changed = change(mask)
        path.write_bytes(encode(mask if changed is None else changed, ".png"))

    return plant


def in_row(name: str, **cells: Any) -> Fault:
    """Cells of a row of the table."""

    def plant(root: Path) -> None:
        rewrite(root, lambda rows: [r | cells if r["attachment_id"] == name else r for r in rows])

    return plant


def rewrite(root: Path, change: Callable[[list[dict[str, Any]]], list[dict[str, Any]]]) -> None:
    path = root / "annotations/meta.csv"
    rows = change(list(csv.DictReader(io.StringIO(path.read_text()))))
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, [*rows[0]])
        writer.writeheader()
        writer.writerows(rows)


def add(root: Path, new: Entry) -> None:
    """One more picture, with its row unless there is one of its name."""
    (root / f"images/{new.split}/{new.name}.jpg").write_bytes(new.image_file.read())
    (root / f"annotations/{new.split}/{new.name}.png").write_bytes(new.mask_file.read())
    meta = {column: str(new.meta[field]) for column, field in V1.table.columns.items()}
    flags = {column: str(split == new.split) for column, split in V1.table.flags.items()}

    def with_new(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return rows if any(r["attachment_id"] == new.name for r in rows) else [*rows, meta | flags]

    rewrite(root, with_new)


def again(split: str) -> Fault:
    """The first picture once more, in another size and quality, by someone else."""

    def plant(root: Path) -> None:
        picture, mask = scene(0)
        size = 300, 320
        image = cv2.resize(picture, size, interpolation=cv2.INTER_CUBIC)
        file = Held(as_file(image, "JPEG", quality=70))
        row = completed({"name": "copy", "user": "u9", "split": split}, file)
        small = cv2.resize(mask, size, interpolation=cv2.INTER_NEAREST)
        add(root, Entry("copy", split, file, Held(as_file(small, "PNG")), row))

    return plant


def moved(root: Path) -> None:
    for kind, suffix in (("images", "jpg"), ("annotations", "png")):
        (root / f"{kind}/{P0}.{suffix}").rename(root / f"{kind}/val/p0.{suffix}")


def removed(*paths: str) -> Fault:
    def plant(root: Path) -> None:
        for path in paths:
            (root / path).unlink()

    return plant


def written(path: str, data: bytes) -> Fault:
    def plant(root: Path) -> None:
        (root / path).write_bytes(data)

    return plant


def cut(path: str) -> Fault:
    def plant(root: Path) -> None:
        data = (root / path).read_bytes()
        (root / path).write_bytes(data[: len(data) // 2])

    return plant


def other_picture(root: Path) -> None:
    """Turned upside down: as bright and as large, and not the same."""
    path = root / f"images/{P0}.jpg"
    path.write_bytes(encode(np.ascontiguousarray(read_image(path)[::-1]), ".jpg"))


def coloured(root: Path) -> None:
    path = root / f"annotations/{P0}.png"
    Pil.fromarray(CLASSES.colour(read_mask(path))).save(path)


def spotted(value: int, side: int, corner: tuple[int, int]) -> Fault:
    """A square of a value in the first mask, its corner at (row, column)."""

    def change(mask: np.ndarray) -> None:
        mask[corner[0] : corner[0] + side, corner[1] : corner[1] + side] = value

    return masked(change)


CHEEK, WALL, CHEST = (90, 60), (4, 4), (130, 60)

# Each kind of finding, and faults that give one finding of it and no other
FAULTS: dict[str, list[Fault]] = {
    "unpaired": [removed(f"annotations/{P0}.png"), removed(f"images/{P0}.jpg")],
    "half-split": [lambda root: shutil.rmtree(root / "annotations/test")],
    "stray": [written("images/train/p0.txt", b"a note"), written("images/p9.jpg", b"")],
    "name-in-two-splits": [lambda root: add(root, entry(9, "val", name="p0", user="u0"))],
    "unreadable": [
        cut(f"images/{P0}.jpg"),
        cut(f"annotations/{P0}.png"),
        written(f"images/{P0}.jpg", b""),
        written(f"annotations/{P0}.png", as_file(scene(0)[1], "JPEG")),
    ],
    "table-unreadable": [in_row("p0", width="wide")],
    "no-row": [lambda root: rewrite(root, lambda rows: rows[1:])],
    "no-picture": [removed(f"images/{P0}.jpg", f"annotations/{P0}.png")],
    "split-differs": [moved],
    "user-in-two-splits": [in_row("p2", user_id="u0")],
    "size-in-table": [in_row("p0", width=151), in_row("p0", width=160, height=150)],
    "brightness-in-table": [in_row("p0", brightness=20)],
    "hash-in-table": [in_row("p0", data_hash="0123456789abcdef"), other_picture],
    "hash-of-other-kind": [in_row("p0", data_hash="0123456789abcdef" * 2)],
    "duplicate-across-splits": [again("val")],
    "duplicate": [again("train")],
    "mask-mode": [
        coloured,
        written(f"annotations/{P0}.png", as_file(np.zeros((160, 150), np.uint16), "PNG")),
    ],
    "size": [masked(lambda mask: mask[1:]), masked(lambda mask: np.rot90(mask))],
    "values": [spotted(9, 3, CHEEK), spotted(255, 3, WALL)],
    "empty": [masked(np.zeros_like)],
    "one-class": [masked(np.ones_like)],
    "sides": [
        masked(lambda mask: CLASSES.mirror_table[mask]),
        masked(lambda mask: mask[:, ::-1]),
        masked(lambda mask: np.where((mask == 3) | (mask == 4), CLASSES.mirror_table[mask], mask)),
    ],
    "specks": [spotted(8, 2, CHEEK), spotted(1, 2, WALL)],
    "holes": [spotted(0, 5, CHEEK), spotted(0, 25, CHEST)],
}
