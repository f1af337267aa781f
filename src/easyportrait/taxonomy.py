"""What the numbers in a mask mean: classes, colours, mirror twins, tasks, other datasets.

**Left is the viewer's left**: `left_brow` and `left_eye` lie in the left half of a
picture of one upright face, whoever took it and whether or not it is mirrored.

A mask is (H, W) uint8 of class indices; 255 (`IGNORE`) is "not known", never a class.

>>> CLASSES.names[2:5]
('skin', 'left_brow', 'right_brow')
>>> CLASSES.index("teeth")
8
>>> CLASSES.flip(np.array([[5, 0, 6, 255]], np.uint8)).tolist()
[[255, 5, 0, 6]]
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from .errors import BadInput, ShapeMismatch

Mask = npt.NDArray[np.uint8]

IGNORE = 255


@dataclass(frozen=True, slots=True)
class Label:
    """One class: its name, its colour on screen, and its twin in a mirror."""

    name: str
    rgb: tuple[int, int, int]
    mirror: str | None = None  # None: the class has no side


@dataclass(frozen=True)
class Taxonomy:
    """An ordered list of labels; position is the value stored in a mask.

    Raises:
        ValueError: a name appears twice, or a mirror does not point back.
    """

    name: str
    labels: tuple[Label, ...]

    def __post_init__(self) -> None:
        if len(set(self.names)) != len(self.labels):
            raise ValueError(f"taxonomy {self.name!r} repeats a label name: {self.names}")
        for label in self.labels:
            if label.mirror and self[label.mirror].mirror != label.name:
                raise ValueError(
                    f"taxonomy {self.name!r}: {label.name!r} mirrors {label.mirror!r}, "
                    f"which mirrors {self[label.mirror].mirror!r}"
                )

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, name: str) -> Label:
        return self.labels[self.index(name)]

    @cached_property
    def names(self) -> tuple[str, ...]:
        return tuple(label.name for label in self.labels)

    def index(self, name: str) -> int:
        """Mask value of a label.

        Raises:
            BadInput: there is no such label; the message lists those there are.
        """
        try:
            return self.names.index(name)
        except ValueError:
            known = ", ".join(self.names)
            raise BadInput(
                f"taxonomy {self.name!r} has no class {name!r}; it has {known}"
            ) from None

    @cached_property
    def palette(self) -> npt.NDArray[np.uint8]:
        """(256, 3) uint8 RGB, so that any mask can index it; values without a class are white."""
        table = np.full((256, 3), 255, np.uint8)
        table[: len(self)] = [label.rgb for label in self.labels]
        return table

    @cached_property
    def mirror_table(self) -> Mask:
        """(256,) uint8: `table[mask]` renames sides and leaves everything else alone."""
        table = np.arange(256, dtype=np.uint8)
        for i, label in enumerate(self.labels):
            if label.mirror:
                table[i] = self.index(label.mirror)
        return table

    def flip(self, mask: Mask) -> Mask:
        """Mirror a mask left to right: move the pixels *and* rename the sides.

        Args:
            mask: (H, W) uint8 of indices; 255 survives.

        Returns:
            A new (H, W) uint8 mask; `flip(flip(m))` equals `m`.
        """
        return np.ascontiguousarray(self.mirror_table[mask][:, ::-1])

    def flip_channels(self, probs: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """The same for (C, H, W) scores, one channel per class."""
        return np.ascontiguousarray(probs[self.mirror_table[: len(self)]][:, :, ::-1])

    def colour(self, mask: Mask) -> npt.NDArray[np.uint8]:
        """(H, W) indices -> (H, W, 3) uint8 RGB."""
        return self.palette[mask]


CLASSES = Taxonomy(
    "easyportrait",
    (
        Label("background", (0, 0, 0)),
        Label("person", (223, 87, 188)),
        Label("skin", (160, 221, 255)),
        Label("left_brow", (130, 106, 237), mirror="right_brow"),
        Label("right_brow", (200, 121, 255), mirror="left_brow"),
        Label("left_eye", (255, 183, 255), mirror="right_eye"),
        Label("right_eye", (0, 144, 193), mirror="left_eye"),
        Label("lips", (113, 137, 255)),
        Label("teeth", (230, 232, 230)),
    ),
)

FACE_PARTS = ("left_brow", "right_brow", "left_eye", "right_eye", "lips", "teeth")
FACE = ("skin", *FACE_PARTS)

# The two tasks are views of the nine classes: same names, same colours, fewer of them.
PORTRAIT_SEGMENTATION = Taxonomy("easyportrait-ps", CLASSES.labels[:2])
FACE_PARSING = Taxonomy("easyportrait-fp", (CLASSES.labels[0], *CLASSES.labels[2:]))

TASKS: Mapping[str, Taxonomy] = {
    "joint": CLASSES,
    "ps": PORTRAIT_SEGMENTATION,
    "fp": FACE_PARSING,
}


@dataclass(frozen=True)
class Mapping256:
    """A total map from one dataset's mask values to another's.

    `table[v]` is the new value of v; what has no counterpart is 255, never a guess.
    """

    source: str
    target: Taxonomy
    table: Mask

    def __call__(self, mask: Mask) -> Mask:
        """(H, W) uint8 -> a new (H, W) uint8.

        Raises:
            ShapeMismatch: the mask is not (H, W) uint8.
        """
        if mask.dtype != np.uint8 or mask.ndim != 2:
            raise ShapeMismatch(f"a mask is (H, W) uint8, got {mask.shape} {mask.dtype}")
        return self.table[mask]


def _mapping(
    source: str, target: Taxonomy, values: Mapping[int, str | None] | list[str | None]
) -> Mapping256:
    pairs = enumerate(values) if isinstance(values, list) else values.items()
    table = np.full(256, IGNORE, np.uint8)
    for value, name in pairs:
        if name is not None:
            table[value] = target.index(name)
    table.flags.writeable = False
    return Mapping256(source, target, table)


def to_task(task: str) -> Mapping256:
    """Nine classes -> one task's; every class above 0 is a person in `ps`, and the
    person is background in `fp`.

    >>> to_task("ps")(np.array([[0, 1, 8, 255]], np.uint8)).tolist()
    [[0, 1, 1, 255]]
    """
    if task not in TASKS:
        raise BadInput(f"there is no task {task!r}; tasks: {', '.join(TASKS)}")
    rules: dict[str, list[str | None]] = {
        "joint": list(CLASSES.names),
        "ps": ["background", *["person"] * 8],
        "fp": ["background", "background", *CLASSES.names[2:]],
    }
    return _mapping("easyportrait", TASKS[task], rules[task])


# Label sets of other datasets. Where theirs is the person's own left, ours is the
# viewer's, so left and right change places.
SOURCES: Mapping[str, Mapping256] = {
    # Lee et al. 2020, index masks of the 19 published parts. Its `l_` is the
    # subject's left, hence our right. Skin there is the face without ears and
    # neck, as here; nose is skin; the mouth's inside holds teeth and gap in one
    # class, which is neither of ours for certain: 255.
    "celebamask-hq": _mapping(
        "celebamask-hq",
        CLASSES,
        [
            "background",
            "skin",
            "skin",  # nose
            "person",  # eye_g: glasses
            "right_eye",  # l_eye
            "left_eye",  # r_eye
            "right_brow",  # l_brow
            "left_brow",  # r_brow
            "person",  # l_ear
            "person",  # r_ear
            None,  # mouth
            "lips",  # u_lip
            "lips",  # l_lip
            "person",  # hair
            "person",  # hat
            "person",  # ear_r
            "person",  # neck_l
            "person",  # neck
            "person",  # cloth
        ],
    ),
    # Liu et al. 2020; its sides are the viewer's (left brow 2 lies on the left).
    # There is no class for neck or clothes, so its background holds some person: 255.
    "lapa": _mapping(
        "lapa",
        CLASSES,
        [
            None,  # background: everything but the face and hair
            "skin",
            "left_brow",
            "right_brow",
            "left_eye",
            "right_eye",
            "skin",  # nose
            "lips",
            None,  # inner mouth
            "lips",
            "person",  # hair
        ],
    ),
    # The reference code's two-class and eight-class nets number their outputs densely.
    # Which of the eight a two-class "person" is, or whether an eight-class
    # "background" is a person, they do not say: 255.
    "mmseg-ps": _mapping("mmseg-ps", CLASSES, ["background", None]),
    "mmseg-fp": _mapping("mmseg-fp", CLASSES, [None, *FACE_PARSING.names[1:]]),
}
