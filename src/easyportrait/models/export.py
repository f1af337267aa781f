"""A model file from a model file: its weights at another precision, its card with it.

Needs the extra `export`. Exported means compared: what was written answers what the source
answers, at three sizes, in every runtime that is installed, or it is not kept.
"""

import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import onnx

from ..errors import BadInput, ExportMismatch
from ..image.io import written
from .onnxfile import narrow, precision, read_model, widen
from .parity import Gap, gap, noise
from .session import RUNTIMES, Float, Session, has_openvino, open_session

TOLERANCE = 1e-4  # largest difference of a probability, from the order of additions
HALF_TOLERANCE = 1e-2  # the same with weights rounded to float16
SAME = 0.95  # of int8, least share of pixels of the same class; what holds its score has 0.99


def export_model(source: Path, target: Path, *, half: bool | None = None) -> dict[str, Gap]:
    """Copy a model file, or write it with weights of another precision.

    Args:
        source: an .onnx file with a card.
        target: where to; what lies there stays until the new file has proved itself.
        half: weights as float16 or, if False, float32; None: as they are.

    Returns:
        By runtime, how far the file's answers are from the source's.

    Raises:
        BadInput: the source is int8, and another precision is wanted; target is no .onnx.
        ModelError: the source cannot be loaded, or has no card.
        ExportMismatch: the answers differ by more than the precision explains.
        OutputUnwritable: as `written`.
    """
    check_names(source, target)
    before = open_session(source)
    model = read_model(source)
    was = precision(model)
    if half is not None and was == "int8":
        raise BadInput(f"{source} is int8 already; export from the model that it was made of")
    if half is False:
        widen(model)
    elif half:
        narrow(model)
    with tried(target) as part:
        onnx.save(model, part)
        gaps = compared(before, part, noise(before.card.multiple))
        if was == "int8":
            check_same(gaps, target, source)
        else:
            is_rounded = half and was != "float16"
            check_near(gaps, target, source, HALF_TOLERANCE if is_rounded else TOLERANCE)
    return gaps


def check_names(source: Path, target: Path) -> None:
    for path in (source, target):
        if path.suffix != ".onnx":
            raise BadInput(
                f"{path} is not named as a model file, *.onnx. `train` leaves one when it is "
                "done, and `models import` makes one of a checkpoint"
            )


def compared(before: Session, path: Path, batches: Iterable[Float]) -> dict[str, Gap]:
    """By runtime that is installed, how far a file's answers are from another's."""
    batches = list(batches)
    runtimes = [name for name in RUNTIMES if name != "openvino" or has_openvino()]
    return {name: gap(before, open_session(path, runtime=name), batches) for name in runtimes}


def check_near(gaps: Mapping[str, Gap], target: Path, source: Path, tolerance: float) -> None:
    for runtime, found in gaps.items():
        if not found.worst <= tolerance:
            raise ExportMismatch(
                f"in {runtime} {target.name} answers up to {found.worst:.2g} away from "
                f"{source.name}, over {tolerance:g}, and was not kept"
            )


def check_same(gaps: Mapping[str, Gap], target: Path, source: Path) -> None:
    for runtime, found in gaps.items():
        if not found.same >= SAME:
            raise ExportMismatch(
                f"in {runtime} {target.name} gives {found.same:.1%} of pixels the class that "
                f"{source.name} gives them, under {SAME:.0%}, and was not kept"
            )


@contextmanager
def tried(target: Path) -> Iterator[Path]:
    """A path to write to and try; it becomes `target` if nothing was raised."""
    with tempfile.TemporaryDirectory() as folder:
        part = Path(folder) / target.name
        yield part
        with written(target) as file:
            file.write(part.read_bytes())
