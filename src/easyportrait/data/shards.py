"""Portraits in shards of tar, as `data convert --to webdataset` writes them, where they lie.

Few large files are what network disks and object stores are fast with. The tars are gone
through once for names and places; then any picture is read by its place, in any order, and
nothing is unpacked.
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from ..errors import BadInput, ShapeMismatch
from ..image.io import read_image
from .convert import webdataset
from .convert.samples import How, Notes
from .files import opened
from .portraits import Portrait


class ShardFolder:
    """The portraits of one split, read one at a time; a `PortraitFolder` in shape.

    Args:
        root: a folder with tars, or one of them; webdataset.py says what they hold.
        split: None for all.

    Raises:
        BadInput: a tar is damaged or compressed; a picture has no mask, or the other way
            round; a name comes twice in a split; there is no such split, or nothing at all.
    """

    def __init__(self, root: Path | str, split: str | None = None) -> None:
        self.root = Path(root)
        notes = Notes()
        found = webdataset.read(self.root, How(), notes)
        if notes.lost:
            more = f", and {len(notes.lost) - 1} more such" if len(notes.lost) > 1 else ""
            raise BadInput(f"{notes.lost[0]}{more}")
        twice = [str(one) for one, n in Counter(map(str, found)).items() if n > 1]
        if twice:
            raise BadInput(f"{self.root}: {len(twice)} names come twice: {', '.join(twice[:5])}")
        there = sorted({one.split for one in found})
        if split is not None and split not in there:
            raise BadInput(
                f"{self.root} has no split {split!r}; it has {', '.join(there) or 'none'}"
            )
        self._found = [one for one in found if split in (None, one.split)]
        if not self._found:
            raise BadInput(f"{self.root}: its tars hold no pictures with masks")
        whence = {"source": self.root.resolve().stem, "licence": "not stated"}
        self.rows = [
            {"id": one.name, **whence, **one.meta, "split": one.split} for one in self._found
        ]

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, i: int) -> Portrait:
        """Raises:
        ImageUnreadable, ImageTooLarge: as `read_image`, and `read_mask` of the mask.
        ShapeMismatch: the mask does not cover the picture.
        """
        one = self._found[i]
        image, mask = read_image(opened(one.image_file)), one.read_mask(Notes())
        if image.shape[:2] != mask.shape:
            raise ShapeMismatch(
                f"{one}: the picture is {image.shape[:2]} (height, width) and its mask {mask.shape}"
            )
        return Portrait(one.name, image, mask, self.rows[i])

    def __iter__(self) -> Iterator[Portrait]:
        return (self[i] for i in range(len(self)))


def has_shards(root: Path) -> bool:
    """Whether a path is a tar, or a folder of tars that is no EasyPortrait."""
    if root.suffix == ".tar":
        return True
    is_set = any((root / name).is_dir() for name in ("images", "annotations"))
    if is_set or not root.is_dir() or any(root.glob("*.zip")):
        return False
    return any(root.rglob("*.tar"))
