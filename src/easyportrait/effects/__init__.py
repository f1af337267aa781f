"""Every effect, in the order in which they run; chain.py says why it is this one.

To add an effect: write its file, add its line. Command line, Python, server, page, docs and
the contract tests follow from the table.
"""

from . import anonymize
from .effect import Effect

EFFECTS: dict[str, Effect] = {
    effect.name: effect
    for effect in (
        # remove-red-eye, eye-color, whiten-teeth, tint-lips, smooth-skin, shape-light,
        anonymize.EFFECT,
        # blur-background, replace-background, remove-background
    )
}
