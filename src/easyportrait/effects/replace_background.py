"""Replace the background by a colour or a picture."""

from typing import Any

from ..parsing import Parsing
from .background import before, fitted, matched
from .effect import Backdrop, Choice, Effect, Image, Number


def replace_background(
    image: Image, parsing: Parsing, *, backdrop: Image, fit: str, wrap: float, match: float
) -> Image:
    """The person before a new background.

    Args:
        image: (H, W, 3) uint8 RGB. Not changed.
        parsing: of the same picture.
        backdrop: (h, w, 3) uint8 RGB, of any size. One of the picture's size is used as it
            is, which is the quickest: for videos, bring it to size once (`fitted`).
        fit: "cover" or "contain".
        wrap: light of the backdrop that comes round the person's edge, 0 to 1.
        match: how far the person takes on the backdrop's tint and brightness, 0 to 1.

    Returns:
        (H, W, 3) uint8. With match 0 the person's pixels stay bit for bit. Without any
        person it is the backdrop.
    """
    alpha = parsing.person
    behind = fitted(backdrop, *parsing.size, fit)
    if match:
        image = matched(image, alpha, behind, match)
    return before(image, alpha, behind, wrap=wrap)


def run(image: Image, parsing: Parsing, **knobs: Any) -> Image:
    """`with` cannot be an argument's name in Python."""
    return replace_background(image, parsing, backdrop=knobs.pop("with"), **knobs)


EFFECT = Effect(
    name="replace-background",
    help="Put a colour or a picture behind people.",
    run=run,
    knobs=(
        Backdrop(name="with", help="what comes there", default="white"),
        Choice(
            name="fit",
            help="fill all and cut, or show all of it",
            default="cover",
            choices=("cover", "contain"),
        ),
        Number(name="wrap", help="light of it that comes round the edge", default=0.2),
        Number(name="match", help="how far people take on its light", default=0.0),
    ),
    needs=("person",),
    reach=None,
)
