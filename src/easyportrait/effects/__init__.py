"""Every effect, in the order in which they run; chain.py says why it is this one.

To add an effect: write its file, add its line. Command line, Python, server, page, docs and
the contract tests follow from the table.
"""

from . import (
    anonymize,
    blur_background,
    eye_color,
    remove_background,
    remove_red_eye,
    replace_background,
    shape_light,
    smooth_skin,
    tint_lips,
    whiten_teeth,
)
from .effect import Effect

EFFECTS: dict[str, Effect] = {
    effect.name: effect
    for effect in (
        remove_red_eye.EFFECT,
        eye_color.EFFECT,
        whiten_teeth.EFFECT,
        tint_lips.EFFECT,
        smooth_skin.EFFECT,
        shape_light.EFFECT,
        anonymize.EFFECT,
        blur_background.EFFECT,
        replace_background.EFFECT,
        remove_background.EFFECT,
    )
}
