"""How a net is trained: a TOML file that states every number, read into frozen values.

No field has a default. A recipe that leaves one out, or names one that does not exist,
is refused by name.
"""

import json
import math
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields, replace
from importlib import resources
from pathlib import Path
from types import UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from ..errors import BadRecipe
from ..taxonomy import TASKS

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

T = TypeVar("T", bound="Table")
Range = tuple[float, float]

PRECISIONS = ("32-true", "bf16-mixed", "16-mixed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One table of a recipe."""

    @classmethod
    def read(cls: type[T], table: dict[str, Any], where: str) -> T:
        """Raises:
        BadRecipe: keys are missing or unknown, or a value has the wrong type.
        """
        hints = get_type_hints(cls)
        wanted = {f.name for f in fields(cls)}
        missing, unknown = sorted(wanted - table.keys()), sorted(table.keys() - wanted)
        if missing or unknown:
            raise BadRecipe(
                f"{where}: missing {', '.join(missing) or 'nothing'}; "
                f"unknown {', '.join(unknown) or 'nothing'}"
            )
        return cls(**{k: _value(hints[k], v, f"{where}: {k}") for k, v in table.items()})


def _value(kind: Any, value: Any, where: str) -> Any:
    """`value` as `kind`: a table, one of several, a list of a kind, a pair, or a plain value."""
    if isinstance(kind, UnionType):
        return _value(_meant(kind, value, where), value, where)
    if isinstance(kind, type) and issubclass(kind, Table):
        if not isinstance(value, dict):
            raise BadRecipe(f"{where} is a table, got {told(value)}")
        return kind.read(value, where)
    if get_origin(kind) is tuple:
        inner = get_args(kind)
        if not isinstance(value, list):
            raise BadRecipe(f"{where} is a list, got {told(value)}")
        if inner[-1] is ...:
            return tuple(_value(inner[0], v, f"{where}[{i}]") for i, v in enumerate(value))
        if len(inner) != len(value):
            raise BadRecipe(f"{where} holds {len(inner)} values, got {told(value)}")
        return tuple(_value(k, v, where) for k, v in zip(inner, value, strict=True))
    if type(value) is int and abs(value) >= 1 << 63:
        raise BadRecipe(f"{where} is a number beyond what TOML has, got {told(value)}")
    if kind is float and type(value) is int:
        return float(value)
    if type(value) is not kind:
        raise BadRecipe(f"{where} is of type {kind.__name__}, got {told(value)}")
    if kind is float and not math.isfinite(value):
        raise BadRecipe(f"{where} is a finite number, got {value}")
    return value


def told(value: Any) -> str:
    """A value in a message: as Python writes it, unless that is long."""
    try:
        text = repr(value)
    except ValueError:  # a number of thousands of digits
        return "a number of thousands of digits"
    return text if len(text) <= 100 else f"{text[:100]} ..."


def _meant(kinds: UnionType, value: Any, where: str) -> Any:
    """The one of several tables that a table's `kind` names."""
    known = {kind.__name__.lower(): kind for kind in get_args(kinds)}
    kind = value.get("kind") if isinstance(value, dict) else value
    if isinstance(value, dict) and isinstance(kind, str) and kind in known:
        return known[kind]
    raise BadRecipe(f"{where}: kind is one of {', '.join(known)}, got {told(kind)}")


def one_of(value: str, known: tuple[str, ...], where: str) -> None:
    """Raises:
    BadRecipe: `value` is none of the known ones.
    """
    if value not in known:
        raise BadRecipe(f"{where} is one of {', '.join(known)}, got {value!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage(Table):
    """From which step on samples have which side, in pixels, and how strongly they are
    changed: 1 as `augment` says, 0 not at all but in framing."""

    from_step: int
    side: int
    strength: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Input(Table):
    """Normalisation `(x - mean) / std` of RGB in 0..255."""

    mean: tuple[float, float, float]
    std: tuple[float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Data(Table):
    """Which rows are used. Rows below `agreement` or above `unsure` are left out of
    training and counted aloud. Where a face mesh made the masks (their rows have a
    `face_height`), `mend` sets right what meshes get wrong, and eyes and lips are taken
    `drawn_off` pixels further left and up than they lie."""

    agreement: float
    unsure: float
    mend: bool
    drawn_off: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenes(Table):
    """What `augment.sample` draws. The first four are shares of samples and sum to 1;
    probabilities are in [0, 1]; spreads are of a normal in the logarithm (`turn`: degrees,
    `shift`: of the side); ranges are uniform (`frame_scale`: log-uniform)."""

    kind: str
    face: float
    frame: float
    crowd: float
    empty: float
    face_height: Range
    frame_scale: Range
    shift: float
    turn: float
    new_background: float
    objects: float
    occlude: float
    grey: float
    saturation: float
    white_balance: float
    warm: float
    gamma: float
    gain: float
    contrast: float
    dark: float
    side_light: float
    shrink: float
    blur: float
    noise: float
    jpeg: float

    def scaled(self, strength: float) -> "Scenes":
        """The same with every change but those of framing that much weaker or rarer."""
        framing = ("kind", "face", "frame", "crowd", "empty", "face_height", "frame_scale", "shift")
        changes = {f.name for f in fields(self)} - set(framing)
        return replace(self, **{name: getattr(self, name) * strength for name in changes})


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference(Table):
    """What `augment_reference.sample` does: whole frames, never mirrored, their colours
    changed.

    Attributes:
        pad: edge in pixels of the square that a picture is padded to before it is resized,
            right and below; at least the picture's own longer edge, so 0 means that.
        brightness: the most that is added, either way, of 255.
        contrast, saturation: ranges of factors.
        hue: the most it is turned by, either way, of 180.
    """

    kind: str
    pad: int
    brightness: float
    contrast: Range
    saturation: Range
    hue: float

    def scaled(self, strength: float) -> "Reference":
        """The same with every change of colour that much weaker."""

        def nearer(factors: Range) -> Range:
            low, high = factors
            return 1 + (low - 1) * strength, 1 + (high - 1) * strength

        return replace(
            self,
            brightness=self.brightness * strength,
            contrast=nearer(self.contrast),
            saturation=nearer(self.saturation),
            hue=self.hue * strength,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss(Table):
    """Weights of the terms (losses.py), and of each class in the first two.

    Attributes:
        hard_below, hard_least: the first two count only pixels whose true class is given
            less than `hard_below`, or, should these be fewer than `hard_least` a picture,
            so many of the worst; 0 and 0: every pixel.
        auxiliary: weights of the net's auxiliary heads, in their order; each is judged as the
            main one is.
    """

    cross_entropy: float
    absolute: float
    dice: float
    lovasz: float
    smoothing: float
    hard_below: float
    hard_least: int
    auxiliary: tuple[float, ...]
    class_weights: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Optimiser(Table):
    """AdamW; none of the decay falls on norms and biases.

    The rate rises over `warmup_steps` from `warmup_from` of itself, while it falls as
    (1 - step / steps) ** power ("poly") or ((1 + cos(pi step / steps)) / 2) ** power
    ("cosine"). `clip` is the largest norm of the gradient; 0: any.
    """

    encoder_lr: float
    lr: float
    betas: tuple[float, float]
    weight_decay: float
    warmup_steps: int
    warmup_from: float
    schedule: str
    power: float
    clip: float

    def __post_init__(self) -> None:
        one_of(self.schedule, ("poly", "cosine"), "optimiser: schedule")


@dataclass(frozen=True, slots=True, kw_only=True)
class Run(Table):
    """How long, how often, and what comes of it.

    Attributes:
        batch: samples a step, on however many devices.
        precision: as Lightning names it.
        ema_decay: of the moving average of weights, which is what is validated and kept;
            0: the weights themselves.
        patience: validations in a row without a better mean IoU after which the run ends;
            0: it goes to its last step.
        export: "last" or "best" (by mean IoU): the weights that become the model file.
    """

    steps: int
    batch: int
    seed: int
    precision: str
    ema_decay: float
    validate_every: int
    checkpoint_every: int
    patience: int
    export: str

    def __post_init__(self) -> None:
        one_of(self.precision, PRECISIONS, "run: precision")
        one_of(self.export, ("last", "best"), "run: export")
        for name in ("steps", "batch", "validate_every", "checkpoint_every"):
            if getattr(self, name) < 1:
                raise BadRecipe(f"run: {name} is at least 1, got {getattr(self, name)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Model(Table):
    """What the model file's card says that only its makers know (models/card.py)."""

    version: str
    licence: str
    multiple: int
    frame_side: int
    face_side: int
    limits: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe(Table):
    """One training, whole."""

    name: str
    net: str
    task: str
    backbone: str
    input: Input
    data: Data
    stages: tuple[Stage, ...]
    augment: Scenes | Reference
    loss: Loss
    optimiser: Optimiser
    run: Run
    model: Model

    def __post_init__(self) -> None:
        one_of(self.task, tuple(TASKS), "task")
        classes = len(TASKS[self.task])
        if len(self.loss.class_weights) != classes:
            raise BadRecipe(
                f"loss: class_weights holds {len(self.loss.class_weights)} values, but the task "
                f"{self.task!r} has {classes} classes"
            )
        if not self.stages or self.stages[0].from_step != 0:
            raise BadRecipe("stages: the first begins at step 0")

    @property
    def file_name(self) -> str:
        """The name without a slash: of files and of the model."""
        return self.name.replace("/", "-")

    def stage_at(self, step: int) -> Stage:
        """The stage that a step belongs to."""
        return next(s for s in reversed(self.stages) if s.from_step <= step)

    @classmethod
    def load(cls, name_or_path: str | Path) -> "Recipe":
        """A recipe by the name of a file in `recipes/`, or by path.

        Raises:
            BadRecipe: it does not exist, is not TOML, or does not state just what it must.
        """
        path, name = Path(name_or_path), str(name_or_path)
        known = recipes()
        if name in known:
            data, where = known[name].read_bytes(), f"{name}.toml"
        elif path.suffix == ".toml" and path.is_file():
            data, where = path.read_bytes(), path.name
        else:
            raise BadRecipe(
                f"there is no recipe {name!r}. Recipes: {', '.join(sorted(known))}. "
                "A path to a .toml file works too."
            )
        return cls.from_toml(data, where)

    @classmethod
    def from_toml(cls, data: bytes, where: str) -> "Recipe":
        """A recipe out of a file's bytes; `where` is what messages call it.

        Raises:
            BadRecipe: as `load`.
        """
        try:
            raw = tomllib.loads(data.decode())
        except ValueError as error:  # of TOML, of UTF-8, or of endless digits
            raise BadRecipe(f"{where} is not TOML: {error}") from error
        except RecursionError as error:
            raise BadRecipe(f"{where} is not TOML: it is nested too deeply") from error
        return cls.read(raw, where)

    def to_json(self) -> str:
        return json.dumps(asdict(self))


def recipes() -> dict[str, Any]:
    """The recipes that come with the package: name -> file, as `v1/segformer-b0`."""

    def within(folder: Any, prefix: str) -> Iterator[tuple[str, Any]]:
        for entry in folder.iterdir():
            if entry.is_dir():
                yield from within(entry, f"{prefix}{entry.name}/")
            elif entry.name.endswith(".toml"):
                yield prefix + entry.name.removesuffix(".toml"), entry

    return dict(sorted(within(resources.files(__package__) / "recipes", "")))
