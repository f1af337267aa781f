"""The one seam: a net is a function from array to array, with a card.

`OnnxSession` runs a model file and is the only importer of onnxruntime. `FakeSession`
runs a Python function instead; everything downstream can be tested with it.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from ..errors import ModelError
from .card import KEY, Card

Float = npt.NDArray[np.float32]


class Session(Protocol):
    """What the rest of the package knows of a net."""

    @property
    def card(self) -> Card: ...

    def run(self, batch: Float) -> Float:
        """(N, 3, H, W) float32, normalised -> (N, C, h, w) float32 probabilities.

        h and w divide H and W; probabilities sum to 1 over C.
        """
        ...


class OnnxSession:
    """A model file in ONNX Runtime, on the CPU.

    Args:
        path: an .onnx file with a card.
        threads: how many cores one run may use; None lets all.

    Raises:
        ModelError: the file cannot be loaded, or has no card.
    """

    def __init__(self, path: Path, *, threads: int | None = None) -> None:
        import onnxruntime as ort

        options = ort.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = threads or cores()
        try:
            self._session: Any = ort.InferenceSession(
                str(path), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # onnxruntime's own classes differ between versions
            reason = str(error).splitlines()[0]
            raise ModelError(f"{path} cannot be loaded as a model: {reason}") from error
        notes = self._session.get_modelmeta().custom_metadata_map
        if KEY not in notes:
            raise ModelError(
                f"{path} is a model without a card, so what its outputs mean is not known. "
                "Models written by `easyportrait train` carry one."
            )
        self.card = Card.from_json(notes[KEY], str(path))
        self._input = self._session.get_inputs()[0].name

    def run(self, batch: Float) -> Float:
        answer: Float = self._session.run(None, {self._input: batch})[0]
        return answer


class FakeSession:
    """A Python function in a net's place.

    Args:
        function: (N, 3, H, W) float32 in 0..255 RGB -> (N, C, h, w) float32, summing to 1
            over C. It sees plain pixel values: the card's mean is 0 and its std 1.
        card: `fake_card()` unless given.

    >>> session = FakeSession(lambda x: np.ones((len(x), 9, 8, 8), np.float32) / 9)
    >>> session.run(np.zeros((1, 3, 16, 16), np.float32)).shape
    (1, 9, 8, 8)
    """

    def __init__(self, function: Callable[[Float], Float], card: Card | None = None) -> None:
        self.card = card or fake_card()
        self._function = function

    def run(self, batch: Float) -> Float:
        return self._function(batch)


def fake_card(task: str = "joint", *, frame_side: int = 64, face_side: int = 64) -> Card:
    """A card for `FakeSession`."""
    from ..taxonomy import TASKS

    return Card(
        name="fake",
        version="0",
        task=task,
        classes=TASKS[task].names,
        mean=(0.0, 0.0, 0.0),
        std=(1.0, 1.0, 1.0),
        multiple=8,
        frame_side=frame_side,
        face_side=face_side,
        licence="none",
        sources=(),
        recipe="",
        scores={},
        limits=("not a net",),
    )


def cores() -> int:
    """How many cores this process may use: fewer than the machine's inside containers."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
