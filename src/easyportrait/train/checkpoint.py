"""Official checkpoints in, model files out.

A checkpoint of the reference code is a pickle, and a pickle can run code when it is opened.
So nothing but tensors, text and numbers is made from one here: whatever else lies in it, an
empty thing stands in its place.

What a net must be told, and how it is known: its architecture and its classes from names and
shapes; its normalisation from the training configuration that the reference leaves in its
checkpoints, or from the user. It is never guessed.
"""

import hashlib
import io
import json
import pickle
import pickletools
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from ..errors import BadInput, ModelError
from ..models.card import Card
from ..models.catalog import DEFAULT, EMBEDDED
from ..taxonomy import TASKS
from .export import export
from .reference import BISENET_OUTPUTS, Reference, recognise
from .weights import write_weights

Triple = tuple[float, float, float]

MULTIPLE = 32  # sides of the input; the nets take any, and this wastes little
LISTED = 12  # names in an error, of each kind
LICENCE = "the checkpoint's own; EasyPortrait's published weights: a variant of CC BY-SA 4.0"


@dataclass(frozen=True, slots=True)
class Version:
    """How one version of the published weights was trained.

    Attributes:
        about: which weights were published like it.
        mean, std: normalisation `(x - mean) / std` of RGB in 0..255.
        side: longest side of the picture, in pixels.
        other_sides: of nets that were published at another one.
    """

    about: str
    mean: Triple
    std: Triple
    side: int
    other_sides: Mapping[str, int]


VERSIONS = {
    "v1": Version(
        "published: the nets of nine classes",
        (123.675, 116.28, 103.53),
        (58.395, 57.12, 57.375),
        1024,
        {"fpn-resnet50": 512},
    ),
    "v2": Version(
        "published: the nets of two and of eight classes",
        (143.55267075, 132.96705975, 126.94924335),
        (60.2625333, 60.32740275, 59.30988645),
        384,
        {},
    ),
}


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What lies in a file.

    Attributes:
        path: of the file.
        sha256: of its bytes.
        state: tensors by the reference's names.
        config: the training configuration as text, "" if it holds none.
    """

    path: Path
    sha256: str
    state: dict[str, Tensor]
    config: str


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of a checkpoint: its card, the files, and how far the model file's
    probabilities are from the net's at most."""

    net: str
    card: Card
    model: Path
    weights: Path
    worst: float


def import_checkpoint(
    path: Path,
    folder: Path,
    *,
    name: str,
    like: str | None = None,
    side: int | None = None,
    task: str | None = None,
    half: bool = False,
) -> Imported:
    """Turn a checkpoint of the reference code into NAME.onnx and NAME.safetensors.

    Args:
        path: a .pth as the reference code writes it, or its tensors as .safetensors.
        folder: where to; it is made.
        name: of the model.
        like: a key of `VERSIONS`, needed if the file does not say how it was normalised.
        side: longest side of the picture in the net's input, instead of the version's.
        task: a key of `TASKS`, needed if the file does not tell (BiSeNetV2 without its
            auxiliary heads).
        half: weights as float16 in the model file.

    Raises:
        BadInput: something must be said that was not, or what was said contradicts the file.
        ModelError: the file is damaged, no checkpoint of the six nets, or lacks tensors, has
            others or has some of another shape.
        ExportMismatch: as `export`.
    """
    if not re.fullmatch(r"\w[\w.-]*", name) or name in (DEFAULT, EMBEDDED):
        raise BadInput(
            f"{name!r} cannot be a model's name: letters, digits, _, . and -, "
            f"and neither {DEFAULT!r} nor {EMBEDDED!r}"
        )
    if side is not None and (side < MULTIPLE or side % MULTIPLE):
        raise BadInput(f"the side is a multiple of {MULTIPLE} pixels, got {side}")
    checkpoint = read_checkpoint(path)
    reference = recognise(checkpoint.state)
    if reference is None:
        raise ModelError(
            f"{path} is none of the six nets of the reference; its tensors are called "
            f"{listed(checkpoint.state, 4)}"
        )
    task = task_of(checkpoint, reference, task)
    net = build(checkpoint, reference, task)
    version, mean, std = normalisation(checkpoint, like)
    card = Card(
        name=name,
        version=version or "own",
        task=task,
        classes=TASKS[task].names,
        mean=mean,
        std=std,
        multiple=MULTIPLE,
        frame_side=side or usual_side(version, reference.net),
        face_side=0,
        licence=LICENCE,
        sources=(),
        recipe=json.dumps(
            {"imported": path.name, "sha256": checkpoint.sha256, "net": reference.net}
        ),
        scores={},
        limits=limits(reference),
    )
    model, weights = folder / f"{name}.onnx", folder / f"{name}.safetensors"
    worst = export(net, card, model, half=half)
    write_weights(weights, net, reference.net, card)
    return Imported(reference.net, card, model, weights, worst)


def usual_side(version: str | None, net: str) -> int:
    """The side at which a net was published; v1's where nothing better is known."""
    rule = VERSIONS[version or "v1"]
    return rule.other_sides.get(net, rule.side)


def limits(reference: Reference) -> tuple[str, ...]:
    said = [
        "Imported: what it was trained on, and how well, is not known from its file.",
        "It looks at the whole frame only; it was not trained on faces from near.",
    ]
    if reference.net.startswith("segformer"):
        said.append(
            "The published SegFormers began with NVIDIA's ImageNet weights, whose licence (NVIDIA "
            "Source Code License for SegFormer) allows research and evaluation only: read it "
            "before any other use."
        )
    if reference.net == "lraspp-mobilenetv3":
        said.append(
            "Its gate takes means over windows of 392 pixels, as the published net does; a "
            "side below that is taken whole, which the published net cannot."
        )
    return tuple(said)


# -- reading -------------------------------------------------------------------------------


def read_checkpoint(path: Path) -> Checkpoint:
    """Open a file without running anything that lies in it.

    Raises:
        BadInput: there is no such file.
        ModelError: it is damaged, holds no tensors, or holds what cannot be passed over.
    """
    try:
        with path.open("rb") as file:
            digest = hashlib.sha256()
            while block := file.read(1 << 20):
                digest.update(block)
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}") from error
    raw = read_safetensors(path) if path.suffix == ".safetensors" else read_pickle(path)
    state = raw.get("state_dict", raw)
    state = state if isinstance(state, dict) else {}
    state = {str(k).removeprefix("module."): v for k, v in state.items() if isinstance(v, Tensor)}
    if not state:
        raise ModelError(f"{path} holds no weights: neither a state_dict nor tensors by name")
    meta = raw.get("meta")
    config = meta.get("config") if isinstance(meta, dict) else None
    return Checkpoint(path, digest.hexdigest(), state, config if isinstance(config, str) else "")


def read_safetensors(path: Path) -> dict[Any, Any]:
    try:
        tensors: dict[Any, Any] = safetensors.torch.load_file(path)
    except (SafetensorError, OSError) as error:
        raise ModelError(f"{path} is not a safetensors file: {error}") from error
    return tensors


class Nothing:
    """Stands for whatever a pickle names that is neither tensor, text nor number."""

    def __init__(self, *_: object, **__: object) -> None: ...

    def __setstate__(self, _: object) -> None: ...


def read_pickle(path: Path) -> dict[Any, Any]:
    named: set[str] = set()
    try:
        named.update(globals_in(path))
        # torch's own list of harmless names comes first; the rest become nothing
        with torch.serialization.safe_globals([(Nothing, name) for name in named]):
            raw = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        foreign = [name for name in sorted(named) if not name.startswith(("torch.", "_codecs."))]
        raise ModelError(
            f"{path} holds more than weights ({listed(foreign, LISTED) or 'unknown things'}) and "
            "was not opened. If you trust it, save its weights alone where it was made: "
            "torch.save({'state_dict': model.state_dict()}, 'weights.pth')"
        ) from error
    except BROKEN as error:
        raise ModelError(
            f"{path} is not a checkpoint, or is damaged: {fault_of(path, error)}"
        ) from error
    if not isinstance(raw, dict):
        raise ModelError(f"{path} holds a {type(raw).__name__}, not a checkpoint")
    return raw


def fault_of(path: Path, error: Exception) -> str:
    """What is wrong with a file that could not be read: what it is, or what the reader says."""
    with path.open("rb") as file:
        start = file.read(512)
    if not start:
        return "it is empty"
    if start.lstrip().startswith(b"<"):
        return "it is a web page, which some sites send instead of a file"
    if start.startswith(b"PK") and not zipfile.is_zipfile(path):
        return "its end is missing; get it again"
    return (str(error).splitlines() or [type(error).__name__])[0]


# what damaged pickles and archives raise on the way
BROKEN = (
    OSError, ValueError, RuntimeError, EOFError, zipfile.BadZipFile, LookupError, AttributeError,
    TypeError, AssertionError,
)  # fmt: skip


def globals_in(path: Path) -> Iterator[str]:
    """Every function and class that a checkpoint names, read without running it."""
    with path.open("rb") as file:
        if zipfile.is_zipfile(file):
            with zipfile.ZipFile(file) as archive:
                inside = [n for n in archive.namelist() if n.endswith("data.pkl")]
                pickles: list[IO[bytes]] = [io.BytesIO(archive.read(name)) for name in inside]
        else:  # the older format: a mark, its version, the machine, then the object
            file.seek(0)
            pickles = [file] * 4
        for each in pickles:
            for code, value, _ in pickletools.genops(each):
                if code.name == "GLOBAL":
                    yield str(value).replace(" ", ".")


# -- what it is ----------------------------------------------------------------------------


def task_of(checkpoint: Checkpoint, reference: Reference, said: str | None) -> str:
    """The task whose classes the net answers.

    Raises:
        BadInput: the file does not tell and nobody said, or it tells something else.
        ModelError: it answers another number of classes than any task has.
    """
    if said is not None and said not in TASKS:
        raise BadInput(f"there is no task {said!r}; tasks: {', '.join(TASKS)}")
    outputs = outputs_of(checkpoint, reference)
    if outputs is None:
        if said is None and reference.net != "bisenet-v2":
            return "joint"  # whatever it is: `check` lists the last layer among what is missing
        if said is None:
            raise BadInput(
                f"{checkpoint.path} does not tell its classes: {BISENET_OUTPUTS} outputs, and no "
                f"auxiliary heads. Say which with --task: "
                f"{', '.join(f'{task} ({len(TASKS[task])} classes)' for task in TASKS)}"
            )
        return said
    found = next((task for task in TASKS if len(TASKS[task]) == outputs), None)
    if found is None:
        raise ModelError(
            f"{checkpoint.path} answers {outputs} classes; EasyPortrait's nets answer "
            f"{', '.join(f'{len(TASKS[task])} ({task})' for task in TASKS)}"
        )
    if said not in (None, found):
        raise BadInput(f"{checkpoint.path} answers {outputs} classes: task {found}, not {said}")
    return found


def outputs_of(checkpoint: Checkpoint, reference: Reference) -> int | None:
    """Classes that the last layers answer; None if no layer tells. BiSeNetV2's main head
    always has the same number."""
    bisenet = reference.net == "bisenet-v2"
    heads = [f"auxiliary_head.{i}" for i in range(4)] if bisenet else ["decode_head"]
    keys = [f"{head}.conv_seg.{part}" for head in heads for part in ("weight", "bias")]
    return next((n for n in (rows(checkpoint, key) for key in keys) if n is not None), None)


def rows(checkpoint: Checkpoint, key: str) -> int | None:
    tensor = checkpoint.state.get(key)
    return None if tensor is None or not tensor.ndim else len(tensor)


def normalisation(checkpoint: Checkpoint, like: str | None) -> tuple[str | None, Triple, Triple]:
    """The version (None: neither), mean and std.

    Raises:
        BadInput: the file does not say and nobody did, or both did and differ.
    """
    if like is not None and like not in VERSIONS:
        raise BadInput(f"there is no version {like!r}; versions: {', '.join(VERSIONS)}")
    stated = stated_normalisation(checkpoint)
    if stated is None:
        if like is None:
            choices = (f"--like {name} ({v.about}; mean {v.mean})" for name, v in VERSIONS.items())
            raise BadInput(
                f"{checkpoint.path} does not say how its pictures were normalised, and with other "
                f"constants a net answers otherwise. Say which: {' or '.join(choices)}"
            )
        return like, VERSIONS[like].mean, VERSIONS[like].std
    version = next((n for n, v in VERSIONS.items() if (v.mean, v.std) == stated), None)
    if like not in (None, version):
        raise BadInput(
            f"{checkpoint.path} says that it was normalised with mean {stated[0]} and std "
            f"{stated[1]}{f', which is {version}' if version else ''}; leave out --like {like}"
        )
    return version, *stated


def stated_normalisation(checkpoint: Checkpoint) -> tuple[Triple, Triple] | None:
    """Mean and std in the training configuration; None if it has none, or several.

    Raises:
        ModelError: it was trained on blue, green, red.
    """
    number = r"([\d.]+)"
    triple = rf"[\[(]\s*{number}\s*,\s*{number}\s*,\s*{number}\s*[\])]"
    found = re.findall(rf"mean\s*=\s*{triple}\s*,\s*std\s*=\s*{triple}", checkpoint.config)
    if len(set(found)) != 1:
        return None
    if re.search(r"to_rgb\s*=\s*False", checkpoint.config):
        raise ModelError(f"{checkpoint.path} was trained on blue, green, red; models here take RGB")
    a, b, c, d, e, f = map(float, found[0])
    return (a, b, c), (d, e, f)


# -- weights -------------------------------------------------------------------------------


def build(checkpoint: Checkpoint, reference: Reference, task: str) -> nn.Module:
    """The net with the checkpoint's weights, its main head cut to the task's classes.

    Raises:
        ModelError: tensors are missing, unknown, of another shape, no plain numbers or not
            finite; all are listed.
    """
    classes = len(TASKS[task])
    outputs = rows(checkpoint, "decode_head.conv_seg.weight") or BISENET_OUTPUTS
    net = reference.build(classes, max(classes, outputs))
    if not any(key.startswith("auxiliary_head.") for key in checkpoint.state):
        net.aux = nn.ModuleList()  # not needed to run it
    check(checkpoint, reference.expected(net))
    reference.fill(net, checkpoint.state)
    cut(net, classes)
    return net.eval()


def check(checkpoint: Checkpoint, expected: Mapping[str, tuple[int, ...]]) -> None:
    state = {k: v for k, v in checkpoint.state.items() if not k.endswith("num_batches_tracked")}
    missing = [key for key in expected if key not in state]
    unknown = [key for key in state if key not in expected]
    both = [key for key in expected if key in state]
    misshapen = [
        f"{key} {list(state[key].shape)} instead of {list(expected[key])}"
        for key in both
        if tuple(state[key].shape) != expected[key]
    ]
    plain = [key for key in both if is_plain(state[key])]
    broken = [key for key in plain if not torch.isfinite(state[key]).all()]
    faults = (
        ("lacks", missing),
        ("has unknown", unknown),
        ("has another shape of", misshapen),
        ("has other than plain real numbers in", [key for key in both if key not in plain]),
        ("has infinite values or NaN in", broken),
    )
    said = [f"{what} {listed(keys, LISTED)}" for what, keys in faults if keys]
    if said:
        raise ModelError(f"{checkpoint.path} {'; it '.join(said)}")


def is_plain(tensor: Tensor) -> bool:
    """Whether it holds real numbers one by one: neither quantised nor sparse nor complex."""
    return tensor.is_floating_point() and tensor.layout is torch.strided


def cut(net: nn.Module, classes: int) -> None:
    """Keep the main head's first outputs; of BiSeNetV2's 19 the rest was never taught."""
    last = net.head.classify[1]
    if last.out_channels > classes:
        last.weight = nn.Parameter(last.weight[:classes].detach().clone())
        last.bias = nn.Parameter(last.bias[:classes].detach().clone())
        last.out_channels = classes


def listed(names: Iterable[str], most: int) -> str:
    names = list(names)
    rest = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + rest
