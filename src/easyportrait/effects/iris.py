"""Where in an eye the iris is, and in it the pupil.

A net says where an eye is, softly and coarsely; a circle found in the picture's own light
says where its iris is. Iris and pupil are dark, the white around them is bright, and lids
hide what they like:

    the picture    brought to eyes of one width, in the darker of its red and green: there
                   a blue iris is dark, a brown one is, and so is a pupil red from a flash
    roughly        of all circles the one that parts the visible eye best into dark inside
                   and bright outside (two levels, as Otsu 1979)
    closely        rays from its middle cross its rim; a circle is fitted to the crossings,
                   those by the lids counting little and strays nothing (as Daugman 1993
                   looks left and right, where lids leave the rim alone)
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import hypot

import cv2
import numpy as np
import numpy.typing as npt

from ..image.matte import guided_coefficients
from ..parsing import Float, Parsing, Window
from .effect import Image

EYES = ("left_eye", "right_eye")

# shares of an eye's width, by eye on portraits: an iris is 11.7 mm across, a lid's slit 25 to 30
USUAL_RADIUS = 0.27
RADII = np.geomspace(0.18, 0.36, 9)
WIDTH = 96  # of an eye where it is searched, in pixels
LEAST_WIDTH = 8  # of an eye in the picture, in pixels: below, an iris has no shape
LEAST_RANGE = 12  # from dark to bright in an eye, in steps of 255: below, it is noise
STEP = 0.25  # from iris to white, of an eye's range: more says nothing more
WHITE = 0.4  # what an outside as bright as the eye's white is worth, on the same scale
TWIN_WIDTH = 0.6, 1.6  # times a twin's: a turned head makes one eye narrower
TWIN_APART = 5.0  # an eye's widths, at most, from one eye of a face to the other
USUAL_PUPIL = 0.42  # of the iris' radius, indoors


@dataclass(frozen=True, slots=True)
class Iris:
    """A circle in a picture; 0, 0 is the middle of its first pixel.

    Attributes:
        x, y, radius: of the outer rim of the iris, in pixels.
        pupil: radius of the pupil, about the same middle.
    """

    x: float
    y: float
    radius: float
    pupil: float

    def far(self, height: int, width: int) -> Float:
        """(height, width): how far each pixel's middle is from the iris' middle."""
        y, x = np.ogrid[:height, :width]
        return np.hypot(y - self.y, x - self.x).astype(np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Eye:
    """One eye.

    Attributes:
        window: rows and columns of the picture; all else is told within it.
        iris: in the window's pixels; None where there is no telling.
        open: (h, w) float32 in [0, 1]: what the lids leave open, along the picture's edges.
    """

    window: Window
    iris: Iris | None
    open: Float


def eyes(image: Image, parsing: Parsing) -> list[Eye]:
    """Every eye of every face. An iris that cannot be told alone is told by its twin's size,
    so that no face ends up with one eye changed and one not.

    Args:
        image: (H, W, 3) uint8 RGB.
        parsing: of the same picture.
    """
    found = []
    for window, alone in single_eyes(parsing):
        part = image[window]
        found.append((Eye(window, find_iris(part, alone), opening(part, alone)), alone))
    known = [(eye, eye_width(alone)) for eye, alone in found if eye.iris is not None]
    return [with_twin(image, eye, alone, known) for eye, alone in found]


def single_eyes(parsing: Parsing) -> Iterator[tuple[Window, Float]]:
    """Each eye's rows and columns, and how much each pixel in them is this eye."""
    names = [name for name in EYES if name in parsing.taxonomy.names]
    for window in parsing.windows(*names, above=0.3, margin=0.2):
        region = parsing.region(*names, within=window)
        count, parts, stats, _ = cv2.connectedComponentsWithStats((region > 0.3).astype(np.uint8))
        for part in range(1, count):
            left, top, width, height, _ = stats[part].tolist()
            more = round(0.2 * max(width, height))
            rows = slice(max(0, top - more), min(len(region), top + height + more))
            columns = slice(max(0, left - more), min(region.shape[1], left + width + more))
            alone = region[rows, columns] * np.isin(parts[rows, columns], (0, part))
            at = tuple(
                slice(outer.start + inner.start, outer.start + inner.stop)
                for outer, inner in zip(window, (rows, columns), strict=True)
            )
            yield (at[0], at[1]), alone


def with_twin(image: Image, eye: Eye, alone: Float, known: list[tuple[Eye, float]]) -> Eye:
    """The eye, with an iris as large as that of the face's other eye if it has none itself."""
    width = eye_width(alone)
    if eye.iris is not None or not width:
        return eye
    twins = [
        (apart(eye.window, other.window), other.iris.radius / across)
        for other, across in known
        if other.iris is not None and TWIN_WIDTH[0] < width / across < TWIN_WIDTH[1]
    ]
    far, share = min(twins, default=(np.inf, 0.0))
    if far > TWIN_APART * width:
        return eye
    return replace(eye, iris=find_iris(image[eye.window], alone, share))


def apart(a: Window, b: Window) -> float:
    """Pixels between the middles of two windows."""
    y, x = ((p.start + p.stop - q.start - q.stop) / 2 for p, q in zip(a, b, strict=True))
    return hypot(x, y)


def opening(part: Image, region: Float) -> Float:
    """(h, w) in [0, 1]: the eye between its lids, drawn along the edges of the picture; 0
    wherever the region is."""
    reach = max(1, round(0.06 * eye_width(region)))
    guide = (part / 255).astype(np.float32)
    slope, offset = guided_coefficients(guide, region, reach, 1e-3)
    drawn = np.einsum("hwc,hwc->hw", slope, guide) + offset
    return np.clip((drawn - 0.2) / 0.5, 0, 1) * np.clip(region / 0.2, 0, 1)


def find_iris(part: Image, region: Float, share: float | None = None) -> Iris | None:
    """The iris of an eye.

    Args:
        part: (h, w, 3) uint8 RGB, the eye and a little around it.
        region: (h, w) float32 in [0, 1]: how much each pixel is the eye, soft and coarse.
        share: of the eye's width that the radius is, if that is known: then the likeliest
            place will do, unless the lids hide most of it.

    Returns:
        Its circle, to a small part of a pixel; None where the eye is shut, too small, too
        dark or too covered to be sure of one.
    """
    width = eye_width(region)
    if width < LEAST_WIDTH or region.max() < 0.5:
        return None
    scale = WIDTH / width
    darker = np.minimum(part[..., 0], part[..., 1]).astype(np.float32)
    light, seen = resized(darker, scale), resized(region, scale)
    levels = light[seen > 0.5]
    if not levels.size:
        return None
    low, high = np.percentile(levels, (5, 90))
    if high - low < LEAST_RANGE:
        return None
    light = without_glints(light)
    light = cv2.GaussianBlur(np.clip((light - low) / (high - low), -0.5, 1.2), (0, 0), 1.2)
    rough = roughly(light, seen)
    if share is None:
        circle = fitted(light, seen, rough, max(1.0, scale / 3))
    else:
        circle = placed(seen, rough[0], rough[1], share * WIDTH)
    if circle is None:
        return None
    x, y, radius = circle
    pupil = pupil_share(light, seen, circle)
    return Iris(
        (x + 0.5) / scale - 0.5, (y + 0.5) / scale - 0.5, radius / scale, pupil * radius / scale
    )


def placed(seen: Float, x: float, y: float, radius: float) -> tuple[float, float, float] | None:
    """The circle, if the lids leave half of it free."""
    ys, xs = np.indices(seen.shape)
    within = np.hypot(xs - x, ys - y) < radius
    return (x, y, radius) if within.any() and (seen[within] > 0.5).mean() > 0.5 else None


def eye_width(region: Float) -> float:
    """How wide an eye is from corner to corner, however it is turned, in pixels."""
    ys, xs = np.nonzero(region > 0.5)
    if len(xs) < 3:
        return 0.0
    across, _ = np.linalg.eigh(np.cov(np.stack([xs, ys])) + np.eye(2) / 12)
    return float(4 * np.sqrt(across[1]))  # an ellipse's longer axis is four deviations long


def resized(values: Float, scale: float) -> Float:
    """The same picture, `scale` times as large, without a shift of half a pixel."""
    height, width = values.shape
    size = max(1, round(scale * width)), max(1, round(scale * height))
    if scale < 1:
        values = cv2.GaussianBlur(values, (0, 0), 0.4 / scale)
    to = np.array([[scale, 0, (scale - 1) / 2], [0, scale, (scale - 1) / 2]])
    return cv2.warpAffine(values, to, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)


ANGLES = np.arange(96) * (2 * np.pi / 96)
COS, SIN = np.cos(ANGLES), np.sin(ANGLES)
# left and right the rim is free, below often, above hardly ever
FREE = np.clip(1.15 - np.abs(SIN) ** 2, 0.05, 1) * np.where(SIN < 0, 0.7, 1.0)


def without_glints(light: Float) -> Float:
    """The picture without bright spots narrower than a pupil that hang on nothing larger: what
    an opening leaves, grown back under what was there."""
    spot = round(0.12 * WIDTH) | 1
    kept = cv2.erode(light, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (spot, spot)))
    for _ in range(WIDTH):
        grown = np.minimum(cv2.dilate(kept, np.ones((3, 3), np.uint8)), light)
        if (grown == kept).all():
            break
        kept = grown
    return kept


def roughly(light: Float, seen: Float) -> tuple[float, float, float]:
    """x, y, radius of the likeliest circle of a grid of them: dark within, bright around."""
    lids = np.clip((seen - 0.3) / 0.4, 0, 1)
    xs, ys = (
        axis[::2, ::3][lids[::2, ::3] > 0.5]
        for axis in np.meshgrid(*map(np.arange, seen.shape[::-1]))
    )
    usual = float((lids * light).sum() / lids.sum())
    rows, height = np.arange(len(lids))[:, None], lids.sum(0)
    middle = (lids * rows).sum(0) / (height + 1e-6)
    # half shut lids: the lower one stays where it is, just above the rim's lowest point
    below = middle + height / 2 - 0.85 * USUAL_RADIUS * WIDTH
    middle += 0.65 * np.minimum(below - middle, 0)
    rays = slice(None, None, 3)
    cos, sin, free = COS[rays], SIN[rays], FREE[rays]
    best, found = -np.inf, (0.0, 0.0, 0.0)
    for share in RADII:
        radius = share * WIDTH

        def at(values: Float, r: float, radius: float = radius) -> npt.NDArray[np.float64]:
            return sampled(values, xs[:, None] + r * radius * cos, ys[:, None] + r * radius * sin)

        weight = free * np.minimum(at(lids, 1.15), at(lids, 0.9))
        within, around = (
            (at(light, 0.75) + at(light, 0.9)) / 2,
            (at(light, 1.1) + at(light, 1.25)) / 2,
        )
        # a pupil's edge is stronger than its iris', but what is around an iris is white
        step = np.clip(around - within, -STEP, STEP) + WHITE * np.minimum(around, 1)
        # each side for itself, so that a rim of which half is in the eye's corner counts less
        sides = [
            (weight * step)[:, s].sum(1) / (weight[:, s].sum(1) + 1.5) for s in (cos < 0, cos > 0)
        ]
        inner = free * at(lids, 0.6)
        dark = (inner * (usual - np.minimum(at(light, 0.6), 1))).sum(1) / (inner.sum(1) + 1.5)
        score = sides[0] + sides[1] + 0.5 * dark
        score -= 0.06 * (np.log(share / USUAL_RADIUS) / 0.15) ** 2
        score -= 0.12 * ((ys - middle[xs]) / (0.1 * WIDTH)) ** 2
        top = int(score.argmax())
        if score[top] > best:
            best, found = float(score[top]), (float(xs[top]), float(ys[top]), float(radius))
    return found


def fitted(
    light: Float, seen: Float, start: tuple[float, float, float], few: float
) -> tuple[float, float, float] | None:
    """The circle near `start` that the rim's crossings lie on; None without enough of them.

    The fewer pixels an eye has, the more counts what is usual (`few`, 1 and more).
    """
    x, y, radius = start
    usual = USUAL_RADIUS * WIDTH
    support = sides = 0.0
    for window, stray in (
        (0.35, 0.2),
        (0.3, 0.15),
        (0.25, 0.12),
        (0.2, 0.1),
        (0.15, 0.08),
        (0.15, 0.08),
    ):
        at, step = crossings(light, x, y, radius, window)
        px, py = x + at * COS, y + at * SIN
        out = np.minimum(
            sampled(seen, px + 0.12 * radius * COS, py + 0.12 * radius * SIN), sampled(seen, px, py)
        )
        lids = np.clip((out - 0.3) / 0.4, 0, 1)
        weight = FREE * lids * np.clip((step - 0.08) / 0.25, 0, 1)
        for _ in range(3):
            off = np.hypot(px - x, py - y) - radius
            robust = weight * np.clip(1 - (off / (stray * radius)) ** 2, 0, 1) ** 2
            if robust.sum() < 2:
                return None
            design = np.stack([-(px - x), -(py - y), -np.hypot(px - x, py - y)], 1)
            design /= np.hypot(px - x, py - y)[:, None] + 1e-6
            # weakly: an iris is about so large in an eye, and its middle about where it was
            prior = np.diag([0.2, 0.3, few])
            pull = np.array([0.0, 0.3 * (y - start[1]), few * (radius - usual)])
            left = (design * robust[:, None]).T @ design + prior
            move = np.linalg.solve(left, -(design * robust[:, None]).T @ off - pull)
            x, y, radius = x + move[0], y + move[1], radius + move[2]
        if not 0.15 * WIDTH < radius < 0.42 * WIDTH:
            return None
        support = float(robust.sum())
        sides = float(min(robust[COS < 0].sum(), robust[COS > 0].sum()))
    if support < (5 if sides > 0.4 else 10):
        return None
    return float(x), float(y), float(radius)


def crossings(
    light: Float, x: float, y: float, radius: float, window: float
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Where each ray crosses from dark to bright near the circle, and by how much."""
    half = 0.14 * radius
    fine = radius / 40
    t = np.arange((1 - window) * radius - half, (1 + window) * radius + half, fine)
    profile = sampled(light, x + t * COS[:, None], y + t * SIN[:, None])
    n = max(1, round(half / fine))
    sums = np.cumsum(np.pad(profile, ((0, 0), (1, 0))), 1)
    mean = (sums[:, n:] - sums[:, :-n]) / n
    step = mean[:, n:] - mean[:, :-n]  # step[i] is about t[i + n] - fine / 2
    rows = np.arange(len(step))
    places = t[n : n + step.shape[1]] - fine / 2
    outside = mean[:, n:]
    likely = np.minimum(step, STEP) + WHITE * np.minimum(outside, 1)
    likely -= 0.15 * ((places - radius) / (window * radius)) ** 2
    first = likely.argmax(1)
    near = np.abs(np.arange(step.shape[1]) - first[:, None]) <= n // 2
    top = np.where(near, step, -np.inf).argmax(1)
    # the middle of the peak, weighed: finer than its highest sample
    near = np.clip(step - 0.7 * step[rows, top][:, None], 0, None) + 1e-9
    near *= np.abs(np.arange(step.shape[1]) - top[:, None]) <= n
    at = (near * places).sum(1) / near.sum(1)
    return at, step[rows, top]


def sampled(
    values: Float, x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    flat = cv2.remap(
        values,
        np.atleast_2d(x).astype(np.float32),
        np.atleast_2d(y).astype(np.float32),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return flat.reshape(np.shape(x)).astype(np.float64)


def pupil_share(light: Float, seen: Float, circle: tuple[float, float, float]) -> float:
    """The pupil's radius as a share of the iris'; the usual one where it cannot be told."""
    x, y, radius = circle
    shares = np.arange(0.1, 0.86, 0.02)
    px, py = (c + radius * shares * d[:, None] for c, d in ((x, COS), (y, SIN)))
    values = np.where(sampled(seen, px, py) > 0.5, sampled(light, px, py), np.nan)
    enough = np.isfinite(values).sum(0) > 12
    if not enough.all():
        return USUAL_PUPIL
    profile = np.nanmedian(values, 0)
    step = np.array(
        [
            profile[i + 1 : i + 6].mean() - profile[max(0, i - 5) : i].mean()
            for i in range(4, len(shares) - 6)
        ]
    )
    top = int((step - 0.3 * (shares[4:-6] - USUAL_PUPIL) ** 2).argmax())
    return float(shares[top + 4]) if step[top] > 0.09 else USUAL_PUPIL
