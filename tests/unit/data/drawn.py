"""Small datasets that the tests draw for themselves, in every shape they come in."""

import io
import shutil
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image as Pil

from easyportrait.data.layout import Entry, Layout, write_dataset
from easyportrait.data.meta import SPLITS
from tests.conftest import face_mask, painted


class Held:
    """A file that is nowhere but in memory."""

    def __init__(self, data: bytes, name: str = "held") -> None:
        self.data, self.name = data, name

    def __str__(self) -> str:
        return self.name

    def read(self) -> bytes:
        return self.data


def as_file(picture: Pil.Image | np.ndarray, kind: str, **how: Any) -> bytes:
    if isinstance(picture, np.ndarray):
        picture = Pil.fromarray(picture)
    buffer = io.BytesIO()
    picture.save(buffer, kind, **how)
    return buffer.getvalue()


def drawn_entries(per_split: int = 2, **meta: Any) -> list[Entry]:
    """Drawn portraits, some in each split, two of a user, with as much meta as is given."""
    rng = np.random.default_rng(0)
    entries = []
    for i in range(per_split * len(SPLITS)):
        mask = face_mask(60 + 4 * i, 50)
        picture = painted(mask, rng)
        split, name = SPLITS[i // per_split], f"p{i}"
        row = {"name": name, "user": f"u{i // 2}", "split": split, **meta}
        image, file = as_file(picture, "JPEG", quality=90), as_file(mask, "PNG")
        entries.append(Entry(name, split, Held(image, f"{name}.jpg"), Held(file), row))
    return entries


def drawn(root: Path, layout: Layout, form: str, entries: list[Entry] | None = None) -> Path:
    """A dataset in one of the shapes that people have.

    Args:
        form: "archives" as published, "folders" unpacked, "splits" an archive each split,
            "topped" archives with one more folder around their contents, "mixed" pictures
            as folders and masks as an archive.
    """
    entries = drawn_entries(hash="00ff00ff00ff00ff", brightness=120) if entries is None else entries
    write_dataset(entries, root, layout, archives=form in ("archives", "topped"))
    if form == "splits":
        for split in SPLITS:
            with zipfile.ZipFile(root / f"{split}.zip", "w") as archive:
                for path in sorted(root.glob(f"*/{split}/*")):
                    archive.write(path, path.relative_to(root))
        table = next(root.rglob("meta.csv"))
        table.replace(root / "meta.csv")
        shutil.rmtree(root / "images")
        shutil.rmtree(root / "annotations")
    if form == "topped":
        for path in sorted(root.glob("*.zip")):
            rewritten(path, lambda name: f"EasyPortrait/{name}")
    if form == "mixed":
        with zipfile.ZipFile(root / "annotations.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted((root / "annotations").rglob("*.*")):
                archive.write(path, path.relative_to(root / "annotations"))
        shutil.rmtree(root / "annotations")
    return root


FORMS = ("archives", "folders", "splits", "topped", "mixed")


def rewritten(path: Path, rename: Any) -> None:
    """A zip again, with its members renamed; those renamed to "" are left out."""
    with zipfile.ZipFile(path) as archive:
        members = {rename(info.filename): archive.read(info) for info in archive.infolist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            if name:
                archive.writestr(name, data)
