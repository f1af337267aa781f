"""From a trained net to the model file that people run; exported means compared.

The file holds the net, a softmax, and the card. Weights lie in it as float16 and are
widened when it is loaded. It is kept only if it answers what the net answers, at sizes
other than the traced one.
"""

import logging
import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from ..data.portraits import Folder, open_folder
from ..errors import ExportMismatch
from ..image.io import written
from ..models.card import KEY, Card, TrainingSource
from ..models.session import OnnxSession
from ..taxonomy import TASKS
from .fit import build_net
from .recipe import Recipe

log = logging.getLogger(__name__)

TRACED = (128, 160)  # height, width; no size that is compared
OPSET = 18
TOLERANCE = 1e-4  # largest difference of a probability, from the order of additions
HALF_TOLERANCE = 1e-2  # the same with weights rounded to float16


class WithSoftmax(nn.Module):
    """The net as it is shipped: probabilities instead of logits.

    Written out, since ONNX Runtime's Softmax over channels moves them to the end and back:
    a sixth of the whole run, four fifths of which this saves.
    """

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, image: Tensor) -> Tensor:
        logits = self.net(image)
        raised = (logits - logits.amax(1, keepdim=True)).exp()
        probs: Tensor = raised / raised.sum(1, keepdim=True)
        return probs


def export(net: nn.Module, card: Card, path: Path, *, half: bool = True) -> float:
    """Write the model file.

    Args:
        net: (N, 3, H, W) float32 -> (N, C, h, w) logits.
        card: goes into the file's metadata.
        path: where to; what lies there stays until the new file has proved itself.
        half: keep weights as float16.

    Returns:
        The largest difference of a probability between the net and the file.

    Raises:
        ExportMismatch: they differ by more than the tolerance; nothing is written.
    """
    net = WithSoftmax(net).eval().float().to(memory_format=torch.contiguous_format)
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        part = Path(folder) / path.name
        size = (torch.export.Dim.DYNAMIC, torch.export.Dim.DYNAMIC)
        program = torch.onnx.export(
            net,
            (torch.zeros(2, 3, *TRACED),),
            dynamo=True,
            opset_version=OPSET,
            input_names=["image"],
            output_names=["probabilities"],
            dynamic_shapes={"image": {0: torch.export.Dim.DYNAMIC, 2: size[0], 3: size[1]}},
            verbose=False,
        )
        model = program.model_proto
        strip(model)
        model.metadata_props.add(key=KEY, value=card.to_json())
        worst = save_if_equal(model, part, net, card, TOLERANCE)
        if half:
            narrow(model)
            worst = save_if_equal(model, part, net, card, HALF_TOLERANCE)
        part.replace(path)
    return worst


def save_if_equal(
    model: onnx.ModelProto, path: Path, net: nn.Module, card: Card, tolerance: float
) -> float:
    onnx.save(model, path)
    worst = difference(net, OnnxSession(path), card.multiple)
    if not worst <= tolerance:
        raise ExportMismatch(
            f"the exported {path.name} answers up to {worst:.2g} away from the net, over "
            f"{tolerance:g}, and was not kept"
        )
    return worst


def difference(net: nn.Module, session: OnnxSession, multiple: int) -> float:
    """Largest difference at three sizes that were not traced, of one picture and of two."""
    rng = np.random.default_rng(0)
    worst = 0.0
    for count, rows, columns in ((1, 4, 8), (2, 8, 8), (1, 12, 7)):
        x = rng.normal(0, 1, (count, 3, rows * multiple, columns * multiple)).astype(np.float32)
        with torch.inference_mode():
            ours = net(torch.from_numpy(x)).numpy()
        gap = float(np.abs(ours - session.run(x)).max())
        worst = max(worst, gap if np.isfinite(gap) else np.inf)  # max() would pass a NaN over
    return worst


def strip(model: onnx.ModelProto) -> None:
    """Take out what the exporter notes of the machine it ran on: paths and stack traces."""
    graph = model.graph
    for part in (
        model,
        graph,
        *graph.node,
        *graph.initializer,
        *graph.value_info,
        *graph.input,
        *graph.output,
    ):
        del part.metadata_props[:]
        part.doc_string = ""


def narrow(model: onnx.ModelProto) -> None:
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


def export_checkpoint(checkpoint: Path, recipe: Recipe, data: Path, path: Path) -> float:
    """Export the averaged weights of a run, with a card made from its recipe and data.

    Args:
        checkpoint: as `fit.train` leaves it.
        data: the portraits folder that was trained on, for its sources and licences.

    Returns and raises as `export`.
    """
    state = torch.load(checkpoint, map_location="cpu", weights_only=False)["state_dict"]
    net = build_net(recipe)
    net.load_state_dict({key.removeprefix("net."): value for key, value in state.items()})
    model = recipe.model
    card = Card(
        name=recipe.file_name,
        version=model.version,
        task=recipe.task,
        classes=TASKS[recipe.task].names,
        mean=recipe.input.mean,
        std=recipe.input.std,
        multiple=model.multiple,
        frame_side=model.frame_side,
        face_side=model.face_side,
        licence=model.licence,
        sources=sources_of(open_folder(data, "train")),
        recipe=recipe.to_json(),
        scores={},
        limits=model.limits,
    )
    return export(net, card, path)


def rewrite_card(path: Path, **changes: Any) -> None:
    """Change fields of a model file's card: its scores, once they are measured."""
    model = onnx.load(path)
    note = next(p for p in model.metadata_props if p.key == KEY)
    note.value = replace(Card.from_json(note.value, str(path)), **changes).to_json()
    with written(path) as file:
        file.write(model.SerializeToString())


def sources_of(folder: Folder) -> tuple[TrainingSource, ...]:
    """Sources and licences of a portraits folder, the largest first, from its manifest."""
    counts = Counter(
        (row.get("source", "unknown"), row.get("licence", "unknown")) for row in folder.rows
    )
    return tuple(
        TrainingSource(name=name, licence=licence, pictures=n)
        for (name, licence), n in counts.most_common()
    )
