"""What lies in a model file: its card, and its weights at one precision or another.

Needs the extra `export`; running a model does not.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import ModelProto, TensorProto, helper, numpy_helper

from ..errors import ModelError
from ..image.io import written
from .card import KEY, Card


def read_model(path: Path) -> ModelProto:
    """Raises:
    ModelError: the file is no model.
    """
    try:
        return onnx.load(path)
    except Exception as error:  # protobuf's own classes differ between versions
        raise ModelError(f"{path} cannot be loaded as a model: {error}") from error


def change_card(model: ModelProto, where: str, **changes: Any) -> None:
    """Change fields of a model's card."""
    note = next(p for p in model.metadata_props if p.key == KEY)
    note.value = replace(Card.from_json(note.value, where), **changes).to_json()


def rewrite_card(path: Path, **changes: Any) -> None:
    """Change fields of a model file's card: its scores, once they are measured."""
    model = read_model(path)
    change_card(model, str(path), **changes)
    with written(path) as file:
        file.write(model.SerializeToString())


def precision(model: ModelProto) -> str:
    """int8, float16 or float32: how its weights are stored."""
    if any(node.op_type == "QuantizeLinear" for node in model.graph.node):
        return "int8"
    is_half = any(w.data_type == TensorProto.FLOAT16 for w in model.graph.initializer)
    return "float16" if is_half else "float32"


def narrow(model: ModelProto) -> None:
    """Store float32 weights as float16, each widened again by a Cast that runtimes fold."""
    graph, casts = model.graph, []
    for weight in graph.initializer:
        if weight.data_type != TensorProto.FLOAT or np.prod(weight.dims) < 64:
            continue
        wide, half = weight.name, f"{weight.name}.half"
        values = numpy_helper.to_array(weight).astype(np.float16)
        weight.CopyFrom(numpy_helper.from_array(values, half))
        casts.append(helper.make_node("Cast", [half], [wide], to=TensorProto.FLOAT))
    nodes = list(graph.node)
    del graph.node[:]
    graph.node.extend(casts + nodes)
    stated = {wide.output[0] for wide in casts}
    kept = [info for info in graph.value_info if info.name not in stated]
    del graph.value_info[:]
    graph.value_info.extend(kept)


def widen(model: ModelProto) -> None:
    """Undo `narrow`: every Cast of a stored value to float32 becomes what it makes."""
    graph = model.graph
    stored = {weight.name: weight for weight in graph.initializer}
    casts = {
        node.output[0]: node.input[0]
        for node in graph.node
        if node.op_type == "Cast"
        and node.input[0] in stored
        and helper.get_node_attr_value(node, "to") == TensorProto.FLOAT
    }
    nodes = [node for node in graph.node if node.output[0] not in casts]
    used = {name for node in nodes for name in node.input}
    kept = [weight for name, weight in stored.items() if name in used]
    made = [
        numpy_helper.from_array(numpy_helper.to_array(stored[half]).astype(np.float32), wide)
        for wide, half in casts.items()
    ]
    del graph.node[:], graph.initializer[:]
    graph.node.extend(nodes)
    graph.initializer.extend([*kept, *made])
