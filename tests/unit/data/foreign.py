"""Small datasets of foreign formats, drawn by the tests."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from easyportrait.data.convert import convert
from easyportrait.data.convert.celebamask import PARTS, VALUES
from easyportrait.data.convert.samples import How, Notes
from easyportrait.data.layout import V1, Entry, write_dataset
from easyportrait.image.io import encode, read_mask
from easyportrait.taxonomy import CLASSES
from tests.conftest import face_mask, painted
from tests.unit.data.drawn import Held, as_file, drawn_entries


def hard_masks() -> list[np.ndarray]:
    """Six masks: faces with holes and unknown pixels, noise, one class only, nothing known."""
    rng = np.random.default_rng(0)
    face = face_mask(60, 50)
    face[26:29, 20:22] = face[26:29, 28:31] = 1  # nostrils: holes in the skin, side by side
    face[:5, :7] = 255
    noise = rng.choice([*range(9), 255], (24, 31)).astype(np.uint8)
    coarse = np.kron(rng.integers(0, 9, (7, 6)), np.ones((5, 4), int)).astype(np.uint8)
    single = np.zeros((12, 10), np.uint8)
    single[5, 4] = 8
    return [face, noise, coarse, single, np.full((9, 8), 255, np.uint8), face_mask(33, 47)]


def source_entries() -> list[Entry]:
    """A dataset of the `hard_masks`, two in each split."""
    rng = np.random.default_rng(0)
    entries = []
    for old, mask in zip(drawn_entries(brightness=99), hard_masks(), strict=True):
        image = as_file(painted(mask, rng), "JPEG", quality=90)
        mask_file = Held(encode(mask, ".png"))
        entries.append(Entry(old.name, old.split, Held(image), mask_file, old.meta))
    return entries


def source(root: Path) -> Path:
    """The same on disk, as v1 in folders."""
    write_dataset(source_entries(), root, V1, archives=False)
    return root


def there(root: Path, kind: str, out: Path, how: How | None = None) -> tuple[Path, Notes]:
    """A foreign set as EasyPortrait v1 in folders."""
    notes = Notes()
    how = replace(how or How(), archives=False)
    convert(root, out, kind, "easyportrait-v1", how, notes=notes)
    return out, notes


def mask_of(root: Path, name: str, split: str = "train") -> np.ndarray:
    return read_mask(root / "annotations" / split / f"{name}.png")


def put(path: Path, array: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(as_file(array, "JPEG" if path.suffix == ".jpg" else "PNG"))


# -- CelebAMask-HQ -------------------------------------------------------------------------

# What a nine-class face is in CelebAMask-HQ, whose l_ is the subject's left, our right
AS_CELEBA = {
    1: "hair", 2: "skin", 3: "r_brow", 4: "l_brow", 5: "r_eye", 6: "l_eye", 7: "u_lip", 8: "mouth",
}  # fmt: skip


def celeba_index(mask: np.ndarray) -> np.ndarray:
    table = np.zeros(9, np.uint8)
    for ours, part in AS_CELEBA.items():
        table[ours] = VALUES.index(part)
    return table[mask]


def celebamask(
    root: Path,
    mask: np.ndarray,
    number: int = 7,
    rename: Callable[[str], str] = lambda part: part,
    enlarge: int = 2,
) -> None:
    """One picture with its part masks of half its size, as published: white in RGB."""
    height, width = mask.shape
    put(
        root / f"CelebA-HQ-img/{number}.jpg", np.zeros((height * enlarge, width * enlarge, 3), "u1")
    )
    index = celeba_index(mask)
    for part in PARTS:
        there = index == VALUES.index(part)
        if there.any():
            name = f"{number:05d}_{rename(part)}.png"
            white = there.astype(np.uint8)[..., None].repeat(3, 2) * 255
            put(root / f"CelebAMask-HQ-mask-anno/{number // 2000}/{name}", white)


def other_side(part: str) -> str:
    side, _, rest = part.partition("_")
    return f"{'r' if side == 'l' else 'l'}_{rest}" if part[1] == "_" and rest != "lip" else part


def colour_masks(root: Path, mask: np.ndarray, name: str = "a") -> Path:
    """One picture with a mask in EasyPortrait's palette, and the table of it."""
    put(root / f"images/{name}.jpg", np.zeros((*mask.shape, 3), np.uint8))
    put(root / f"masks/{name}.png", CLASSES.colour(mask))
    lines = [
        f'"{label.rgb[0]}, {label.rgb[1]}, {label.rgb[2]}" = "{label.name}"'
        for label in CLASSES.labels
    ]
    (root / "colours.toml").write_text("\n".join(lines))
    return root / "colours.toml"
