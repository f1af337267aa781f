"""The EasyPortrait dataset in Python: pictures, masks and what is known of them."""

import logging
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from ..errors import BadInput, ShapeMismatch
from ..image.io import Image, read_image, read_mask
from ..taxonomy import Mask
from .files import opened
from .layout import Entry, Index, index
from .meta import FIELDS, SPLITS, completed, frame, read_table

if TYPE_CHECKING:
    import polars

log = logging.getLogger(__name__)

Range = tuple[float | None, float | None]


class Sample(Entry):
    """One picture and its mask, read when first asked for and kept as long as the sample."""

    @cached_property
    def image(self) -> Image:
        """(H, W, 3) uint8 sRGB, turned by its EXIF orientation.

        Raises:
            ImageUnreadable, ImageTooLarge: as `read_image`.
            ShapeMismatch: the mask, if read before, is of another size.
        """
        image = read_image(opened(self.image_file))
        self._agree(image, self.__dict__.get("mask"))
        return image

    @cached_property
    def mask(self) -> Mask:
        """(H, W) uint8: the class indices that the file stores, never turned or scaled.

        Raises:
            ImageUnreadable, ImageTooLarge, ShapeMismatch: as `read_mask`.
            ShapeMismatch: the picture, if read before, is of another size.
        """
        mask = read_mask(opened(self.mask_file))
        self._agree(self.__dict__.get("image"), mask)
        return mask

    def __repr__(self) -> str:
        return f"<Sample {self.split}/{self.name}>"

    def _agree(self, image: Image | None, mask: Mask | None) -> None:
        if image is not None and mask is not None and image.shape[:2] != mask.shape:
            raise ShapeMismatch(
                f"{self.split}/{self.name}: the picture is {image.shape[:2]} (height, width) "
                f"and its mask {mask.shape}; a mask covers the picture as it looks after its "
                "EXIF orientation"
            )


class EasyPortrait:
    """A dataset in one of the published layouts (layout.py), or a part of one.

    Archives are read as they are; nothing is unpacked, and nothing but names and the table
    is held in memory. A split is there if both its pictures and its masks are.

    Args:
        root: the folder that holds images.zip and annotations.zip, or train.zip, val.zip
            and test.zip, or the folders unpacked from them.
        partial: take what pairs, and log what does not, instead of raising.

    Attributes:
        root: as given.
        index: every file that was found, those without a partner too.
        entries: the files and rows of this view's pictures, by split and name.

    Raises:
        BadInput: there is no picture with a mask; a file is damaged; a name is in two
            splits; a picture's row names another split than its folder. Without `partial`
            also: a picture has no mask, or a mask no picture, or either no row in the
            table, or a row no picture.
        MissingExtra: there is a table, and Polars is not installed.
    """

    def __init__(self, root: Path | str, *, partial: bool = False) -> None:
        self.root = Path(root)
        self.index = index(self.root)
        rows = rows_of(self.index)
        for problem in contradictions(self.index, rows):
            raise BadInput(f"{self.root}: {problem}")
        for problem in losses(self.index, rows):
            if not partial:
                raise BadInput(f"{self.root}: {problem}; partial=True takes the rest")
            log.warning("%s: %s", self.root, problem)
        for remark in remarks(self.index):
            log.warning("%s: %s", self.root, remark)
        nothing = dict.fromkeys(FIELDS)
        self.entries: tuple[Entry, ...] = tuple(
            replace(e, meta=nothing | rows.get(e.name, {}) | {"name": e.name, "split": e.split})
            for e in self.index.entries
        )

    def __len__(self) -> int:
        return len(self.entries)

    @overload
    def __getitem__(self, which: int) -> Sample: ...

    @overload
    def __getitem__(self, which: slice) -> "EasyPortrait": ...

    def __getitem__(self, which: int | slice) -> "Sample | EasyPortrait":
        """A sample of its own, newly read; or with a slice, a view."""
        if isinstance(which, slice):
            return self._view(self.entries[which])
        e = self.entries[which]
        return Sample(e.name, e.split, e.image_file, e.mask_file, dict(e.meta))

    def __iter__(self) -> Iterator[Sample]:
        return (self[i] for i in range(len(self)))

    def __repr__(self) -> str:
        counts = ", ".join(f"{split} {n}" for split, n in self.splits.items())
        return f"<EasyPortrait {self.root}: {counts or 'empty'}>"

    @property
    def splits(self) -> dict[str, int]:
        """How many pictures of each split this view has; splits that it lacks are left out."""
        counts = Counter(entry.split for entry in self.entries)
        return {split: counts[split] for split in SPLITS if counts[split]}

    def table(self) -> "polars.DataFrame":
        """This view's rows as a Polars table.

        Raises:
            MissingExtra: Polars is not installed.
        """
        return frame(entry.meta for entry in self.entries)

    def where(
        self,
        *,
        split: str | Collection[str] | None = None,
        user: str | Collection[str] | None = None,
        brightness: Range | None = None,
        size: Range | None = None,
    ) -> "EasyPortrait":
        """The pictures that meet every condition given, as a new view.

        Args:
            split: one, or any of several.
            user: likewise.
            brightness: (least, most), both included; None leaves an end open.
            size: the same for the shorter side, in pixels.

        Returns:
            A view on the same files; empty if nothing meets the conditions.

        Raises:
            BadInput: this view has no such split; a picture lacks the field asked for.
        """
        view = self
        if split is not None:
            wanted = _strings(split)
            if absent := [name for name in sorted(wanted) if name not in self.splits]:
                raise BadInput(
                    f"{self.root} has no split {', '.join(map(repr, absent))}; "
                    f"it has {', '.join(self.splits) or 'none'}"
                )
            view = view._view(e for e in view.entries if e.split in wanted)
        if user is not None:
            wanted = _strings(user)
            view = view._view(e for e in view._having("user") if e.meta["user"] in wanted)
        if brightness is not None:
            entries = view._having("brightness")
            view = view._view(e for e in entries if _within(e.meta["brightness"], brightness))
        if size is not None:
            entries = view._having("width", "height")
            view = view._view(
                e for e in entries if _within(min(e.meta["width"], e.meta["height"]), size)
            )
        return view

    def completed(self, progress: Callable[[], None] = lambda: None) -> "EasyPortrait":
        """The same pictures with hash, width, height and brightness worked out where missing.

        Reads the pictures that lack any, on all cores.

        Args:
            progress: called after each picture.

        Raises:
            ImageUnreadable, ImageTooLarge: as `read_image`.
        """

        def one(entry: Entry) -> Entry:
            full = replace(entry, meta=completed(entry.meta, entry.image_file))
            progress()
            return full

        with ThreadPoolExecutor() as pool:
            return self._view(pool.map(one, self.entries))

    def _having(self, *fields: str) -> tuple[Entry, ...]:
        for field in fields:
            lacking = [e.name for e in self.entries if e.meta[field] is None]
            if lacking:
                cure = "nothing can tell it" if field == "user" else "completed() works it out"
                raise BadInput(
                    f"{self.root}: {several(f'pictures have no {field}', lacking)}; {cure}"
                )
        return self.entries

    def _view(self, entries: Iterator[Entry] | tuple[Entry, ...]) -> "EasyPortrait":
        view = copy(self)
        view.entries = tuple(entries)
        return view


def rows_of(found: Index) -> dict[str, dict[str, Any]]:
    """The table of a dataset, by name; empty if it has none.

    Raises:
        BadInput, MissingExtra: as `read_table`.
    """
    if found.meta is None:
        return {}
    return {row["name"]: row for row in read_table(found.meta).to_dicts()}


def contradictions(found: Index, rows: dict[str, dict[str, Any]]) -> list[str]:
    """What no part of the dataset can be used with, a line each."""
    lines = []
    if found.repeated:
        lines.append(several("names are in more than one split", found.repeated))
    elsewhere = [
        f"{e.name} (files {e.split}, table {rows[e.name]['split']})"
        for e in found.entries
        if e.name in rows and rows[e.name]["split"] != e.split
    ]
    if elsewhere:
        lines.append(several("pictures are in another split in the table", elsewhere))
    if not found.entries:
        odd = [*found.unpaired, *found.strays]
        seen = f"; {several('files do not pair or are of no layout', odd)}" if odd else ""
        lines.append(f"no picture with a mask was found{seen}")
    return lines


def losses(found: Index, rows: dict[str, dict[str, Any]]) -> list[str]:
    """What a dataset promises and lacks, a line each.

    A split without any picture, or without any mask, was not fetched: that is no loss.
    """
    there = {entry.split for entry in found.entries}
    names = {entry.name for entry in found.entries}
    lines = []
    if unpaired := [path for path in found.unpaired if split_of(path) in there]:
        lines.append(several("files have no partner of the same name and split", unpaired))
    if rows:
        if rowless := [e.name for e in found.entries if e.name not in rows]:
            lines.append(several("pictures have no row in the table", rowless))
        gone = [n for n, row in rows.items() if row["split"] in there and n not in names]
        if gone:
            lines.append(several("rows of the table have no picture with a mask", gone))
    return lines


def remarks(found: Index) -> list[str]:
    """What is left aside and need not be a fault, a line each."""
    there = {entry.split for entry in found.entries}
    lines = []
    if halved := [path for path in found.unpaired if split_of(path) not in there]:
        lines.append(several("files are of a split that is there by half only", halved))
    if found.strays:
        lines.append(several("files are of no layout", found.strays))
    return lines


def split_of(path: str) -> str:
    """Of a path as `Index.unpaired` has it."""
    return path.split("/")[1]


def several(what: str, names: Collection[str]) -> str:
    """A count, what it counts, and the first few.

    >>> several("files are odd", ["a", "b", "c", "d", "e", "f"])
    '6 files are odd: a, b, c, d, e, ...'
    """
    first = [*names][:5]
    return f"{len(names)} {what}: {', '.join(first)}{', ...' if len(names) > 5 else ''}"


def _strings(value: str | Collection[str]) -> Collection[str]:
    return {value} if isinstance(value, str) else set(value)


def _within(value: float, limits: Range) -> bool:
    least, most = limits
    return (least is None or value >= least) and (most is None or value <= most)
