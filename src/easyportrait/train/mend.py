"""Mends two systematic faults of masks that were made by face meshes, not by hand.

A mesh puts the brow where brows usually are, some pixels off the hair itself; and it
takes everything between hairline and jaw for skin, beards too (a beard is `person`).
Both are set right from the picture alone. Constants were chosen by eye on training
portraits. A few of the hand-drawn faces used for scoring had been looked at before, to see
how a drawn brow lies; nothing was fitted to them.
"""

import cv2
import numpy as np
import numpy.typing as npt

from ..taxonomy import CLASSES, IGNORE, Mask

SKIN = CLASSES.index("skin")
PERSON = CLASSES.index("person")
LIPS = CLASSES.index("lips")
EYES = (CLASSES.index("left_eye"), CLASSES.index("right_eye"))
BROWS = (CLASSES.index("left_brow"), CLASSES.index("right_brow"))

Float = npt.NDArray[np.float32]


def mend(image: npt.NDArray[np.uint8], mask: Mask, face_height: float) -> Mask:
    """Brows moved onto their hair, beards taken out of the skin.

    Args:
        image: (H, W, 3) uint8 RGB.
        mask: (H, W) uint8, nine classes and 255.
        face_height: hairline to chin, in pixels.

    Returns:
        A new mask.
    """
    lab = cv2.cvtColor(image, cv2.COLOR_RGB2LAB).astype(np.float32)
    light = cv2.GaussianBlur(lab[..., 0], (0, 0), 1)
    reach = max(2, round(face_height * 0.045))
    mended = mask
    for brow in BROWS:
        mended = snap_brow(light, mended, brow, reach)
    return unbeard(lab, mended)


def snap_brow(light: Float, mask: Mask, brow: int, reach: int) -> Mask:
    """Move one brow, as it is, to the darkest place within `reach` pixels.

    Darkness is contrast with the skin around it. A place that covers an eye, hair or
    glasses, or lies far, pays for it; a move that gains little is not made.
    """
    ys, xs = np.nonzero(mask == brow)
    if len(ys) < 12:
        return mask
    pad = 3 * reach
    window = np.s_[
        max(0, ys.min() - pad) : ys.max() + pad + 1, max(0, xs.min() - pad) : xs.max() + pad + 1
    ]
    old, near = mask[window], light[window]
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1,) * 2)
    eyes = cv2.dilate(np.isin(old, EYES).astype(np.uint8), disc)
    free = (((old == SKIN) | (old == brow)) & (eyes == 0)).astype(np.float32)
    shape = (old == brow).astype(np.float32)
    ring = cv2.dilate(shape, disc) - shape

    def score(dy: int, dx: int) -> float:
        inside, outside = moved(shape, dy, dx), moved(ring, dy, dx) * free
        lost = 1 - (inside * free).sum() / max(inside.sum(), 1)
        inside = inside * free
        if inside.sum() < 1 or outside.sum() < 1:
            return -np.inf
        contrast = (near * outside).sum() / outside.sum() - (near * inside).sum() / inside.sum()
        return float(contrast - 90 * lost - 8 * (dx * dx + dy * dy) / reach**2)

    places = [
        (dy, dx) for dy in range(-reach, reach + 1) for dx in range(-(reach // 2), reach // 2 + 1)
    ]
    best = max(places, key=lambda place: score(*place))
    if score(*best) < score(0, 0) + 3:
        return mask
    new = mask.copy()
    new[window][shape > 0] = SKIN
    new[window][(moved(shape, *best) > 0.5) & (new[window] == SKIN)] = brow
    return new


def moved(array: Float, dy: int, dx: int) -> Float:
    height, width = array.shape
    return cv2.warpAffine(array, np.array([[1, 0, dx], [0, 1, dy]], np.float32), (width, height))


def unbeard(lab: Float, mask: Mask) -> Mask:
    """Turn a beard from skin into person where it is plain to see, into 255 where it may be.

    A beard darkens the lower face on both sides of the mouth against the cheek above
    it; a shadow seldom does.
    """
    found, coverage = beard(lab, mask)
    if coverage < 0.5:
        return mask
    new = mask.copy()
    new[found] = PERSON if coverage >= 0.75 else IGNORE
    return new


def beard(lab: Float, mask: Mask) -> tuple[npt.NDArray[np.bool_], float]:
    """(H, W) bool of beard pixels, and how much of the mouth's surroundings they cover.

    Positions are measured along the line from the eyes (0) to the lips (1), so that a
    tilted head is no special case.
    """
    none = np.zeros(mask.shape, bool), 0.0
    eyes, lips = np.argwhere(np.isin(mask, EYES)), np.argwhere(mask == LIPS)
    if len(eyes) < 8 or len(lips) < 8:
        return none
    start, axis = eyes.mean(0), lips.mean(0) - eyes.mean(0)
    length = float(np.hypot(*axis))
    if length < 22:
        return none
    rows, columns = np.indices(mask.shape, dtype=np.float32)
    y, x = rows - start[0], columns - start[1]
    down = (y * axis[0] + x * axis[1]) / length**2
    across = (x * axis[0] - y * axis[1]) / length**2
    skin = mask == SKIN
    cheek, low = skin & (down > 0.25) & (down < 0.62), skin & (down > 0.72)
    smooth = cv2.GaussianBlur(lab, (0, 0), max(length * 0.025, 0.8))
    found = np.zeros(mask.shape, bool)
    halves = (across < 0, across >= 0)
    for half in halves:
        if (cheek & half).sum() < 15 or (low & half).sum() < 15:
            return none
        found |= low & half & unlike(smooth, smooth[cheek & half])
    around_mouth = low & (np.abs(across) < 0.45) & (down < 1.75)
    coverage = min(
        float((found & around_mouth & half).sum() / max((around_mouth & half).sum(), 1))
        for half in halves
    )
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * int(length * 0.06) + 1,) * 2)
    tidy = cv2.morphologyEx(found.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    tidy = cv2.morphologyEx(tidy, cv2.MORPH_CLOSE, disc)
    return (tidy > 0) & low, coverage


def unlike(lab: Float, cheek: Float) -> npt.NDArray[np.bool_]:
    """(H, W) bool: clearly darker than the cheek, or as light but much greyer."""
    middle = np.median(cheek, axis=0)
    spread = float(np.median(np.abs(cheek[:, 0] - middle[0]))) + 2
    darker = middle[0] - lab[..., 0] > max(20, 2.2 * spread)
    chroma = np.hypot(lab[..., 1] - 128, lab[..., 2] - 128)
    greyer = chroma < 0.6 * np.hypot(middle[1] - 128, middle[2] - 128)
    far = np.linalg.norm((lab - middle) * np.array([1, 1.2, 1.2], np.float32), axis=-1) > 24
    return darker | (far & greyer & (lab[..., 0] > middle[0] - 5))
