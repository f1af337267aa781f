"""Options for effects, made from their table: the same for each command that takes them."""

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Annotated, Any

import typer

from ..effects import EFFECTS
from ..effects.effect import Backdrop, Choice, Colour, Effect, Knob, Number

PANEL = "Effects"
FINE = "Effects, finer"
Wishes = dict[str, Any]


def takes_effects(command: Callable[..., None]) -> Callable[..., None]:
    """The command with an option for every effect and every knob; what was wished of them
    reaches it as its argument `wishes`, as `Chain.of` takes it."""
    own = inspect.signature(command, eval_str=True)
    options = {"background": background_option()}
    for effect in EFFECTS.values():
        options |= effect_options(effect)
    parameters = [p for p in own.parameters.values() if p.name != "wishes"] + [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind)
        for name, (kind, default) in options.items()
    ]

    @wraps(command)
    def with_options(**values: Any) -> None:
        said = {name: values.pop(name) for name in options}
        command(**values, wishes=wished(said))

    with_options.__signature__ = own.replace(  # type: ignore[attr-defined]
        parameters=[p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in parameters]
    )
    with_options.__annotations__ = {p.name: p.annotation for p in parameters}
    return with_options


def background_option() -> tuple[Any, object]:
    text = "Blur it, remove it, or put a colour or a picture there."
    option = typer.Option(
        "--background", help=text, metavar="blur|remove|COLOR|FILE", rich_help_panel=PANEL
    )
    return Annotated[str | None, option], None


def effect_options(effect: Effect) -> dict[str, tuple[Any, object]]:
    """Parameter's name -> (annotation, default): the effect itself, then its finer knobs."""
    flag, knobs = f"--{effect.name}", list(effect.knobs)
    out: dict[str, tuple[Any, object]] = {}
    if effect.switch:
        option = typer.Option(flag, help=effect.help, rich_help_panel=PANEL)
        out[effect.keyword] = Annotated[bool, option], False
    else:
        first = knobs.pop(0)
        text = f"{effect.help} {named(first)}Usual: {usual(first)}."
        out[effect.keyword] = text_option(flag, text, first, PANEL), None
    for knob in knobs:
        text = f"{knob.help.capitalize()}. {named(knob)}\\[default: {usual(knob)}]"
        flagged = text_option(f"{flag}-{knob.name}", text, knob, FINE)
        out[parameter(effect, knob)] = flagged, None
    return out


def text_option(flag: str, text: str, knob: Knob, panel: str) -> Any:
    option = typer.Option(flag, help=text, metavar=metavar(knob), rich_help_panel=panel)
    return Annotated[str | None, option]


def parameter(effect: Effect, knob: Knob) -> str:
    return f"{effect.keyword}__{knob.name}"


def metavar(knob: Knob) -> str:
    if isinstance(knob, Choice):
        return "|".join(knob.choices)
    if isinstance(knob, (Colour, Backdrop)):
        return "COLOR|FILE" if isinstance(knob, Backdrop) else "COLOR"
    return f"{knob.low:g}..{knob.high:g}"


def named(knob: Knob) -> str:
    names = knob.names if isinstance(knob, Colour) else ()
    return f"Names of its own: {', '.join(names)}. " if names else ""


def usual(knob: Knob) -> str:
    return f"{knob.default:g}" if isinstance(knob, Number) else knob.default


def wished(said: dict[str, Any]) -> Wishes:
    """What was said on the command line, as `Chain.of` takes it."""
    wishes: Wishes = {}
    if said["background"] is not None:
        wishes["background"] = said["background"]
    for effect in EFFECTS.values():
        knobs = {k.name: said.get(parameter(effect, k)) for k in effect.knobs}
        if not effect.switch:
            knobs[effect.knobs[0].name] = said[effect.keyword]
        given = {name: value for name, value in knobs.items() if value is not None}
        if given or said[effect.keyword] is True:
            wishes[effect.name] = given
    return wishes
