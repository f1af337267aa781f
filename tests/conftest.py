"""Pictures, portraits and fake nets that the tests make for themselves."""

import json
import os
from pathlib import Path

# before NumPy and torch are loaded: their threads wait for each other on busy machines
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import cv2
import numpy as np
import pytest

from easyportrait.models.parser import Parser
from easyportrait.models.session import FakeSession, fake_card
from easyportrait.taxonomy import CLASSES

BLOCK = 8  # the fake net answers on a grid this many pixels coarse


def one_hot(labels: np.ndarray, sure: float = 1.0) -> np.ndarray:
    """(h, w) labels -> (9, h, w) float32 probabilities."""
    rest = (1 - sure) / 8
    probs = np.full((9, *labels.shape), rest, np.float32)
    np.put_along_axis(probs, labels[None].astype(int), np.float32(sure), 0)
    return probs


def by_colour(batch: np.ndarray) -> np.ndarray:
    """A net that reads the palette: each cell is the class whose colour it is nearest to."""
    small = batch[:, :, BLOCK // 2 :: BLOCK, BLOCK // 2 :: BLOCK]
    palette = CLASSES.palette[:9].astype(np.float32)
    far = ((small[:, None] - palette[None, :, :, None, None]) ** 2).sum(2)
    return np.stack([one_hot(labels) for labels in far.argmin(1)])


@pytest.fixture
def colour_parser() -> Parser:
    """A parser whose fake net knows classes by their palette colours."""
    return Parser(FakeSession(by_colour, fake_card(frame_side=256, face_side=512)))


def face_mask(height: int = 160, width: int = 160) -> np.ndarray:
    """A drawn person of nine classes, upright, in the middle."""
    mask = np.zeros((height, width), np.uint8)
    x, y, s = width // 2, height // 2, min(height, width) / 160

    def oval(index: int, dx: float, dy: float, rx: float, ry: float) -> None:
        centre = round(x + dx * s), round(y + dy * s)
        cv2.ellipse(mask, centre, (round(rx * s), round(ry * s)), 0, 0, 360, index, -1)

    oval(1, 0, 70, 62, 40)
    oval(1, 0, -8, 40, 50)
    oval(2, 0, 0, 30, 40)
    for side, brow, eye in ((-1, 3, 5), (1, 4, 6)):
        oval(brow, side * 13, -18, 9, 3)
        oval(eye, side * 13, -8, 7, 4)
    oval(7, 0, 20, 13, 7)
    oval(8, 0, 20, 8, 3)
    return mask


@pytest.fixture
def face() -> np.ndarray:
    return face_mask()


def painted(mask: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A picture that looks a little like its mask: plausible colours, light and noise."""
    colours = np.array(
        [[60, 90, 120], [50, 40, 45], [200, 160, 140], [70, 50, 45], [70, 50, 45],
         [230, 230, 235], [230, 230, 235], [180, 80, 90], [245, 240, 225]], np.float32,
    )  # fmt: skip
    picture = colours[np.where(mask == 255, 0, mask)] * rng.uniform(0.8, 1.1)
    return np.clip(picture + rng.normal(0, 6, picture.shape), 0, 255).astype(np.uint8)


@pytest.fixture(scope="session")
def portraits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of the shape of the portraits, with eight drawn ones: six to train on."""
    root = tmp_path_factory.mktemp("portraits")
    (root / "images").mkdir()
    (root / "masks").mkdir()
    rng = np.random.default_rng(0)
    rows = []
    for i in range(8):
        mask = face_mask(160, 140 + 8 * i)
        mask[:6, :6] = 255
        name = f"p{i}"
        picture = painted(mask, rng)[..., ::-1]
        cv2.imwrite(str(root / "images" / f"{name}.jpg"), picture)
        cv2.imwrite(str(root / "masks" / f"{name}.png"), mask)
        rows.append(
            {
                "id": name,
                "split": "train" if i < 6 else "val",
                "source": f"source-{i % 2}",
                "licence": "CC0-1.0",
                "face_height": 80.0,
                "agreement": 0.95 if i else 0.5,
                "unsure": 0.01,
            }
        )
    (root / "manifest.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    return root
