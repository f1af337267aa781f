"""The one seam: a net is a function from array to array, with a card.

`OnnxSession` and `OpenVinoSession` run a model file; nobody else runs onnxruntime or
openvino. `FakeSession` runs a Python function instead; everything downstream can be
tested with it.
"""

import importlib.util
import os
import sys
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue
from threading import Lock
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from ..errors import BadInput, MissingExtra, ModelError
from .card import KEY, Card

Float = npt.NDArray[np.float32]

NO_CARD = (
    "{} is a model without a card, so what its outputs mean is not known. "
    "Models written by `easyportrait train` carry one."
)


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
            raise ModelError(NO_CARD.format(path))
        self.card = Card.from_json(notes[KEY], str(path))
        self._input = self._session.get_inputs()[0].name

    def run(self, batch: Float) -> Float:
        answer: Float = self._session.run(None, {self._input: batch})[0]
        return answer


class OpenVinoSession:
    """The same model file in OpenVINO, on the CPU. Answers as `OnnxSession` does.

    Args:
        path, threads: as for `OnnxSession`.

    Raises:
        MissingExtra: openvino is not installed.
        ModelError: as `OnnxSession`.
    """

    def __init__(self, path: Path, *, threads: int | None = None) -> None:
        core = load_openvino().Core()
        threads = min(threads or cores(), cores())
        at_once = cores() // threads
        how = {
            "NUM_STREAMS": at_once,
            "INFERENCE_NUM_THREADS": at_once * threads,
            # bfloat16, its choice where a processor has it, gives one pixel in 100 another class
            "INFERENCE_PRECISION_HINT": "f32",
            "ENABLE_CPU_PINNING": False,  # two processes would sit on the same cores
        }
        try:
            model = core.read_model(str(path))
            net = core.compile_model(model, "CPU", how)
        except Exception as error:  # all of OpenVINO's are RuntimeError, of a page each
            reason = str(error).strip().splitlines()[-1]
            raise ModelError(f"{path} cannot be loaded as a model: {reason}") from error
        note = ["framework", KEY]
        if not model.has_rt_info(note):
            raise ModelError(NO_CARD.format(path))
        self.card = Card.from_json(str(model.get_rt_info(note).astype(str)), str(path))
        # a request serves one caller at a time; who finds none waits
        self._idle: SimpleQueue[Any] = SimpleQueue()
        for _ in range(at_once):
            self._idle.put(net.create_infer_request())
        with LOADING:  # two threads that make OpenVINO's first tensor wait for each other for ever
            # not at the least side, where a transformer's last map is one cell: what OpenVINO then
            # keeps for other sizes makes their answers wrong
            side = WARM * self.card.multiple
            self.run(np.zeros((1, 3, side, side), np.float32))

    def run(self, batch: Float) -> Float:
        request = self._idle.get()
        try:
            answer: Float = request.infer([batch], share_inputs=True)[0]
            return answer
        finally:
            self._idle.put(request)


# By the names that `load` and --runtime know
RUNTIMES: dict[str, type[OnnxSession] | type[OpenVinoSession]] = {
    "onnx": OnnxSession,
    "openvino": OpenVinoSession,
}


def open_session(
    path: Path, *, threads: int | None = None, runtime: str = "onnx"
) -> OnnxSession | OpenVinoSession:
    """A session for a model file in a runtime, a key of `RUNTIMES`.

    Raises:
        BadInput: there is no such runtime.
        MissingExtra, ModelError: as the session.
    """
    if runtime not in RUNTIMES:
        raise BadInput(f"there is no runtime {runtime!r}; runtimes: {', '.join(RUNTIMES)}")
    return RUNTIMES[runtime](path, threads=threads)


LOADING = Lock()
WARM = 3  # times a net's multiple, of the side of what OpenVINO is asked first


def load_openvino() -> Any:
    """The library, kept from reporting to its makers that it was imported.

    It does so through a package of its own, and does without where that is not installed.

    Raises:
        MissingExtra: it is not installed.
    """
    if not has_openvino():
        raise MissingExtra("openvino", "openvino")
    reporter = "openvino_telemetry"
    with LOADING:
        if "openvino" in sys.modules:
            return sys.modules["openvino"]
        known = sys.modules.get(reporter)
        sys.modules[reporter] = None  # type: ignore[assignment]
        try:
            import openvino
        finally:
            del sys.modules[reporter]
            if known is not None:
                sys.modules[reporter] = known
        return openvino


def has_openvino() -> bool:
    return importlib.util.find_spec("openvino") is not None


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
