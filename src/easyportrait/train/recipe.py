"""How a net is trained: a TOML file that states every number, read into frozen values.

No field has a default. A recipe that leaves one out, or names one that does not exist,
is refused by name.
"""

import json
import sys
from dataclasses import asdict, dataclass, fields, replace
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from ..errors import BadRecipe

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

T = TypeVar("T", bound="Table")
Range = tuple[float, float]


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
    """`value` as `kind`: a table, a list of a kind, a pair, or a plain value."""
    if isinstance(kind, type) and issubclass(kind, Table):
        if not isinstance(value, dict):
            raise BadRecipe(f"{where} is a table, got {value!r}")
        return kind.read(value, where)
    if get_origin(kind) is tuple:
        inner = get_args(kind)
        if not isinstance(value, list):
            raise BadRecipe(f"{where} is a list, got {value!r}")
        if inner[-1] is ...:
            return tuple(_value(inner[0], v, f"{where}[{i}]") for i, v in enumerate(value))
        if len(inner) != len(value):
            raise BadRecipe(f"{where} holds {len(inner)} values, got {value!r}")
        return tuple(_value(k, v, where) for k, v in zip(inner, value, strict=True))
    if kind is float and type(value) is int:
        return float(value)
    if type(value) is not kind:
        raise BadRecipe(f"{where} is of type {kind.__name__}, got {value!r}")
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage(Table):
    """From which step on samples have which side, in pixels, and how strongly they are
    changed: 1 as `Augment` says, 0 not at all but in framing."""

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
class Augment(Table):
    """What `augment.sample` draws. The first four are shares of samples and sum to 1;
    probabilities are in [0, 1]; spreads are of a normal in the logarithm (`turn`: degrees,
    `shift`: of the side); ranges are uniform (`frame_scale`: log-uniform)."""

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

    def scaled(self, strength: float) -> "Augment":
        """The same with every change but those of framing that much weaker or rarer."""
        framing = ("face", "frame", "crowd", "empty", "face_height", "frame_scale", "shift")
        changes = {f.name for f in fields(self)} - set(framing)
        return replace(self, **{name: getattr(self, name) * strength for name in changes})


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss(Table):
    """Weights of the terms (losses.py), and of each class in the first."""

    cross_entropy: float
    absolute: float
    dice: float
    smoothing: float
    class_weights: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Optimiser(Table):
    """AdamW; none of the decay falls on norms and biases. The rate rises over
    `warmup_steps` and then falls as (1 - step / steps) ** power."""

    encoder_lr: float
    lr: float
    weight_decay: float
    warmup_steps: int
    power: float
    clip: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Run(Table):
    steps: int
    batch: int
    seed: int
    precision: str
    ema_decay: float
    validate_every: int
    checkpoint_every: int


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
    augment: Augment
    loss: Loss
    optimiser: Optimiser
    run: Run
    model: Model

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
        known = {
            p.name.removesuffix(".toml"): p for p in _folder().iterdir() if p.name.endswith(".toml")
        }
        if name in known:
            text, where = known[name].read_text(), f"{name}.toml"
        elif path.suffix == ".toml" and path.is_file():
            text, where = path.read_text(), path.name
        else:
            raise BadRecipe(
                f"there is no recipe {name!r}. Recipes: {', '.join(sorted(known))}. "
                "A path to a .toml file works too."
            )
        try:
            raw = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise BadRecipe(f"{where} is not TOML: {error}") from error
        return cls.read(raw, where)

    def to_json(self) -> str:
        return json.dumps(asdict(self))


def _folder() -> Any:
    return resources.files(__package__) / "recipes"
