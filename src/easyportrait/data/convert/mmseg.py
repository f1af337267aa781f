"""The folders that mmsegmentation trains on: one label set for each of the three tasks.

    img_dir/<split>/NAME.jpg
    ann_dir/<split>/NAME.png     (H, W) uint8, values of the task, 255 ignored

What is known of the pictures, apart from name and split, has no place there.
"""

from collections.abc import Callable, Iterable
from pathlib import Path

from ...image.io import encode
from ...taxonomy import SOURCES, Mapping256, Mask, to_task
from .pairs import paired
from .samples import Found, How, Labelled, Notes, Reader, Writer, indices

IMAGES, MASKS = "img_dir", "ann_dir"


def from_task(task: str) -> Mapping256:
    """A task's values -> nine classes; what the task does not tell is 255."""
    return to_task("joint") if task == "joint" else SOURCES[f"mmseg-{task}"]


def reader(task: str) -> Reader:
    mapping = from_task(task)

    def read(src: Path, how: How, notes: Notes) -> list[Found]:
        return [
            Found(pair.name, pair.split, pair.image, indices(pair.mask, mapping))
            for pair in paired(src, IMAGES, MASKS, how, notes)
        ]

    return read


def writer(task: str) -> Writer:
    mapping = to_task(task)

    def write(samples: Iterable[Labelled], out: Path, how: How, notes: Notes) -> None:
        for one in samples:
            for kind in (IMAGES, MASKS):
                (out / kind / one.split).mkdir(parents=True, exist_ok=True)
            (out / IMAGES / one.split / f"{one.name}.jpg").write_bytes(one.image)
            mask = encode(mapping(one.mask), ".png")
            (out / MASKS / one.split / f"{one.name}.png").write_bytes(mask)
            no_place(one, notes)

    return write


def back(task: str) -> Callable[[Mask], Mask]:
    """What writing a mask and reading it again makes of it."""
    return lambda mask: from_task(task)(to_task(task)(mask))


def no_place(one: Labelled, notes: Notes) -> None:
    """Count what is known of a picture and cannot be written down."""
    for field in ("user", "hash", "brightness"):
        if field in one.meta:
            notes.count(f"pictures have a {field}, for which there is no place")
