"""Model files made without training: a net that knows classes by their palette colours."""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from easyportrait.models.card import KEY, Card
from easyportrait.models.session import fake_card
from easyportrait.taxonomy import CLASSES

CARD = fake_card(frame_side=128, face_side=128)


def colour_model(
    path: Path, *, card: Card | None = CARD, outlier: float = 0.0, layers: int = 5
) -> Path:
    """Write a net of 1 x 1 convolutions that hand on the picture, and one that names colours.

    Args:
        outlier: how much brighter than the picture a channel is that nothing comes of.
        layers: that hand on; of them int8 leaves the first three as they are.
    """
    identity = np.eye(4, dtype=np.float32)
    identity[3] = [outlier / 3] * 3 + [0]
    palette = CLASSES.palette[:9].astype(np.float32)
    # the logit of a class: how near the picture is to its colour, sharply
    last = np.concatenate([2 * palette, np.zeros((9, 1), np.float32)], 1) / 400
    weights = {f"w{i}": identity.copy() for i in range(layers)} | {"wlast": last}
    weights["w0"] = identity[:, :3].copy()
    stored = [numpy_helper.from_array(w[..., None, None], name) for name, w in weights.items()]
    stored.append(numpy_helper.from_array(-(palette**2).sum(1) / 400, "blast"))
    nodes, at = [], "image"
    for i in range(layers):
        nodes.append(helper.make_node("Conv", [at, f"w{i}"], [f"c{i}"], f"conv{i}"))
        nodes.append(helper.make_node("Relu", [f"c{i}"], [f"r{i}"], f"relu{i}"))
        at = f"r{i}"
    nodes.append(helper.make_node("Conv", [at, "wlast", "blast"], ["logits"], "head"))
    nodes.append(helper.make_node("Softmax", ["logits"], ["probabilities"], "softmax", axis=1))
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", channels, "h", "w"])
        for name, channels in (("image", 3), ("probabilities", 9))
    ]
    graph = helper.make_graph(nodes, "colours", ends[:1], ends[1:], stored)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    if card is not None:
        model.metadata_props.add(key=KEY, value=card.to_json())
    onnx.checker.check_model(model)
    onnx.save(model, path)
    return path
