"""Calm skin as a retoucher does: blotches and blemishes go back, pores and hairs stay.

Frequency separation, by scale and by contrast. A guided filter (He, Sun & Tang 2013), fed by
nothing but skin, gives what stays of the light: the face's form, and edges. What it takes off
is split by scale: unevenness wider than a pore is calmed, what is finer is kept as `detail`
says. Spots are found by their shape: darker or redder than all around them, whichever way a
line is drawn through them, so wrinkles and hairs are none.

All widths are shares of the face's height. Wide filters run where a face is at most
`WORK_SIDE` high; only what is finer is worked out at full size, in bands.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from ..image.colour import add_lab, to_lab
from ..image.matte import bands, enlarge
from ..parsing import Float, Parsing, Window
from ..taxonomy import FACE, FACE_PARTS
from .edges import ramp
from .effect import Effect, Image, Number

WORK_SIDE = 400  # pixels of face height at which a pore is about one pixel

# Shares of a face's height, by eye on portraits of all ages and skins.
FORM = 0.035  # what is wider belongs to the face's form
PORE = 0.006  # what is narrower is texture
SPOT = 0.05  # the widest blemish
BLOTCH = 0.09  # over which colours are evened

# In CIELAB; skin without blemishes varies by 1 to 3 around its form.
EDGE = 4.5  # L: what varies more, as a deep wrinkle, keeps most of itself
HAIR = (3.5, 7.0)  # L: fine contrast of stubble and hair, from where skin ends to where it is all
MOLE = (9.0, 16.0)  # L: a spot that much darker is no blemish, but belongs to the person
STRONGEST = 0.85  # of what is taken off at full strength: skin without any looks like wax


def smooth_skin(
    image: Image, parsing: Parsing, *, amount: float, detail: float, tone: float
) -> Image:
    """A picture with calmer skin.

    Args:
        image: (H, W, 3) uint8 RGB. Not changed.
        parsing: of the same picture. Only what it takes for skin changes, and of that
            nothing that is far darker, lighter or of another colour than the skin around
            (nostrils, hair, frames of glasses).
        amount: 0 changes nothing; 1 is as far as a photograph still looks like one.
        detail: share of pores and fine hair that stays.
        tone: share of colour blotches that is evened, in proportion to `amount`.

    Returns:
        (H, W, 3) uint8; what is no skin stays bit for bit.
    """
    out = image.copy()
    if amount == 0 or "skin" not in parsing.taxonomy.names:
        return out
    names = [name for name in FACE if name in parsing.taxonomy.names]
    for window in parsing.windows(*names, margin=0.05):
        part = image[window]
        skin = look_closer(part, parsing, window, names)
        if skin is not None:
            out[window] = calmed(part, skin, amount, 1 - detail, tone)
    return out


@dataclass(frozen=True, slots=True, eq=False)
class Skin:
    """The skin in a window, where a face is at most `WORK_SIDE` high.

    Attributes:
        lab: (h, w, 3) float32 CIELAB.
        share: (h, w) float32 in [0, 1]: how much of a pixel is skin to be changed.
        face: height of the face, in pixels of this size.
    """

    lab: Float
    share: Float
    face: float


def look_closer(part: Image, parsing: Parsing, window: Window, names: list[str]) -> Skin | None:
    """The skin of the faces in a window; None if there is next to none."""
    probability = parsing.region("skin", within=window)
    parts = [name for name in names if name in FACE_PARTS]
    inner = parsing.region(*parts, within=window) if parts else np.zeros_like(probability)
    height = face_height(probability + inner, faces_within(parsing, window))
    if height < 8:
        return None
    scale = min(1.0, WORK_SIDE / height)
    rows, columns = part.shape[:2]
    size = max(1, round(columns * scale)), max(1, round(rows * scale))
    small = cv2.resize(part, size, interpolation=cv2.INTER_AREA)
    skin = ramp(cv2.resize(probability, size, interpolation=cv2.INTER_AREA), 0.5, 0.9)
    inner = cv2.resize(inner, size, interpolation=cv2.INTER_AREA)
    lab, face = to_lab(small), height * scale
    share = skin * away_from(inner > 0.3, 0.02 * face) * skin_coloured(lab, skin, face)
    share *= away_from(skin + inner < 0.5, 0.015 * face)  # the face turns away there
    if float(share.max(initial=0)) == 0:
        return None
    return Skin(lab, share * smooth_enough(lab[..., 0], share, face), face)


def face_height(probability: Float, faces: int) -> float:
    """In pixels, from the area of `faces` faces: an ellipse 3/4 as wide as it is high.
    Steadier than a box, which a fringe, beard or turned head cuts short."""
    return float(1.3 * np.sqrt((probability > 0.5).sum() / max(1, faces)))


def faces_within(parsing: Parsing, window: Window) -> int:
    rows, columns = window
    centres = (face.box.centre for face in parsing.faces)
    return sum(
        rows.start <= y < rows.stop and columns.start <= x < columns.stop for x, y in centres
    )


def away_from(seen: npt.NDArray[np.bool_], margin: float) -> Float:
    """(h, w) in [0, 1]: 0 on what is seen and up to `margin` beside it, 1 from twice that."""
    if not seen.any():
        return np.ones(seen.shape, np.float32)
    far = cv2.distanceTransform((~seen).astype(np.uint8), cv2.DIST_L2, 5)
    return ramp(far, margin, 2 * margin)


def skin_coloured(lab: Float, skin: Float, face: float) -> Float:
    """(h, w) in [0, 1]: 0 where something on the skin is far from its colour around."""
    around = average(lab, skin, 0.1 * face)
    ratio = np.asarray(lab[..., 0] / np.maximum(around[..., 0], 1), np.float32)
    hue = np.asarray(np.linalg.norm((lab - around)[..., 1:], axis=-1), np.float32)
    alike = ramp(ratio, 0.6, 0.78) * (1 - ramp(ratio, 1.25, 1.5)) * (1 - ramp(hue, 14, 24))
    # what lies beside a hair is mixed with it
    beside = 2 * max(1, round(0.008 * face)) + 1
    near = cv2.erode(alike, np.ones((beside, beside), np.uint8))
    return cv2.GaussianBlur(near, (0, 0), max(0.3, 0.005 * face))


def smooth_enough(lightness: Float, share: Float, face: float) -> Float:
    """(h, w) in [0, 1]: 0 where fine contrast is that of hair, not of skin."""
    fine = lightness - average(lightness, share, max(0.6, PORE * face))
    contrast = np.sqrt(average(fine * fine, share, 0.02 * face))
    return 1 - ramp(contrast, *HAIR)


def calmed(part: Image, skin: Skin, amount: float, rough: float, tone: float) -> Image:
    """The window with what is to go taken off, in bands."""
    lightness, face, share = skin.lab[..., 0], skin.face, skin.share
    slope, offset = guided(lightness, share, FORM * face, EDGE**2)
    texture = lightness - slope * lightness - offset
    uneven = average(texture, share, max(0.6, PORE * face))
    spots = spot(-lightness, face)
    spots *= 1 - ramp(spots, *MOLE)
    redness = spot(skin.lab[..., 1], face)
    few = 1 - ramp(average((spots + redness > 3).astype(np.float32), share, 0.1 * face), 0.1, 0.3)
    change = np.zeros_like(skin.lab)
    change[..., 0] = 0.6 * few * spots - STRONGEST * uneven
    change[..., 1] = -0.6 * few * redness
    colours = np.ascontiguousarray(skin.lab[..., 1:])
    evened = average(colours, share, BLOTCH * face) - average(colours, share, PORE * face)
    change[..., 1:] += 0.8 * tone * evened
    change *= amount * share[..., None]
    strength = amount * 0.75 * rough * share

    out = np.empty_like(part)
    height, width = part.shape[:2]
    for rows in bands(height):

        def full(small: Float, rows: slice = rows) -> Float:
            return enlarge(small, rows, height, width)

        shift = full(change).copy()
        lab = to_lab(part[rows])
        fine = lab[..., 0] * (1 - full(slope)) - full(offset) - full(uneven)
        shift[..., 0] -= full(strength) * fine
        out[rows] = add_lab(part[rows], shift)
    return out


def guided(values: Float, weight: Float, width: float, smoothness: float) -> tuple[Float, Float]:
    """A guided filter with the picture as its own guide, that sees only where `weight` is.

    Returns:
        `slope` and `offset` (h, w): slope * values + offset is the filtered picture.
    """
    mean = average(values, weight, width)
    spread = np.maximum(average(values * values, weight, width) - mean * mean, np.float32(0))
    slope = np.asarray(spread / (spread + smoothness), np.float32)
    offset = mean * (1 - slope)
    return average(slope, weight, width / 2), average(offset, weight, width / 2)


def spot(values: Float, face: float) -> Float:
    """(h, w) float32 >= 0: by how much a pixel stands out of what lies beside it along
    every line through it: the least of white top-hats with lines of all directions."""
    length = max(3, round(SPOT * face)) | 1
    smooth = cv2.GaussianBlur(values, (0, 0), max(0.5, 0.005 * face))
    out = np.full_like(values, np.inf)
    for angle in range(0, 180, 30):
        line = np.zeros((length, length), np.uint8)
        x, y = np.cos(np.radians(angle)) * length, np.sin(np.radians(angle)) * length
        middle = length // 2
        ends = [(round(middle + s * x / 2), round(middle + s * y / 2)) for s in (-1, 1)]
        cv2.line(line, ends[0], ends[1], 1)
        np.minimum(out, smooth - cv2.morphologyEx(smooth, cv2.MORPH_OPEN, line), out=out)
    return np.maximum(out - 1, 0)  # noise stands out by about 1


def average(values: Float, weight: Float, width: float) -> Float:
    """Gaussian mean over about `width` pixels of what has weight; where nothing near has
    any, the value itself."""
    w = weight if values.ndim == 2 else weight[..., None]
    total = cv2.GaussianBlur(weight, (0, 0), max(0.3, width))
    total = total if values.ndim == 2 else total[..., None]
    mixed = cv2.GaussianBlur(values * w, (0, 0), max(0.3, width))
    return np.where(total > 1e-3, mixed / np.maximum(total, 1e-3), values)


EFFECT = Effect(
    name="smooth-skin",
    help="Calm the skin, and keep it skin.",
    run=smooth_skin,
    knobs=(
        Number(name="amount", help="how much", default=0.4),
        Number(name="detail", help="how much of pores and fine hair stays", default=0.7),
        Number(name="tone", help="how much blotches of colour are evened", default=0.5),
    ),
    needs=("skin",),
)
