"""A net's parameters as .safetensors, with its name and its card: for torch, here or elsewhere."""

import io
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from ..errors import ModelError
from ..image.io import written
from ..models.card import KEY, Card

NET_KEY = "easyportrait.net"


def write_weights(path: Path, net: nn.Module, name: str, card: Card) -> None:
    """A net's parameters under our names, with its name in `NETS` and its card."""
    state = {key: value.contiguous() for key, value in net.state_dict().items()}
    data = safetensors.torch.save(state, {NET_KEY: name, KEY: card.to_json()})
    with written(path) as file:
        file.write(data)


def write_whole(path: Path, state: dict[str, Any]) -> None:
    """Anything that `torch.save` takes, as a file that takes its place whole.

    Raises:
        OutputUnwritable: it cannot be written; what lay there before still does.
    """
    data = io.BytesIO()  # torch's own writer raises a riddle where a disk is full
    torch.save(state, data)
    with written(path) as file:
        file.write(data.getbuffer())


def read_weights(path: Path) -> tuple[str, dict[str, Tensor], Card]:
    """The net's name in `NETS`, its `state_dict` (auxiliary heads may be absent), its card.

    Raises:
        ModelError: the file is none that `write_weights` wrote.
    """
    try:
        with safe_open(path, "pt") as file:
            notes = file.metadata() or {}
        state = safetensors.torch.load_file(path)
    except (SafetensorError, OSError) as error:
        raise ModelError(f"{path} is not a safetensors file: {error}") from error
    if NET_KEY not in notes or KEY not in notes:
        raise ModelError(f"{path} does not say of which net it is")
    return notes[NET_KEY], state, Card.from_json(notes[KEY], str(path))
