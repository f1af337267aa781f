"""The reference's answers, and the rule by which its parameters were filled for them."""

import json
import zlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

FOLDER = Path(__file__).parent
SEED = 11
SIZES = ((416, 416), (401, 523))
KEYS: dict[str, Any] = json.loads((FOLDER / "keys.json").read_text())
VARIANTS = [(net, variant) for net, about in KEYS.items() for variant in about["variants"]]


@dataclass(frozen=True)
class Answer:
    """What the reference answered at one input size."""

    head_shape: tuple[int, ...]
    head_every_3rd: np.ndarray
    argmax: np.ndarray
    clear: np.ndarray


def classes(variant: str) -> int:
    return {"v1": 9, "v2-fp": 8, "v2-ps": 2}[variant]


def params(net: str, variant: str) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the parameters in the reference's checkpoint."""
    about = KEYS[net]
    changed = about["params"] | about["variants"][variant]["params"]
    return {name: tuple(shape) for name, shape in changed.items()}


def buffers(net: str) -> dict[str, tuple[int, ...]]:
    return {name: tuple(shape) for name, shape in KEYS[net]["buffers"].items()}


@lru_cache(maxsize=320)  # the tensors of one net, which its variants share
def fill(name: str, shape: tuple[int, ...]) -> Tensor:
    rng = np.random.default_rng([SEED, zlib.crc32(name.encode())])
    if len(shape) >= 2:
        spread = (1.0 / int(np.prod(shape[1:]))) ** 0.5
        return torch.from_numpy((rng.standard_normal(shape) * spread).astype(np.float32))
    if name.endswith("bias"):
        return torch.from_numpy((rng.standard_normal(shape) * 0.1).astype(np.float32))
    return torch.from_numpy(rng.uniform(0.6, 1.4, shape).astype(np.float32))


def state_dict(net: str, variant: str) -> dict[str, Tensor]:
    """A checkpoint's tensors by the reference's names."""
    state = {name: fill(name, shape) for name, shape in params(net, variant).items()}
    with np.load(FOLDER / f"{net}.npz") as stored:
        known = {n: stored[n] for n in stored.files if n.startswith("buffer/")}
    for name, shape in buffers(net).items():
        value = known.get(f"buffer/{name}")
        if value is None:  # counters, and auxiliary heads, which no answer depends on
            value = np.ones(shape, np.float32)
        state[name] = torch.from_numpy(value)
    return state


@lru_cache
def wave(height: int, width: int) -> np.ndarray:
    """The input, (1, 3, height, width) float32, already normalised."""
    rng = np.random.default_rng([SEED, height, width])
    y, x = np.arange(height)[:, None] / 64, np.arange(width)[None] / 64
    out = np.zeros((3, height, width))
    for channel in range(3):
        for fy, fx, phase, gain in zip(
            rng.uniform(-6, 6, 24),
            rng.uniform(-6, 6, 24),
            rng.uniform(0, 2 * np.pi, 24),
            rng.uniform(0.1, 0.5, 24),
            strict=True,
        ):
            out[channel] += gain * np.sin(2 * np.pi * (fy * y + fx * x) + phase)
    return out.astype(np.float32)[None]


def answer(net: str, variant: str, height: int, width: int) -> Answer:
    where = f"{KEYS[net]['variants'][variant]['answers']}/{height}x{width}"
    with np.load(FOLDER / f"{net}.npz") as stored:
        clear = np.unpackbits(stored[f"{where}/clear"])[: height * width]
        return Answer(
            tuple(stored[f"{where}/head_shape"].tolist()),
            stored[f"{where}/head_every_3rd"],
            stored[f"{where}/argmax"],
            clear.reshape(height, width).astype(bool),
        )


def enlarged_labels(logits: np.ndarray, truth: Answer) -> np.ndarray:
    """(1, C, h, w) -> (H, W), the best class once the logits are at the input's size."""
    size = truth.argmax.shape
    large = F.interpolate(torch.from_numpy(logits), size, mode="bilinear", align_corners=False)
    return large.argmax(1)[0].numpy()
