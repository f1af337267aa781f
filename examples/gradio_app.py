"""A page with a slider, list or colour for every effect, drawn from the one table of effects.

python gradio_app.py
"""

import gradio as gr
import numpy as np

import easyportrait
from easyportrait.effects.effect import Choice, Colour, Number

MODEL = easyportrait.load()
EFFECTS = {
    name: effect
    for name, effect in easyportrait.EFFECTS.items()
    if "background" not in name and effect.knobs
}


def control(knob: object) -> gr.components.Component:
    """What moves an effect's first knob."""
    if isinstance(knob, Number):
        return gr.Slider(knob.low, knob.high, value=knob.default)
    if isinstance(knob, Choice):
        return gr.Dropdown(list(knob.choices), value=knob.default)
    assert isinstance(knob, Colour)
    return gr.Textbox(value=str(knob.default), label=", ".join(knob.names))


def edited(picture: np.ndarray | None, background: str, *wishes: object) -> np.ndarray | None:
    if picture is None:
        return None
    chosen: dict[str, object] = {
        name: {EFFECTS[name].knobs[0].name: value}
        for name, on, value in zip(EFFECTS, wishes[::2], wishes[1::2], strict=True)
        if on
    }
    if background != "as it is":
        chosen["background"] = background
    return easyportrait.apply(picture, model=MODEL, **chosen) if chosen else picture


def page() -> gr.Interface:
    controls = []
    for name, effect in EFFECTS.items():
        controls += [gr.Checkbox(label=f"{name}: {effect.help}"), control(effect.knobs[0])]
    kinds = ["as it is", "blur", "remove", "white", "#00b140"]
    inputs = [gr.Image(type="numpy"), gr.Radio(kinds, value=kinds[0], label="background")]
    return gr.Interface(edited, [*inputs, *controls], gr.Image(), title="easyportrait", live=True)


if __name__ == "__main__":
    page().launch()
