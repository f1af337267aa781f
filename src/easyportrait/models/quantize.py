"""int8 after training: weights by channel, activations by the ranges that pictures show.

Needs the extra `export`. Beside session.py the only importer of onnxruntime.
"""

import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt
from onnx import ModelProto, NodeProto
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_static,
)

from .parser import Parser
from .session import Float, Session

WEIGHED = ("Conv", "ConvTranspose", "Gemm", "MatMul")
ENTRANCE = 3  # layers; a depthwise one near the picture has channels of very unlike ranges
CLIPPING = ("Clip", "Relu")  # cost nothing where the step after them ends at the same values


class Recorder:
    """A session that keeps what it was asked."""

    def __init__(self, session: Session) -> None:
        self.card = session.card
        self.asked: list[Float] = []
        self._session = session

    def run(self, batch: Float) -> Float:
        self.asked.append(batch)
        return self._session.run(batch)


def shown(session: Session, images: Iterable[npt.NDArray[np.uint8]]) -> list[Float]:
    """What the net gets to see when pictures are parsed: whole frames and faces from near."""
    recorder = Recorder(session)
    parser = Parser(recorder)
    for image in images:
        parser.parse(image)
    return recorder.asked


class Reader(CalibrationDataReader):  # type: ignore[misc]
    def __init__(self, name: str, batches: Sequence[Float]) -> None:
        self._inputs = iter([{name: batch} for batch in batches])

    def get_next(self) -> dict[str, Float] | None:
        return next(self._inputs, None)


def quantise(model: ModelProto, path: Path, batches: Sequence[Float]) -> None:
    """Write a model of float32 weights as one of int8.

    Weights keep seven bits, since without VNNI instructions the sums of two products of eight
    overflow, and a file is run on any processor. The net's entrance and its last layer stay
    float32, and so do softmax, resizing, and products of two activations.

    Args:
        batches: as the net sees them; their ranges become those of the activations.
    """
    with quiet():
        quantize_static(
            model,
            str(path),
            Reader(model.graph.input[0].name, batches),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            reduce_range=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            op_types_to_quantize=[*WEIGHED, *CLIPPING],
            nodes_to_exclude=spared(model),
            extra_options={"CalibMovingAverage": True},  # one odd picture widens no range
        )


def spared(model: ModelProto) -> list[str]:
    """Names of the nodes that stay float32, though of a kind that is made int8."""
    stored = {weight.name for weight in model.graph.initializer}
    nodes: list[NodeProto] = [node for node in model.graph.node if node.op_type in WEIGHED]
    weighed = [node for node in nodes if stored & set(node.input)]
    return [node.name for node in nodes if node not in weighed[ENTRANCE:-1]]


@contextmanager
def quiet() -> Iterator[None]:
    """It recommends a preparation that these files have had, through the root logger."""
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)
    try:
        yield
    finally:
        root.setLevel(level)
