"""What a model file says of itself; nobody guesses.

The card is JSON inside the ONNX file's metadata, under `easyportrait.card`. A file
without one is refused.
"""

import json
import math
from dataclasses import asdict, dataclass, fields
from typing import Any, get_args, get_origin, get_type_hints

from ..errors import ModelError
from ..taxonomy import TASKS, Taxonomy

KEY = "easyportrait.card"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSource:
    """One source of training pictures: its name, licence and how many came from it."""

    name: str
    licence: str
    pictures: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """Everything needed to run a model and to judge it.

    Attributes:
        name, version: of the model.
        task: a key of `taxonomy.TASKS`; the classes follow from it.
        classes: their names, in the order of the output's channels.
        mean, std: normalisation `(x - mean) / std` of RGB in 0..255.
        multiple: input height and width are multiples of this many pixels.
        frame_side: longest side of the whole frame at the first look, in pixels.
        face_side: side of the square that each face fills at the second look; 0 for a net
            that knows whole frames only, which gets no second look.
        licence: of the weights.
        sources: of the training data.
        recipe: the training recipe, whole.
        scores: {set: {measure: value}}.
        limits: where it is known to fail.
    """

    name: str
    version: str
    task: str
    classes: tuple[str, ...]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    multiple: int
    frame_side: int
    face_side: int
    licence: str
    sources: tuple[TrainingSource, ...]
    recipe: str
    scores: dict[str, dict[str, float]]
    limits: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.task not in TASKS:
            raise ModelError(f"card of {self.name!r}: there is no task {self.task!r}")
        if tuple(self.classes) != self.taxonomy.names:
            raise ModelError(
                f"card of {self.name!r}: classes {self.classes} are not those of {self.task!r}: "
                f"{self.taxonomy.names}"
            )
        for what, least in (("multiple", 1), ("frame_side", 1), ("face_side", 0)):
            if getattr(self, what) < least or getattr(self, what) % self.multiple:
                raise ModelError(
                    f"card of {self.name!r}: {what} is {getattr(self, what)}, "
                    f"not a multiple of {self.multiple}"
                )
        if len(self.mean) != 3 or len(self.std) != 3 or min(self.std) <= 0:
            raise ModelError(f"card of {self.name!r}: mean and std need three values, std above 0")
        if not all(map(math.isfinite, (*self.mean, *self.std))):
            raise ModelError(f"card of {self.name!r}: mean and std are finite numbers")

    @property
    def taxonomy(self) -> Taxonomy:
        return TASKS[self.task]

    def to_json(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str, where: str) -> "Card":
        """Raises:
        ModelError: the text is no card; the message names the file and what is wrong.
        """
        try:
            raw: dict[str, Any] = json.loads(text)
            wanted = {f.name for f in fields(cls)}
            if raw.keys() != wanted:
                raise ModelError(
                    f"{where}: the card lacks {sorted(wanted - raw.keys()) or 'nothing'} and "
                    f"has unknown {sorted(raw.keys() - wanted) or 'nothing'}"
                )
            raw["sources"] = tuple(TrainingSource(**s) for s in raw["sources"])
            for name in ("classes", "mean", "std", "limits"):
                raw[name] = tuple(raw[name])
            odd = [name for name, kind in get_type_hints(cls).items() if not fits(raw[name], kind)]
            if odd:
                raise ModelError(f"{where}: the card's {odd[0]} is of another kind than it must be")
            return cls(**raw)
        except RecursionError as error:
            raise ModelError(f"{where}: the card is nested too deeply to be one") from error
        except (ValueError, TypeError, AttributeError, KeyError) as error:
            raise ModelError(f"{where}: the card cannot be read: {error}") from error


def fits(value: Any, kind: Any) -> bool:
    """Whether a value out of JSON is of a field's kind; a whole number is a float as well,
    and what no text file can hold is no text.

    >>> fits((1, 2.5), tuple[float, ...]), fits({"a": {"b": "c"}}, dict[str, dict[str, float]])
    (True, False)
    """
    inner = get_args(kind)
    if get_origin(kind) is tuple:
        kinds = [inner[0]] * len(value) if inner[-1] is ... else inner
        return len(kinds) == len(value) and all(map(fits, value, kinds))
    if get_origin(kind) is dict:
        return isinstance(value, dict) and all(
            fits(name, inner[0]) and fits(one, inner[1]) for name, one in value.items()
        )
    if kind is TrainingSource:
        return all(fits(getattr(value, n), k) for n, k in get_type_hints(kind).items())
    if kind is str:
        return isinstance(value, str) and not any("\ud800" <= c <= "\udfff" for c in value)
    if kind is float:
        return type(value) is float or (type(value) is int and abs(value) < 1 << 63)
    return type(value) is kind and abs(value) < 1 << 63
