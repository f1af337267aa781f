"""What an effect is: a name, one pure function, and the knobs a user may turn.

A knob is declared once; the command line makes an option of it, the server a field and the
page a slider. Each kind of knob knows what it takes and says so when it gets something else.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import ImageColor

from ..errors import BadInput, BadKnob, ShapeMismatch
from ..parsing import Parsing

Image = npt.NDArray[np.uint8]
Rgb = tuple[int, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """A knob that takes a number from `low` to `high`."""

    name: str
    help: str
    default: float
    low: float = 0.0
    high: float = 1.0

    @property
    def takes(self) -> str:
        return f"a number from {self.low:g} to {self.high:g}"

    def read(self, value: object) -> float:
        """Raises: BadKnob: it is no such number."""
        try:
            number = float(value)  # type: ignore[arg-type]
        except (TypeError, ValueError, OverflowError):
            raise BadKnob(f"{self.name} takes {self.takes}, got {value!r}") from None
        if isinstance(value, bool) or not self.low <= number <= self.high:  # NaN is neither
            raise BadKnob(f"{self.name} takes {self.takes}, got {value!r}")
        return number


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A knob that takes one of a few words."""

    name: str
    help: str
    default: str
    choices: tuple[str, ...]

    @property
    def takes(self) -> str:
        return f"one of {', '.join(self.choices)}"

    def read(self, value: object) -> str:
        """Raises: BadKnob: it is none of them."""
        if value not in self.choices:
            raise BadKnob(f"{self.name} takes {self.takes}, got {value!r}")
        return str(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Colour:
    """A knob that takes a colour: a name of its own, a name or code that CSS knows
    (`green`, `#0f0`, `#00ff00`), or three numbers from 0 to 255.

    Attributes:
        names: its own, which win over CSS's: the green of an eye is not the green of a lamp.
    """

    name: str
    help: str
    default: str
    names: Mapping[str, Rgb] = field(default_factory=dict)

    @property
    def takes(self) -> str:
        own = f"{', '.join(self.names)}, " if self.names else ""
        return f"a colour: {own}a name that CSS knows, or a code like #00ff00"

    def read(self, value: object) -> Rgb:
        """Raises: BadKnob: it is no colour."""
        if isinstance(value, str):
            known = self.names.get(value.lower())
            return known or self._css(value)
        parts = list(value) if isinstance(value, (tuple, list, np.ndarray)) else []
        if len(parts) == 3 and all(is_level(part) for part in parts):
            return int(parts[0]), int(parts[1]), int(parts[2])
        raise BadKnob(f"{self.name} takes {self.takes}, got {value!r}")

    def _css(self, value: str) -> Rgb:
        try:
            found = ImageColor.getrgb(value)
        except ValueError:
            raise BadKnob(f"{self.name} takes {self.takes}, got {value!r}") from None
        if not all(is_level(part) for part in found[:3]):  # as of rgb(300, 0, 0)
            raise BadKnob(f"{self.name} takes {self.takes}, got {value!r}")
        return found[0], found[1], found[2]


def is_level(value: object) -> bool:
    """Whether it is a whole number from 0 to 255."""
    return isinstance(value, Real) and not isinstance(value, bool) and value in range(256)


@dataclass(frozen=True, slots=True, kw_only=True)
class Backdrop:
    """A knob that takes a colour, as `Colour`, or a picture as (H, W, 3) uint8 RGB.

    Text is never taken for a path here, so a server may hand over what a stranger wrote;
    who may read files (the command line, `easyportrait.apply`) reads them before.
    """

    name: str
    help: str
    default: str

    @property
    def takes(self) -> str:
        return "a picture, or a colour: a name that CSS knows, or a code like #00ff00"

    def is_path(self, value: object) -> bool:
        """Whether it can only be meant as the name of a file."""
        if not isinstance(value, str):
            return isinstance(value, Path)
        try:
            self.read(value)
        except BadKnob:
            return True
        return False

    def read(self, value: object) -> Image:
        """(H, W, 3) uint8; (1, 1, 3) for a colour. Raises: BadKnob: it is neither."""
        if isinstance(value, np.ndarray) and value.ndim == 3:
            if value.dtype != np.uint8 or value.shape[2] != 3 or 0 in value.shape:
                raise BadKnob(
                    f"{self.name} takes a picture as (H, W, 3) uint8 RGB, "
                    f"got {value.shape} {value.dtype}"
                )
            return value
        try:
            rgb = Colour(name=self.name, help="", default="").read(value)
        except BadKnob:
            raise BadKnob(f"{self.name} takes {self.takes}, got {value!r}") from None
        return np.array([[rgb]], np.uint8)


Knob = Number | Choice | Colour | Backdrop


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """One effect.

    Attributes:
        name: as users write it, `whiten-teeth`.
        help: one line, for menus.
        run: (image, parsing, **knobs) -> a new picture. `image` is (H, W, 3) uint8 RGB of the
            parsing's size and is not changed; the answer is of the same size, with a fourth
            channel where the effect makes transparency.
        knobs: what can be turned; the first is the one meant when only one value is given.
        needs: classes of which one at least must be there for anything to change.
        switch: on or off, without a value: `--remove-red-eye`.
        reach: how far beyond the needed classes it may change pixels, as a share of the
            picture's longer side; None for effects on the background.
    """

    name: str
    help: str
    run: Callable[..., Image]
    knobs: tuple[Knob, ...]
    needs: tuple[str, ...]
    switch: bool = False
    reach: float | None = 0.0

    @property
    def keyword(self) -> str:
        """The name in Python: `whiten_teeth`."""
        return self.name.replace("-", "_")

    def read(self, values: Mapping[str, object]) -> dict[str, Any]:
        """Values of all knobs, checked; those not given are the defaults.

        Raises:
            BadKnob: there is no such knob, or it does not take the value.
        """
        known = {knob.name: knob for knob in self.knobs}
        for name in values:
            if name not in known:
                has = f"it has {', '.join(known)}" if known else "it has none"
                raise BadKnob(f"{self.name} has no knob {name!r}; {has}")
        try:
            return {n: knob.read(values.get(n, knob.default)) for n, knob in known.items()}
        except BadKnob as error:
            raise BadKnob(f"{self.name}: {error}") from None

    def wish(self, value: object) -> dict[str, object] | None:
        """Knobs out of what a user says of an effect: True is on as it comes, False or None
        is off, a mapping sets knobs by name, anything else is the first knob's value.

        Raises:
            BadKnob: a value for an effect that is on or off.
        """
        if value is None or value is False:
            return None
        if value is True:
            return {}
        if isinstance(value, Mapping):
            return {str(name): v for name, v in value.items()}
        if self.switch:
            raise BadKnob(f"{self.name} is on or off, got {value!r}")
        return {self.knobs[0].name: value}

    def __call__(self, image: Image, parsing: Parsing, **values: object) -> Image:
        """Run it on a picture.

        Raises:
            ShapeMismatch: the picture is not (H, W, 3) uint8 of the parsing's size.
            BadKnob: as `read`.
            BadInput: the parsing's model does not know any class that the effect needs.
        """
        if image.shape != (*parsing.size, 3) or image.dtype != np.uint8:
            raise ShapeMismatch(
                f"{self.name} takes the parsed picture, {(*parsing.size, 3)} uint8, "
                f"got {image.shape} {image.dtype}"
            )
        if not set(self.needs) & set(parsing.taxonomy.names):
            raise BadInput(
                f"{self.name} needs a model that knows {' or '.join(self.needs)}; "
                f"{parsing.model} knows {', '.join(parsing.taxonomy.names)}"
            )
        return self.run(image, parsing, **self.read(values))
