"""Several effects on one picture, in an order that makes sense.

Faces are retouched first (eyes, teeth, lips, skin, in this order), then they are lit, then
hidden, and the background comes last: light and blur must see the retouched person, and
what is cut out cannot be painted on any more. `EFFECTS` is written in that order.
"""

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np

from ..errors import BadKnob
from ..parsing import Parsing
from . import EFFECTS
from .effect import Backdrop, Effect, Image

BACKGROUND = {"blur": "blur-background", "remove": "remove-background"}
ON_THE_BACKGROUND = (*BACKGROUND.values(), "replace-background")


@dataclass(frozen=True, slots=True)
class Step:
    """One effect with the values of all its knobs."""

    effect: Effect
    knobs: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Chain:
    """Effects to run, in the order of `EFFECTS`, whatever order they were wished in.

    >>> [step.effect.name for step in Chain.of({"background": "blur", "whiten_teeth": 0.6}).steps]
    ['whiten-teeth', 'blur-background']
    """

    steps: tuple[Step, ...]

    @classmethod
    def of(
        cls, wishes: Mapping[str, object], *, read: Callable[[Path | str], Image] | None = None
    ) -> "Chain":
        """Out of what a user wishes: effect's name -> value, as `Effect.wish` takes it.

        Args:
            wishes: names with hyphens or underscores. `background` is short for one of three
                effects: "blur", "remove", or what replaces it (a colour or picture).
            read: opens the picture at a path. Only who may read files passes it; without
                it, text is never taken for a path.

        Raises:
            BadKnob: there is no such effect or knob, a value does not fit, or two effects
                would do different things to the background.
        """
        chosen: dict[str, dict[str, object]] = {}
        for key, value in wishes.items():
            name, wish = _named(key.replace("_", "-"), value)
            if wish is not None:
                chosen[name] = chosen.get(name, {}) | wish
        rivals = [name for name in ON_THE_BACKGROUND if name in chosen]
        if len(rivals) > 1:
            raise BadKnob(f"{' and '.join(rivals)} exclude each other: choose one")
        if read is not None:
            chosen = {name: opened(EFFECTS[name], knobs, read) for name, knobs in chosen.items()}
        steps = (Step(e, e.read(chosen[e.name])) for e in EFFECTS.values() if e.name in chosen)
        return cls(tuple(steps))

    @property
    def makes_transparency(self) -> bool:
        return any(step.effect.name == "remove-background" for step in self.steps)

    @property
    def described(self) -> dict[str, dict[str, object]]:
        """Effect -> knob -> value, for notes and JSON; a picture by its size and checksum."""
        return {
            step.effect.name: {name: plain(value) for name, value in step.knobs.items()}
            for step in self.steps
        }

    def __call__(self, parsing: Parsing) -> Image:
        """The parsed picture after all effects: a new (H, W, 3) uint8 RGB, or (H, W, 4) RGBA
        where the background was removed."""
        image = parsing.image
        for step in self.steps:
            image = step.effect(image, parsing, **step.knobs)
        return image if self.steps else image.copy()


def plain(value: object) -> object:
    if not isinstance(value, np.ndarray):
        return value
    return f"{value.shape[1]}x{value.shape[0]} {zlib.crc32(value.tobytes()):08x}"


def opened(
    effect: Effect, values: Mapping[str, object], read: Callable[[Path | str], Image]
) -> dict[str, object]:
    """The values, with pictures where paths of pictures were."""
    out = dict(values)
    for knob in effect.knobs:
        if isinstance(knob, Backdrop) and knob.is_path(out.get(knob.name)):
            out[knob.name] = read(cast("Path | str", out[knob.name]))
    return out


def _named(name: str, value: object) -> tuple[str, dict[str, object] | None]:
    """The effect that is meant, and its knobs; None if it is wished off."""
    if name == "background":
        if isinstance(value, str) and value in BACKGROUND:
            return BACKGROUND[value], {}
        if value is True:
            raise BadKnob("background takes blur, remove, a colour or a picture, got True")
        return "replace-background", None if value is None or value is False else {"with": value}
    if name not in EFFECTS:
        raise BadKnob(f"there is no effect {name!r}; effects: background, {', '.join(EFFECTS)}")
    return name, EFFECTS[name].wish(value)
