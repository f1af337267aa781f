"""Effects and models for machines: what a page needs to draw sliders and a menu."""

from typing import Any

from ..effects import EFFECTS
from ..effects.chain import BACKGROUND, ON_THE_BACKGROUND
from ..effects.effect import Backdrop, Choice, Colour, Effect, Knob, Number
from ..models.parser import Parser

KINDS = {Number: "number", Choice: "choice", Colour: "colour", Backdrop: "backdrop"}


def effects() -> dict[str, Any]:
    """Every effect in the order in which they run, and the shorthand `background`."""
    return {
        "effects": [effect(e) for e in EFFECTS.values()],
        "background": {
            "help": "Short for one of three effects that exclude each other.",
            "values": dict(BACKGROUND)
            | {"a colour, or the part 'background'": "replace-background"},
            "exclude_each_other": list(ON_THE_BACKGROUND),
        },
    }


def effect(one: Effect) -> dict[str, Any]:
    """`value`: the knob that is meant where one value is given instead of an object."""
    return {
        "name": one.name,
        "help": one.help,
        "switch": one.switch,
        "value": None if one.switch else one.knobs[0].name,
        "needs": list(one.needs),
        "knobs": [knob(k) for k in one.knobs],
    }


def knob(one: Knob) -> dict[str, Any]:
    """`low` and `high` of a number, `choices` of a choice, `names` of a colour (its own, as
    #rrggbb)."""
    out: dict[str, Any] = {
        "name": one.name,
        "kind": KINDS[type(one)],
        "help": one.help,
        "takes": one.takes,
        "default": one.default,
    }
    if isinstance(one, Number):
        out |= {"low": one.low, "high": one.high}
    elif isinstance(one, Choice):
        out |= {"choices": list(one.choices)}
    elif isinstance(one, Colour):
        out |= {
            "names": {name: "#{:02x}{:02x}{:02x}".format(*rgb) for name, rgb in one.names.items()}
        }
    return out


def models(parsers: dict[str, Parser]) -> dict[str, Any]:
    """What this server was started with, the first one the default."""
    return {
        "default": next(iter(parsers)),
        "models": [
            {
                "name": name,
                "version": parser.card.version,
                "task": parser.card.task,
                "classes": list(parser.card.classes),
                "frame_side": parser.card.frame_side,
                "face_side": parser.card.face_side,
                "licence": parser.card.licence,
                "scores": parser.card.scores,
                "limits": list(parser.card.limits),
            }
            for name, parser in parsers.items()
        ],
    }
