"""From a trained net to the model file that people run; exported means compared.

The file holds the net, a softmax, and the card. Weights lie in it as float16 and are
widened when it is loaded. It is kept only if it answers what the net answers, at sizes
other than the traced one.
"""

import logging
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import onnx
import torch
from torch import Tensor, nn

from ..data.portraits import Folder, open_folder
from ..errors import ExportMismatch, OutputUnwritable
from ..models.card import KEY, Card, TrainingSource
from ..models.export import HALF_TOLERANCE, TOLERANCE
from ..models.onnxfile import narrow
from ..models.parity import noise
from ..models.session import OnnxSession
from ..taxonomy import TASKS
from .fit import build_net
from .recipe import Recipe

log = logging.getLogger(__name__)

TRACED = (128, 160)  # height, width; no size that is compared
OPSET = 18
SPAN = 8.0
"""Between a pixel's logits. Sums are rounded in proportion to their size, so a net whose logits
lie further apart may differ by so much more, but never by more than `LARGEST`. With weights
rounded to float16 the tolerance is what it is: it is promised."""
LARGEST = 0.1


class WithSoftmax(nn.Module):
    """The net as it is shipped: probabilities instead of logits.

    Written out, since ONNX Runtime's Softmax over channels moves them to the end and back:
    a sixth of the whole run, four fifths of which this saves.
    """

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, image: Tensor) -> Tensor:
        return self.softmax(self.net(image))

    @staticmethod
    def softmax(logits: Tensor) -> Tensor:
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
        OutputUnwritable: the folder cannot be made or written.
    """
    shipped = WithSoftmax(net).eval().float().to(memory_format=torch.contiguous_format)
    with beside(path) as part:
        size = (torch.export.Dim.DYNAMIC, torch.export.Dim.DYNAMIC)
        program = torch.onnx.export(
            shipped,
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
        worst = save_if_equal(model, part, shipped, card, TOLERANCE, SPAN)
        if half:
            narrow(model)
            worst = save_if_equal(model, part, shipped, card, HALF_TOLERANCE)
        part.replace(path)
    return worst


@contextmanager
def beside(path: Path) -> Iterator[Path]:
    """Where a file can be tried before it is moved to `path`; gone afterwards."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            yield Path(folder) / path.name
    except OSError as error:
        raise OutputUnwritable(f"{path} cannot be written: {error.strerror or error}") from error


def save_if_equal(
    model: onnx.ModelProto,
    path: Path,
    net: WithSoftmax,
    card: Card,
    tolerance: float,
    usual: float = np.inf,
) -> float:
    """Save a model; its largest difference to the net, which may be the larger the further the
    net's logits lie apart beyond `usual`."""
    onnx.save(model, path)
    worst, span = difference(net, OnnxSession(path), card.multiple)
    tolerance = min(tolerance * max(1.0, span / usual), LARGEST)
    if not worst <= tolerance:
        raise ExportMismatch(
            f"the exported {path.name} answers up to {worst:.2g} away from the net, over "
            f"{tolerance:.2g}, and was not kept"
        )
    return worst


def difference(net: WithSoftmax, session: OnnxSession, multiple: int) -> tuple[float, float]:
    """Largest difference at three sizes that were not traced, of one picture and of two; and
    how far a pixel's logits lie apart at most."""
    worst = span = 0.0
    for x in noise(multiple):
        with torch.inference_mode():
            logits = net.net(torch.from_numpy(x))
            ours = net.softmax(logits).numpy()
        gap = float(np.abs(ours - session.run(x)).max())
        worst = max(worst, gap if np.isfinite(gap) else np.inf)  # max() would pass a NaN over
        span = max(span, float((logits.amax(1) - logits.amin(1)).max()))
    return worst, span


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


def sources_of(folder: Folder) -> tuple[TrainingSource, ...]:
    """Sources and licences of a portraits folder, the largest first, from its manifest."""
    counts = Counter(
        (row.get("source", "unknown"), row.get("licence", "unknown")) for row in folder.rows
    )
    return tuple(
        TrainingSource(name=name, licence=licence, pictures=n)
        for (name, licence), n in counts.most_common()
    )
