"""A soft light from one side on the person, so that face and body have shape.

The form is made up from the parsing: a mask blurred is a hill, its slope a normal. One hill
is the whole person, a steeper one each face. What a large soft lamp would give to such a form
multiplies the light that is there; brightening bends towards white and never reaches it, and
what is white already stays.
"""

from collections.abc import Sequence

import cv2
import numpy as np

from ..image.colour import from_linear, to_linear
from ..image.matte import bands, enlarge
from ..parsing import Float, Parsing, Window
from ..taxonomy import FACE
from .effect import Choice, Effect, Image, Number
from .smooth_skin import face_height, faces_within

WORK_SIDE = 320  # pixels; the light has no detail
MARGIN = 0.05  # of the person's longer side: where an edge may end

TOWARDS = {"left": (-0.8, -0.6), "right": (0.8, -0.6), "top": (0.0, -1.0)}  # (x, y); y is down

# By eye on portraits, against photographs taken with one softbox.
FACE_HILL, BODY_HILL = 0.16, 0.4  # blur of the masks, in heights of a face
FACE_STEEP, BODY_STEEP = 0.5, 0.6  # height of the hills, in heights of a face
WRAP = 0.4  # how far round the form the lamp reaches, since it is large
FALL = 0.25  # how much of the light is nearness to the lamp
STOPS = 2.9  # from the most to the least of the light at full strength: 2 from cheek to cheek
LIFT = 0.1  # of these stops: a lamp adds light to all
DIM = 2.0  # stops off the background at full strength


def shape_light(
    image: Image, parsing: Parsing, *, amount: float, side: str, angle: float, background: float
) -> Image:
    """A picture whose people are lit from one side.

    Args:
        image: (H, W, 3) uint8 RGB. Not changed.
        parsing: of the same picture, of a model that knows where the person ends.
        amount: 0 changes nothing; at 0.5 the far cheek is darker by a stop, which is the
            ratio 2:1 of a usual portrait, at 1 by two, the 4:1 of a dramatic one.
        side: where the lamp stands as the viewer sees it: "left", "right" (both a little
            above the face) or "top".
        angle: degrees between the lamp and the camera: at 15 flat, at 75 sculpted.
        background: how much the rest is darkened, in proportion to `amount`: up to 2 stops.
            Above 0 all of the picture may change.

    Returns:
        (H, W, 3) uint8. Nothing is cut at white that was not before.
    """
    out = image.copy()
    windows = parsing.windows(*parsing.taxonomy.names[1:], margin=MARGIN)
    if amount == 0 or not windows:
        return out
    if background > 0:
        dim = np.float32(2 ** (-DIM * background * amount))
        for rows in bands(image.shape[0]):
            # squared: a rim a little too dark is not seen, one left bright is a halo
            left = dim + (1 - dim) * parsing.person[rows] ** 2
            out[rows] = from_linear(to_linear(image[rows]) * left[..., None])
    lamp = (*TOWARDS[side], angle)
    for rows, columns in windows:
        person = parsing.person[rows, columns]
        stops = amount * STOPS * shading(parsing, (rows, columns), person, lamp)
        height, width = person.shape
        for band in bands(height):
            gain = np.exp2(enlarge(stops, band, height, width) * person[band])
            place = out[rows, columns][band]
            place[:] = lit(place, gain)
    return out


def shading(
    parsing: Parsing, window: Window, person: Float, lamp: tuple[float, float, float]
) -> Float:
    """How much of the lamp's light falls where.

    Args:
        parsing: of the picture.
        window: in which the person is.
        person: (H, W) float32 in [0, 1], in the window.
        lamp: to which side it stands, (x, y), and degrees from the camera.

    Returns:
        (h, w) float32 about in [-0.5, 0.5], at most `WORK_SIDE` long, without any edge.
    """
    names = [name for name in FACE if name in parsing.taxonomy.names]
    faces = parsing.region(*names, within=window) if names else np.zeros_like(person)
    face = face_height(faces, faces_within(parsing, window)) or 0.35 * np.sqrt(person.sum())
    scale = min(1.0, WORK_SIDE / max(person.shape))
    size = max(1, round(person.shape[1] * scale)), max(1, round(person.shape[0] * scale))
    face = max(1.0, float(face) * scale)
    body = cv2.resize(person, size, interpolation=cv2.INTER_AREA)
    head = cv2.resize(faces, size, interpolation=cv2.INTER_AREA)
    down, right = slope(
        [(body, BODY_HILL * face, BODY_STEEP * face), (head, FACE_HILL * face, FACE_STEEP * face)]
    )
    x, y, angle = lamp
    across, ahead = np.sin(np.radians(angle)), np.cos(np.radians(angle))
    facing = (ahead - across * (x * right + y * down)) / np.sqrt(1 + right**2 + down**2)
    light = np.clip((facing + WRAP) / (1 + WRAP), 0, 1)
    light += FALL * across * nearness(light.shape, head if head.any() else body, face, x, y)
    weight = np.maximum(head if head.any() else body, 1e-6)
    middle = float((light * weight).sum() / weight.sum())
    return np.asarray(light - middle + LIFT, np.float32)


def slope(hills: Sequence[tuple[Float, float, float]]) -> tuple[Float, Float]:
    """How much a landscape rises downwards and to the right, per pixel.

    Args:
        hills: of each a mask in [0, 1], over how many pixels its sides slope, its height.
    """
    height = sum(
        (
            steep * cv2.GaussianBlur(mask, (0, 0), max(0.5, wide), borderType=cv2.BORDER_REPLICATE)
            for mask, wide, steep in hills
        ),
        start=np.zeros_like(hills[0][0]),
    )
    around = cv2.copyMakeBorder(height, 1, 1, 1, 1, cv2.BORDER_REPLICATE)
    down = (around[2:, 1:-1] - around[:-2, 1:-1]) / 2
    right = (around[1:-1, 2:] - around[1:-1, :-2]) / 2
    return down, right


def nearness(shape: tuple[int, ...], middle: Float, face: float, x: float, y: float) -> Float:
    """(h, w) in [-1, 1]: how much nearer than the face's middle a pixel is to the lamp."""
    total = max(float(middle.sum()), 1e-6)
    across, along = np.arange(shape[1], dtype=np.float32), np.arange(shape[0], dtype=np.float32)
    centre_x = float(middle.sum(0) @ across) / total
    centre_y = float(middle.sum(1) @ along) / total
    ahead = (across - centre_x) * x + ((along - centre_y) * y)[:, None]
    return np.asarray(np.tanh(ahead / (1.5 * face)), np.float32)


def lit(part: Image, gain: Float) -> Image:
    """Colours under another light: darker by a factor; brighter so that the strongest of a
    pixel's channels nears white without reaching it, and hue and saturation stay. White stays
    white: nobody knows how bright it was, and in shade it would be a flat grey. What nears
    it is spared with the fourth power of its weakest channel."""
    red, green, blue = cv2.split(part)
    strongest = to_linear(np.maximum(np.maximum(red, green), blue))
    weakest = to_linear(np.minimum(np.minimum(red, green), blue))
    towards = np.where(gain > 1, strongest, np.square(np.square(weakest)))
    bent = gain / (1 + (gain - 1) * towards)
    return from_linear(to_linear(part) * bent[..., None])


EFFECT = Effect(
    name="shape-light",
    help="Light the person softly from one side.",
    run=shape_light,
    knobs=(
        Number(name="amount", help="how much", default=0.5),
        Choice(name="side", help="where the lamp stands", default="left", choices=tuple(TOWARDS)),
        Number(
            name="angle",
            help="degrees between lamp and camera: how sculpted",
            default=45,
            low=15,
            high=75,
        ),
        Number(name="background", help="how much the rest is darkened", default=0.0),
    ),
    needs=("person",),
    reach=MARGIN,
)
