"""What a net makes of one picture: the one result type.

Nine full-size probability maps of a 48-megapixel photograph would be 1.7 GB. So a
`Parsing` keeps what the net saw, at the size the net saw it, with the place of it in the
picture, and brings up what is asked for when it is asked for.

    the picture      +-----------------------------+
    a look at all    |  . . . . . . . . . . . . .  |   coarse grid over the whole frame
    a look at        |  . . . .:::::::. . . . . .  |   fine grid over each face, faded in
    each face        |  . . . .:::::::. . . . . .  |   over its border, by its fineness
                     +-----------------------------+
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import ceil, floor

import cv2
import numpy as np
import numpy.typing as npt

from .errors import BadInput, ShapeMismatch
from .faces import Box, Face, describe_face, likeliest
from .image.matte import cut_out, refine, step
from .taxonomy import Mask, Taxonomy

Image = npt.NDArray[np.uint8]
Float = npt.NDArray[np.float32]
Window = tuple[slice, slice]  # rows and columns of a picture

TILE_CELLS = 16  # a tile of labels spans about this many cells of the coarse grid
FADE = 0.1  # of a face look's side, over which it takes over from the look at all


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """What the net answered for one rectangle of the picture.

    Attributes:
        probs: (C, h, w) float32 in [0, 1], summing to 1 over C.
        left, top, width, height: of the rectangle, in the picture's pixels; it may reach
            beyond the picture.
        fade: share of each side over which the look fades in; 0 for a look at all.
        weight: how much it counts, in (0, 1], against what lies under it.
    """

    probs: Float
    left: float
    top: float
    width: float
    height: float
    fade: float = 0.0
    weight: float = 1.0

    @property
    def cell(self) -> float:
        """Side of a cell, in the picture's pixels; the longer one if they differ."""
        return max(self.height / self.probs.shape[1], self.width / self.probs.shape[2])

    def scaled(self, y: float, x: float) -> "Look":
        """The same answers, over a picture that is `y` times as high and `x` times as wide."""
        return replace(
            self,
            left=self.left * x,
            top=self.top * y,
            width=self.width * x,
            height=self.height * y,
        )

    def positions(self, axis: int, start: int, stop: int) -> npt.NDArray[np.floating]:
        """Where the pixels [start, stop) of the picture (axis 0 rows, 1 columns) lie on the
        grid: 0 is the middle of the first cell; pixels beyond lie on the border."""
        cells = self.probs.shape[1 + axis]
        return np.clip(self._place(axis, start, stop) * cells - 0.5, 0, cells - 1)

    def _place(self, axis: int, start: int, stop: int) -> npt.NDArray[np.floating]:
        origin, extent = (self.top, self.height) if axis == 0 else (self.left, self.width)
        return (np.arange(start, stop) + 0.5 - origin) / extent

    def across(self, axis: int, start: int, stop: int) -> "Axis":
        """How those pixels hang on the grid's cells."""
        at = self.positions(axis, start, stop)
        low = at.astype(np.intp)
        high = np.minimum(low + 1, self.probs.shape[1 + axis] - 1)
        opacity = np.ones(stop - start)
        if self.fade:
            place = self._place(axis, start, stop)
            opacity = np.clip(np.minimum(place, 1 - place) / self.fade, 0, 1)
        share = (at - low).astype(np.float32)
        return Axis(low, high, share, opacity.astype(np.float32))


@dataclass(frozen=True, slots=True, eq=False)
class Axis:
    """Linear interpolation along one axis, for a run of pixels.

    Attributes:
        low, high: (pixels,) the two cells that each hangs on, growing.
        share: (pixels,) float32 in [0, 1): of the higher one.
        opacity: (pixels,) float32 in [0, 1]: how much the look counts there.
    """

    low: npt.NDArray[np.intp]
    high: npt.NDArray[np.intp]
    share: Float
    opacity: Float

    @property
    def cells(self) -> slice:
        """All cells that the pixels hang on."""
        return slice(int(self.low[0]), int(self.high[-1]) + 1)


@dataclass(frozen=True, eq=False)
class Parsing:
    """Which pixel of a picture is what.

    Attributes:
        image: (H, W, 3) uint8 RGB, the picture itself, upright.
        frame: the look at the whole picture.
        face_looks: a look at each face, the largest face first; empty with one look.
        face_boxes: where the first look found faces, the largest first.
        taxonomy: the classes of the C channels.
        model: name and version of what produced it.

    Raises:
        ShapeMismatch: the picture is not (H, W, 3) uint8, or a look's channels are not the
            taxonomy's.
    """

    image: Image
    frame: Look
    face_looks: tuple[Look, ...]
    face_boxes: tuple[Box, ...]
    taxonomy: Taxonomy
    model: str

    def __post_init__(self) -> None:
        if self.image.dtype != np.uint8 or self.image.ndim != 3 or self.image.shape[2] != 3:
            raise ShapeMismatch(
                f"a picture is (H, W, 3) uint8 RGB, got {self.image.shape} {self.image.dtype}"
            )
        for look in (self.frame, *self.face_looks):
            if look.probs.ndim != 3 or len(look.probs) != len(self.taxonomy):
                raise ShapeMismatch(
                    f"{self.taxonomy.name!r} needs ({len(self.taxonomy)}, h, w) probabilities, "
                    f"got {look.probs.shape}"
                )

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the picture, in pixels."""
        return self.image.shape[0], self.image.shape[1]

    def __repr__(self) -> str:
        height, width = self.size
        return f"<Parsing {width}x{height}, {len(self.face_boxes)} faces, by {self.model}>"

    def asked_at(self, height: int, width: int) -> "Parsing":
        """The same answers over a black picture of (height, width): what they come to at
        fewer pixels, where nobody needs the picture itself or its faces."""
        return self._scaled(height / self.size[0], width / self.size[1], height, width)

    def _scaled(self, y: float, x: float, height: int, width: int) -> "Parsing":
        return Parsing(
            np.broadcast_to(np.uint8(0), (height, width, 3)),
            self.frame.scaled(y, x),
            tuple(look.scaled(y, x) for look in self.face_looks),
            (),
            self.taxonomy,
            self.model,
        )

    # -- probabilities ---------------------------------------------------------------------

    def region(self, *names: str, within: Window | None = None) -> Float:
        """How much each pixel belongs to any of `names`.

        Args:
            names: classes of the taxonomy, at least one.
            within: rows and columns that are asked for; all without it.

        Returns:
            (H, W) float32 in [0, 1], at the picture's size, or what of it lies in `within`.

        Raises:
            BadInput: no such class, or no name.
        """
        channels = self._channels(names)
        summed = [  # adding commutes with interpolating, and is cheaper here
            replace(look, probs=look.probs[channels].sum(0, keepdims=True))
            for look in (self.frame, *self.face_looks)
        ]
        whole = slice(0, self.size[0]), slice(0, self.size[1])
        all_rows, all_columns = within or whole
        height, width = all_rows.stop - all_rows.start, all_columns.stop - all_columns.start
        out = np.empty((height, width), np.float32)
        for rows in spans(all_rows.start, all_rows.stop, 256):
            for columns in spans(all_columns.start, all_columns.stop, 1024):
                place = shifted(rows, all_rows), shifted(columns, all_columns)
                out[place] = bring_up(summed, [0], rows, columns)[0]
        return np.clip(out, 0, 1, out=out)

    def windows(self, *names: str, above: float = 0.1, margin: float = 0.0) -> list[Window]:
        """Where any of `names` are: rectangles that do not touch each other.

        Args:
            names: classes of the taxonomy, at least one.
            above: outside of all of them `region(*names)` is at most so much.
            margin: to widen each by, as a share of its longer side.

        Returns:
            (rows, columns) of each, within the picture; widened ones that meet are one.

        Raises:
            BadInput: as `region`.
        """
        channels = self._channels(names)
        height, width = self.size
        found: list[Window] = []
        for look in (self.frame, *self.face_looks):
            seen = (look.probs[channels].sum(0) > above).astype(np.uint8)
            count, _, stats, _ = cv2.connectedComponentsWithStats(seen)
            y, x = look.height / seen.shape[0], look.width / seen.shape[1]
            for left, top, wide, high, _ in stats[1:count].tolist():
                more = margin * max(high * y, wide * x)
                # a cell's share reaches to the middles of its neighbours
                rows = inside(
                    look.top + (top - 0.5) * y - more,
                    look.top + (top + high + 0.5) * y + more,
                    height,
                )
                columns = inside(
                    look.left + (left - 0.5) * x - more,
                    look.left + (left + wide + 0.5) * x + more,
                    width,
                )
                if rows.start < rows.stop and columns.start < columns.stop:
                    found.append((rows, columns))
        return apart(found)

    def _channels(self, names: tuple[str, ...]) -> list[int]:
        if not names:
            raise BadInput(f"name at least one class of {', '.join(self.taxonomy.names)}")
        return sorted({self.taxonomy.index(name) for name in names})

    # -- labels ----------------------------------------------------------------------------

    @cached_property
    def labels(self) -> Mask:
        """(H, W) uint8: the likeliest class of each pixel, as if all probabilities had been
        brought up to the picture's size first.

        Where neighbouring cells have the same winner, interpolating between them cannot
        change it, so the nearest cell's winner stands; tiles with other cells, and those
        under a face look, are worked out.
        """
        height, width = self.size
        looks = (self.frame, *self.face_looks)
        winners = {id(look): likeliest(look.probs) for look in looks}
        tile = int(np.clip(TILE_CELLS * self.frame.cell, 32, 512))
        rows, columns = list(spans(0, height, tile)), list(spans(0, width, tile))
        out, settled = nearest_winners(
            self.frame, winners[id(self.frame)], self.size, rows, columns
        )
        axes = Axes()
        for i, row in enumerate(rows):
            for j, column in enumerate(columns):
                near_a_face = any(axes.under(look, row, column) for look in self.face_looks)
                if near_a_face or not settled[i, j]:
                    out[row, column] = self._tile_labels(winners, row, column, axes)
        out.flags.writeable = False
        return out

    def _tile_labels(
        self, winners: dict[int, Mask], rows: slice, columns: slice, axes: "Axes"
    ) -> Mask | int:
        found: set[int] = set()
        most = np.zeros(len(self.taxonomy), np.float32)
        for look in (self.frame, *self.face_looks):
            under = axes.under(look, rows, columns)
            if under is None:
                continue
            cells = under[0][1].cells, under[1][1].cells
            winner = winners[id(look)][cells]
            found |= {int(winner.min()), int(winner.max())}
            np.maximum(most, look.probs[:, cells[0], cells[1]].max((1, 2)), out=most)
        if len(found) == 1:
            return found.pop()
        # a class whose probability stays below 1 / C in a tile cannot win there
        channels = np.flatnonzero(most >= 1 / len(self.taxonomy)).tolist()
        looks = self.frame, *self.face_looks
        return likeliest(bring_up(looks, channels, rows, columns, axes), channels)

    # -- the person ------------------------------------------------------------------------

    @cached_property
    def person(self) -> Float:
        """(H, W) float32 in [0, 1]: everything of every person, its edge drawn along the
        picture's own edges (image/matte.py). An empty scene gives zeros.

        Raises:
            BadInput: the model parses faces only, so it does not know where the person ends.
        """
        if "person" not in self.taxonomy.names:
            raise BadInput(
                f"{self.model} parses faces only ({', '.join(self.taxonomy.names)}); "
                "a cutout needs a model with the class 'person'"
            )
        height, width = self.size
        block = step(height, width, self.frame.cell)
        blocks = self._scaled(1 / block, 1 / block, ceil(height / block), ceil(width / block))
        return refine(self.image, blocks.region(*self.taxonomy.names[1:]), self.frame.cell)

    def cutout(self) -> Image:
        """The person alone.

        Returns:
            (H, W, 4) uint8 RGBA, straight alpha. At the edge the colours are the person's,
            with the old background's share taken out, so no rim of it stays.

        Raises:
            BadInput: as `person`.
        """
        return cut_out(self.image, self.person)

    # -- faces -----------------------------------------------------------------------------

    @cached_property
    def faces(self) -> tuple[Face, ...]:
        """Each face with its box, parts and pose, the largest first."""
        looks = self.face_looks or (self.frame,) * len(self.face_boxes)
        described = (
            describe_face(
                look.probs,
                (look.left, look.top, look.width, look.height),
                box,
                self.taxonomy,
                self.size,
            )
            for look, box in zip(looks, self.face_boxes, strict=True)
        )
        return tuple(face for face in described if face is not None)


def bring_up(
    looks: Sequence[Look],
    channels: list[int],
    rows: slice,
    columns: slice,
    axes: "Axes | None" = None,
) -> Float:
    """(K, rows, columns) float32: looks, interpolated and laid over each other; the first one
    must reach everywhere."""
    axes = axes or Axes()
    out = None
    for look in looks:
        under = axes.under(look, rows, columns)
        if under is None:
            continue
        (at_y, y), (at_x, x) = under
        values = interpolated(look.probs[channels, y.cells], y, x)
        if out is None:
            out = values
            continue
        window = out[:, shifted(at_y, rows), shifted(at_x, columns)]
        window += look.weight * (y.opacity[:, None] * x.opacity) * (values - window)
    assert out is not None
    return np.asarray(out, np.float32)


def interpolated(probs: Float, y: Axis, x: Axis) -> Float:
    """(K, rows, columns) float32 from (K, cells, w), rows of cells from `y.cells` on.

    Not by matrices, though that is shorter: BLAS would share such small ones among threads,
    which then wait for those of the net.
    """
    left, right = np.take(probs, x.low, axis=2), np.take(probs, x.high, axis=2)
    lines = between(left, right, x.share)
    first = y.low[0]
    above, below = np.take(lines, y.low - first, axis=1), np.take(lines, y.high - first, axis=1)
    return between(above, below, y.share[:, None])


def between(a: Float, b: Float, share: Float) -> Float:
    """a and a share of the way to b, which is painted over."""
    b -= a
    b *= share
    b += a
    return b


def spans(start: int, stop: int, step: int) -> Iterator[slice]:
    """[start, stop) in slices of at most `step`."""
    return (slice(at, min(at + step, stop)) for at in range(start, stop, step))


def inside(start: float, stop: float, length: int) -> slice:
    """Whole pixels that cover [start, stop), within [0, length)."""
    return slice(max(0, floor(start)), min(length, ceil(stop)))


def apart(windows: list[Window]) -> list[Window]:
    """Windows, those that touch put together until none do."""
    out: list[Window] = []
    for window in windows:
        while met := [other for other in out if touch(window, other)]:
            out = [other for other in out if other not in met]
            for other in met:
                window = hull(window[0], other[0]), hull(window[1], other[1])
        out.append(window)
    return out


def touch(a: Window, b: Window) -> bool:
    return all(p.start <= q.stop and q.start <= p.stop for p, q in zip(a, b, strict=True))


def hull(a: slice, b: slice) -> slice:
    return slice(min(a.start, b.start), max(a.stop, b.stop))


def shifted(inner: slice, outer: slice) -> slice:
    return slice(inner.start - outer.start, inner.stop - outer.start)


def nearest_winners(
    look: Look, winner: Mask, size: tuple[int, int], rows: list[slice], columns: list[slice]
) -> tuple[Mask, npt.NDArray[np.bool_]]:
    """(H, W) uint8, the winner of the cell nearest to each pixel; and (tiles down, tiles
    across) bool, whether a tile holds no two neighbouring cells with different winners."""
    padded = np.pad(winner, ((0, 1), (0, 1)), "edge")
    corner = padded[:-1, :-1]
    mixed = (corner != padded[1:, :-1]) | (corner != padded[:-1, 1:]) | (corner != padded[1:, 1:])
    y, x = look.positions(0, 0, size[0]), look.positions(1, 0, size[1])
    low_y, low_x = y.astype(int), x.astype(int)
    by_row = np.stack([mixed[low_y[r.start] : low_y[r.stop - 1] + 1].any(0) for r in rows])
    found = np.stack(
        [by_row[:, low_x[c.start] : low_x[c.stop - 1] + 1].any(1) for c in columns], axis=1
    )
    across = np.take(winner, np.rint(x).astype(int), axis=1)
    return np.take(across, np.rint(y).astype(int), axis=0), ~found


class Axes:
    """How tiles hang on looks, remembered: every tile of a row has the same rows."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, int, int, int], tuple[slice, Axis] | None] = {}

    def along(self, look: Look, axis: int, span: slice) -> tuple[slice, Axis] | None:
        """The pixels of a span that a look covers and how they hang on it; None without any."""
        key = id(look), axis, span.start, span.stop
        if key not in self._known:
            origin, extent = (look.top, look.height) if axis == 0 else (look.left, look.width)
            start, stop = max(span.start, int(origin)), min(span.stop, ceil(origin + extent))
            covered = slice(start, stop)
            self._known[key] = (covered, look.across(axis, start, stop)) if start < stop else None
        return self._known[key]

    def under(
        self, look: Look, rows: slice, columns: slice
    ) -> tuple[tuple[slice, Axis], tuple[slice, Axis]] | None:
        """The same for both axes of a tile."""
        y = self.along(look, 0, rows)
        x = self.along(look, 1, columns) if y else None
        return (y, x) if y and x else None
