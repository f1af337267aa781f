"""Fit a picture into the net's input, and say where it lies there."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

PAD = 127  # grey in the margin; training pads with the same


@dataclass(frozen=True, slots=True)
class Letterbox:
    """Where a picture lies inside the net's input ("canvas"). All in pixels.

    >>> box = Letterbox.fit(600, 800, side=512)
    >>> (box.canvas_height, box.canvas_width), (box.height, box.width), (box.top, box.left)
    ((512, 512), (384, 512), (64, 0))
    >>> box = Letterbox.fit(1080, 1920, side=384, multiple=32)
    >>> (box.canvas_height, box.canvas_width), (box.height, box.width), (box.top, box.left)
    ((224, 384), (216, 384), (4, 0))
    """

    canvas_height: int
    canvas_width: int
    top: int
    left: int
    height: int
    width: int

    @classmethod
    def fit(cls, height: int, width: int, *, side: int, multiple: int | None = None) -> "Letterbox":
        """Scale the longer edge to `side`, centre, pad evenly.

        Args:
            height, width: of the picture, both at least 1.
            side: longest side of the scaled picture.
            multiple: pad each edge only to the next multiple of this many pixels; without
                it the canvas is a square of `side`.

        Returns:
            The placement; the picture is at least one pixel tall and wide in it, whatever
            its aspect ratio.

        Raises:
            ValueError: a size below 1.

        Source:
            Long-edge resize as in SAM's ResizeLongestSide (Kirillov et al. 2023), but
            padded on both sides, so that a mirrored picture gets the mirrored placement
            (exactly, when the leftover is even).
        """
        if min(height, width, side, multiple or 1) < 1:
            raise ValueError(
                f"sizes must be at least 1, got {height=}, {width=}, {side=}, {multiple=}"
            )
        scale = side / max(height, width)
        h, w = max(1, round(height * scale)), max(1, round(width * scale))
        if multiple is None:
            ch, cw = side, side
        else:
            ch, cw = (-(-edge // multiple) * multiple for edge in (h, w))
        return cls(ch, cw, (ch - h) // 2, (cw - w) // 2, h, w)

    @property
    def window(self) -> tuple[slice, slice]:
        """The rows and columns of the canvas that hold the picture."""
        return slice(self.top, self.top + self.height), slice(self.left, self.left + self.width)

    def apply(self, image: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """(H, W, 3) uint8 -> (canvas_height, canvas_width, 3) uint8, grey in the margin."""
        canvas = np.full((self.canvas_height, self.canvas_width, 3), PAD, np.uint8)
        shrinks = image.shape[0] > self.height or image.shape[1] > self.width
        canvas[self.window] = cv2.resize(
            image,
            (self.width, self.height),
            interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR,
        )
        return canvas
