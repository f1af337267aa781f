"""What a trainer does at the end of so many steps."""

from pathlib import Path

import torch

from easyportrait.train.weights import write_whole

SIZE = 9_999  # numbers


def save(path: str, value: str) -> None:
    write_whole(Path(path), {"weight": torch.full((SIZE,), float(value))})
