"""Parquet with pictures inside, as Hugging Face's `datasets` keeps and shows them.

    data/<split>-00000.parquet     a row a sample: image, mask, and what is known of it
    README.md                      which of the columns are pictures, for `datasets`

`image` and `mask` are structs of `bytes` (a JPEG, a PNG) and `path` (what the file was
called). Written: `SHARD` samples a file, so that memory does not grow with the set. Read:
any such columns; the split is the word before the first `-` of the file, or a folder around
it; without a column `name`, names are those of `path`.
"""

import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from ...errors import BadInput, OutputUnwritable
from ...image.io import encode
from ...taxonomy import CLASSES, to_task
from ..meta import FIELDS, frame, load_polars
from .pairs import SPLIT_WORDS
from .samples import Found, How, Labelled, Notes, indices

SHARD = 100  # samples a file
TOGETHER = 8  # rows read at once, and written as a row group

FILES = ("image", "mask")
COLUMNS = tuple(field for field in FIELDS if field != "split")
# In the words of a dataset card's header
KINDS = {"image": "image", "mask": "image", "width": "int64", "height": "int64"}
KINDS |= {"brightness": "float64"}


# -- reading -------------------------------------------------------------------------------


@dataclass(slots=True)
class Rows:
    """The pictures of a Parquet file, read a few rows at a time; threads may share it."""

    path: Path
    lock: threading.Lock = field(default_factory=threading.Lock)
    first: int = -1
    held: list[dict[str, Any]] = field(default_factory=list)

    def cell(self, row: int, column: str) -> dict[str, Any]:
        """Raises:
        BadInput: the file is damaged.
        """
        with self.lock:
            first = row - row % TOGETHER
            if first != self.first:
                lazy = load_polars().scan_parquet(self.path, glob=False).select(FILES)
                self.held = collected(lazy.slice(first, TOGETHER), self.path).to_dicts()
                self.first = first
            return self.held[row - first][column] or {}


@dataclass(frozen=True, slots=True)
class Cell:
    """A file in a row."""

    rows: Rows
    row: int
    column: str

    def __str__(self) -> str:
        return f"{self.rows.path}, row {self.row + 1}, {self.column}"

    def read(self) -> bytes:
        """Raises:
        BadInput: there are no bytes in it.
        """
        data = self.rows.cell(self.row, self.column).get("bytes")
        if not data:
            raise BadInput(f"{self} holds no bytes; files beside a Parquet file are not read")
        return bytes(data)


def read(src: Path, how: How, notes: Notes) -> list[Found]:
    """Raises:
    BadInput: a file is damaged, or has no image and mask.
    MissingExtra: Polars is not installed.
    """
    found = []
    for path in [src] if src.is_file() else sorted(src.rglob("*.parquet")):
        words = [path.stem.split("-")[0], *reversed(path.relative_to(src).parts[:-1])]
        split = next((SPLIT_WORDS[word] for word in words if word in SPLIT_WORDS), how.split)
        rows = Rows(path)
        for i, told in enumerate(known(path)):
            called = PurePosixPath(told.pop("path") or "").stem or f"{path.stem}-{i:06d}"
            image, mask = (Cell(rows, i, column) for column in FILES)
            name = str(told.get("name") or called)
            found.append(Found(name, split, image, indices(mask, to_task("joint")), told))
    return found


def known(path: Path) -> Iterator[dict[str, Any]]:
    """What each row says of its picture, without reading pictures.

    Raises:
        BadInput: the file is damaged, or has no image and mask of structs.
    """
    pl = load_polars()
    lazy = pl.scan_parquet(path, glob=False)
    try:
        schema = dict(lazy.collect_schema())
    except (pl.exceptions.PolarsError, OSError) as error:
        raise BadInput(f"{path} is no Parquet file: {str(error).splitlines()[0]}") from error
    for column in FILES:
        fields = {f.name for f in getattr(schema.get(column), "fields", ())}
        if not fields >= {"bytes", "path"}:
            raise BadInput(
                f"{path} has no column {column!r} of bytes and path; it has {', '.join(schema)}"
            )
    meta = [pl.col(name) for name in FIELDS if name in schema]
    picked = lazy.select(pl.col("image").struct.field("path"), *meta)
    yield from collected(picked, path).iter_rows(named=True)


def collected(lazy: Any, path: Path) -> Any:
    try:
        return lazy.collect()
    except (load_polars().exceptions.PolarsError, OSError) as error:
        raise BadInput(f"{path} is damaged: {str(error).splitlines()[0]}") from error


# -- writing -------------------------------------------------------------------------------


def write(samples: Iterable[Labelled], out: Path, how: How, notes: Notes) -> None:
    """Raises:
    OutputUnwritable: the disk is full.
    MissingExtra: Polars is not installed.
    """
    load_polars()  # better missed now than after the first shard
    (out / "data").mkdir()
    shards: dict[str, list[Labelled]] = {}
    counts: dict[str, int] = {}

    def end(split: str) -> None:
        number = counts.get(split, 0)
        _write_shard(shards.pop(split), out / "data" / f"{split}-{number:05d}.parquet")
        counts[split] = number + 1

    for one in samples:
        shards.setdefault(one.split, []).append(one)
        if len(shards[one.split]) == SHARD:
            end(one.split)
    for split in [*shards]:
        end(split)
    (out / "README.md").write_text(card(), encoding="utf-8")


def card() -> str:
    """A dataset card that says what the columns are: Parquet itself cannot say "picture"."""
    lines = ["---", "dataset_info:", "  features:"]
    for column in (*FILES, *COLUMNS):
        lines += [f"  - name: {column}", f"    dtype: {KINDS.get(column, 'string')}"]
    classes = ", ".join(f"{i} {name}" for i, name in enumerate(CLASSES.names))
    return "\n".join([*lines, "---", "", f"`mask` holds {classes}; 255 is not known.", ""])


def _write_shard(samples: list[Labelled], path: Path) -> None:
    pl = load_polars()
    file = pl.Struct({"bytes": pl.Binary, "path": pl.String})
    images = [{"bytes": one.image, "path": f"{one.name}.jpg"} for one in samples]
    masks = [{"bytes": encode(one.mask, ".png"), "path": f"{one.name}.png"} for one in samples]
    columns = [pl.Series("image", images, file), pl.Series("mask", masks, file)]
    table = pl.DataFrame([*columns, *frame(one.meta for one in samples).select(COLUMNS)])
    try:
        table.write_parquet(
            path,
            compression="uncompressed",  # JPEG and PNG do not shrink
            row_group_size=TOGETHER,
        )
    except pl.exceptions.PolarsError as error:  # in which it wraps what the disk says
        reason = str(error).splitlines()[0]
        raise OutputUnwritable(f"{path.name} cannot be written: {reason}") from error
