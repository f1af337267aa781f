"""From a picture to a `Parsing`: a look at the whole frame, then a look at each face.

A brow is three pixels high when a whole frame is squeezed into a net's input. So the
first look finds the person and each face; the second brings each face to the size at
which the net knows faces best.
"""

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from ..errors import BadInput, ModelError, ShapeMismatch
from ..faces import Box, clip, find_faces, holds_face
from ..image.crop import cut
from ..image.letterbox import Letterbox
from ..parsing import FADE, Look, Parsing
from .card import Card
from .session import Session

Image = npt.NDArray[np.uint8]
Float = npt.NDArray[np.float32]

MARGIN = 1.5  # side of a face's square, over the face's longer side
TOGETHER = 4  # faces run through the net at once, so that memory does not grow with the crowd


class Parser:
    """A net, ready to parse pictures.

    Args:
        session: what runs it.
    """

    def __init__(self, session: Session) -> None:
        self.session = session

    @property
    def card(self) -> Card:
        return self.session.card

    def parse(self, image: Image, *, looks: int = 2) -> Parsing:
        """Parse one picture.

        Args:
            image: (H, W, 3) uint8 RGB, upright.
            looks: 1 for the whole frame only, 2 for each face as well, if the card says
                that the net knows faces from near.

        Raises:
            ShapeMismatch: the picture is not such an array, or has no pixels.
            BadInput: `looks` is neither 1 nor 2.
            ModelError: the net's answer is not what its card says.
        """
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
            raise ShapeMismatch(
                f"a picture is (H, W, 3) uint8 RGB with at least one pixel, "
                f"got {image.shape} {image.dtype}"
            )
        if looks not in (1, 2):
            raise BadInput(f"looks is 1 or 2, got {looks!r}")
        card = self.card
        frame = self._look_at_all(image)
        place = frame.left, frame.top, frame.width, frame.height
        boxes = find_faces(frame.probs, place, card.taxonomy)
        boxes = [inside for box in boxes if (inside := clip(box, image.shape[:2])).area > 0]
        face_looks: list[Look] = []
        if looks == 2 and card.face_side:
            seen = zip(boxes, self._look_at_faces(image, boxes, frame.cell), strict=True)
            # a patch that looked like a face from afar and does not from near is none
            faces = [(box, look) for box, look in seen if holds_face(look.probs, card.taxonomy)]
            boxes, face_looks = [box for box, _ in faces], [look for _, look in faces]
        return Parsing(
            image,
            frame,
            tuple(face_looks),
            tuple(boxes),
            card.taxonomy,
            f"{card.name} {card.version}",
        )

    def _look_at_all(self, image: Image) -> Look:
        height, width = image.shape[:2]
        box = Letterbox.fit(height, width, side=self.card.frame_side, multiple=self.card.multiple)
        probs = self._run([box.apply(image)])[0]
        x, y = width / box.width, height / box.height
        return Look(probs, -box.left * x, -box.top * y, box.canvas_width * x, box.canvas_height * y)

    def _look_at_faces(self, image: Image, boxes: Sequence[Box], cell: float) -> list[Look]:
        """A look at each face. Against the look at all, whose cells are `cell` pixels wide,
        each counts as much more as its own are smaller: where both see a face alike, two
        opinions are better than one."""
        squares = [square_around(box) for box in boxes]
        looks: list[Look] = []
        for at in range(0, len(squares), TOGETHER):
            some = squares[at : at + TOGETHER]
            size = self.card.face_side
            crops = [cut(image, left, top, side, side, size, size) for left, top, side in some]
            for (left, top, side), probs in zip(some, self._run(crops), strict=True):
                fine = side / probs.shape[1]
                looks.append(Look(probs, left, top, side, side, FADE, cell / (cell + fine)))
        return looks

    def _run(self, pictures: list[Image]) -> Float:
        batch = np.stack([normalised(picture, self.card) for picture in pictures])
        probs = self.session.run(batch)
        expected = len(pictures), len(self.card.classes)
        if probs.ndim != 4 or probs.shape[:2] != expected or probs.dtype != np.float32:
            raise ModelError(
                f"{self.card.name} answered {probs.shape} {probs.dtype}; its card says "
                f"{expected} x height x width float32"
            )
        return probs


def normalised(picture: Image, card: Card) -> Float:
    """(H, W, 3) uint8 RGB -> (3, H, W) float32."""
    channels = [
        (channel.astype(np.float32) - np.float32(mean)) * np.float32(1 / std)
        for channel, mean, std in zip(cv2.split(picture), card.mean, card.std, strict=True)
    ]
    return np.stack(channels)


def square_around(box: Box) -> tuple[int, int, int]:
    """left, top, side of the square in which a face is looked at again, in pixels."""
    side = max(16, round(MARGIN * max(box.width, box.height)))
    x, y = box.centre
    return round(x - side / 2), round(y - side / 2), side
