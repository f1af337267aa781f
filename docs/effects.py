"""Make docs/effects.md and its pictures: every effect, before and after.

    python docs/effects.py

The photograph is the one that comes with the package: Eileen Collins by NASA, public domain.
"""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

import easyportrait
from easyportrait.effects.effect import Backdrop, Choice, Colour, Effect, Knob
from easyportrait.image.blend import beside

DOCS = Path(__file__).parent
HEIGHT = 360  # of each picture in the page


@dataclass(frozen=True, slots=True)
class Show:
    """What to show of an effect: where on the astronaut (top, bottom, left, right) and how."""

    where: tuple[int, int, int, int]
    wish: object
    say: str = ""


FACE, BUST = (70, 185, 160, 290), (0, 330, 40, 410)
EYES, MOUTH = (85, 125, 175, 275), (125, 165, 175, 275)

SHOWN = {
    "remove-red-eye": Show(EYES, True, "The red pupils were painted onto the photograph."),
    "eye-color": Show(EYES, "green"),
    "whiten-teeth": Show(MOUTH, 0.8),
    "tint-lips": Show(MOUTH, "#b03048"),
    "smooth-skin": Show(FACE, 0.7),
    "shape-light": Show(BUST, 0.6),
    "anonymize": Show(BUST, "pixelate"),
    "blur-background": Show(BUST, 0.6),
    "replace-background": Show(BUST, "#3c6e71"),
    "remove-background": Show(BUST, True),
}


def with_red_eyes(image: np.ndarray, parsing: easyportrait.Parsing) -> np.ndarray:
    """The picture as a flash beside the lens would have made it."""
    out = image.astype(np.float32)
    for face in parsing.faces:
        for name in ("left_eye", "right_eye"):
            if name not in face.parts:
                continue
            eye = face.parts[name]
            y, x = np.indices(image.shape[:2])
            radius = 0.16 * (eye.box.right - eye.box.left)
            far = np.hypot(x - eye.centre[0], y - eye.centre[1])
            share = np.clip(radius + 0.5 - far, 0, 1)[..., None]
            glint = np.clip((out.mean(2, keepdims=True) - 150) / 50, 0, 1)
            out += share * (1 - glint) * (np.array([190, 30, 35], np.float32) - out)
    return out.round().astype(np.uint8)


def picture(effect: Effect, show: Show) -> np.ndarray:
    image = easyportrait.demo_image()
    parsing = easyportrait.parse(image)
    if effect.name == "remove-red-eye":
        image = with_red_eyes(image, parsing)
        parsing = easyportrait.parse(image)
    after = easyportrait.apply(parsing, **{effect.keyword: show.wish})
    top, bottom, left, right = show.where
    pair = beside(image[top:bottom, left:right], after[top:bottom, left:right])
    scale = HEIGHT / len(pair)
    way = cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA
    return cv2.resize(pair, None, fx=scale, fy=scale, interpolation=way)


def takes(knob: Knob) -> str:
    if isinstance(knob, Choice):
        return ", ".join(f"`{choice}`" for choice in knob.choices)
    if isinstance(knob, Backdrop):
        return "a colour, or a picture"
    if isinstance(knob, Colour):
        own = ", ".join(f"`{name}`" for name in knob.names)
        return f"{own + '; ' if own else ''}any colour, as `#3c6e71`"
    return f"{knob.low:g} to {knob.high:g}"


def section(effect: Effect, show: Show) -> str:
    value = "" if effect.switch else f" {show.wish}"
    quoted = f" '{show.wish}'" if "#" in str(show.wish) else value
    python = show.wish if not isinstance(show.wish, str) else f'"{show.wish}"'
    lines = [
        f"## {effect.name}",
        "",
        f"{effect.help} {show.say}".strip(),
        "",
        f"![before and after](images/effects/{effect.name}.jpg)",
        "",
        f"`easyportrait apply photo.jpg -o out --{effect.name}{quoted}` · "
        f'`easyportrait.apply("photo.jpg", {effect.keyword}={python})`',
    ]
    if effect.knobs:
        lines += ["", "| knob | | takes | default |", "| --- | --- | --- | --- |"]
        for at, knob in enumerate(effect.knobs):
            name = f"`--{effect.name}`" if at == 0 and not effect.switch else ""
            name = name or f"`--{effect.name}-{knob.name}`"
            default = f"{knob.default:g}" if isinstance(knob.default, float) else knob.default
            lines.append(f"| {name} | {knob.help} | {takes(knob)} | {default} |")
    return "\n".join(lines)


INTRO = """# Effects

Made by [docs/effects.py](effects.py). Each changes only what it is about: outside its region a
picture stays bit for bit, and at amount 0 all of it does. Several on one picture run in the order
of this page, whatever order they are written in: faces are retouched, then lit, then hidden, and
the background comes last.
"""


def main() -> None:
    sections = [INTRO]
    for effect in easyportrait.EFFECTS.values():
        show = SHOWN[effect.name]
        path = DOCS / "images" / "effects" / f"{effect.name}.jpg"
        easyportrait.write_image(path, picture(effect, show))
        sections.append(section(effect, show))
    (DOCS / "effects.md").write_text("\n\n".join(s.strip() for s in sections) + "\n")


if __name__ == "__main__":
    main()
