"""What is known of each picture: one schema, read from and written to both published tables.

    name         the file's name without its suffix
    user         who it shows or who sent it, anonymous; splits are by user
    hash         perceptual hash (hashing.phash)
    width        of the picture as people see it, in pixels
    height       likewise
    brightness   mean luma, 0..255
    split        train, val or test

A table is CSV or TSV, whichever its header looks like, as a file of its own or the only
one in a zip. What it does not tell is None.

Measures are taken of the picture as `read_image` gives it: turned by its EXIF orientation,
in sRGB. A photograph on its side is as wide as its owner sees it, not as it is stored.
"""

import io
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image as Pil

from ..errors import BadInput, MissingExtra
from ..image.io import Image, picture_size, read_image
from .files import MAX_BYTES, ZIP_DAMAGE, Readable, opened
from .hashing import phash

if TYPE_CHECKING:
    import polars

SPLITS = ("train", "val", "test")
FIELDS = ("name", "user", "hash", "width", "height", "brightness", "split")
MEASURED = ("hash", "width", "height", "brightness")

TABLE_SUFFIXES = (".csv", ".tsv")
MOST = 10**9  # pixels of a side, or anything else that a table counts


@dataclass(frozen=True, slots=True)
class Table:
    """How a version spells the schema.

    Attributes:
        columns: its columns and our fields, in its order.
        flags: columns of True and False that stand for one split each, after the others.
    """

    columns: Mapping[str, str]
    flags: Mapping[str, str]

    @property
    def key(self) -> str:
        """The column of names, which tells the versions apart."""
        return next(column for column, field in self.columns.items() if field == "name")

    @property
    def needed(self) -> list[str]:
        """Columns that cannot be worked out from the pictures."""
        told = [column for column, field in self.columns.items() if field not in MEASURED]
        return [*told, *self.flags]


TABLES: Mapping[str, Table] = {
    "v1": Table(
        {
            "attachment_id": "name",
            "user_id": "user",
            "data_hash": "hash",
            "width": "width",
            "height": "height",
            "brightness": "brightness",
        },
        flags={"train": "train", "test": "test", "valid": "val"},
    ),
    "v2": Table(
        {
            "image_name": "name",
            "user_id": "user",
            "height": "height",
            "width": "width",
            "set": "split",
            "brightness": "brightness",
        },
        flags={},
    ),
}


def load_polars() -> Any:
    """The module, when it is first needed.

    Raises:
        MissingExtra: it is not installed.
    """
    try:
        import polars
    except ImportError:
        raise MissingExtra("data", "polars") from None
    return polars


def frame(rows: Iterable[Mapping[str, Any]]) -> "polars.DataFrame":
    """Rows of the schema as a Polars table; None where a row lacks a field."""
    pl = load_polars()
    numbers = {"width": pl.Int64, "height": pl.Int64, "brightness": pl.Float64}
    schema = {field: numbers.get(field, pl.String) for field in FIELDS}
    return pl.DataFrame([[row.get(f) for f in FIELDS] for row in rows], schema, orient="row")


# -- reading -------------------------------------------------------------------------------


def read_table(file: Readable) -> "polars.DataFrame":
    """A published table in our schema, in its own order of rows.

    Args:
        file: CSV or TSV, or a zip that holds one of these and no other.

    Raises:
        BadInput: it is no table of either version: a column is missing, a row is in no
            split or in two, something is not a number, a name stands twice. The message
            names the file, the column and the row (1 is the first after the header).
        MissingExtra: Polars is not installed.
    """
    text, where = table_text(file)
    raw = _parsed(text, where)
    table = _kind(raw, where)
    reader = _Reader(raw, table, where)
    names = reader.names()
    columns = {
        "name": names,
        "user": reader.text("user"),
        "hash": reader.text("hash"),
        "width": reader.whole("width"),
        "height": reader.whole("height"),
        "brightness": reader.number("brightness"),
        "split": reader.splits(),
    }
    rows = (dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True))
    return frame(rows)


def table_text(file: Readable) -> tuple[str, str]:
    """The text of a table, and what to call it in messages.

    Raises:
        BadInput: a zip that does not hold exactly one table, or no UTF-8 text.
    """
    data, where = file.read(), str(file)
    if data.startswith(b"PK"):
        data, name = _only_table(data, where)
        where = f"{where}/{name}"
    try:
        return data.decode("utf-8-sig"), where
    except UnicodeDecodeError as error:
        raise BadInput(f"{where} is not UTF-8 text: {error.reason} at byte {error.start}") from None


def _only_table(data: bytes, where: str) -> tuple[bytes, str]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            tables = [info for info in archive.infolist() if _is_table(info.filename)]
            if len(tables) != 1:
                raise BadInput(
                    f"{where} holds {len(tables)} tables ({', '.join(TABLE_SUFFIXES)}), "
                    "and one is wanted"
                )
            if tables[0].file_size > MAX_BYTES:
                raise BadInput(f"{where}/{tables[0].filename} is over {MAX_BYTES >> 20} MB")
            if tables[0].compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise BadInput(
                    f"{where}/{tables[0].filename} is packed by method "
                    f"{tables[0].compress_type}; stored and deflated are read"
                )
            return archive.read(tables[0]), tables[0].filename
    except ZIP_DAMAGE as error:
        raise BadInput(f"{where} is not a whole zip archive: {error}") from error


def _is_table(name: str) -> bool:
    path = PurePosixPath(name)
    return (
        path.suffix.lower() in TABLE_SUFFIXES
        and not path.name.startswith(".")
        and "__MACOSX" not in path.parts
    )


def _parsed(text: str, where: str) -> "polars.DataFrame":
    """Every cell as text: what is not a number is for us to say, with its row."""
    pl = load_polars()
    header = text.partition("\n")[0]
    separator = "\t" if header.count("\t") > header.count(",") else ","
    try:
        raw = pl.read_csv(io.BytesIO(text.encode()), separator=separator, infer_schema_length=0)
        raw = raw.rename(str.strip)
    except pl.exceptions.PolarsError as error:
        kind = "TSV" if separator == "\t" else "CSV"
        raise BadInput(f"{where} is no {kind} table: {str(error).splitlines()[0]}") from error
    if raw.is_empty():
        raise BadInput(f"{where} has no rows")
    return raw


def _kind(raw: "polars.DataFrame", where: str) -> Table:
    for table in TABLES.values():
        if table.key in raw.columns:
            if missing := [column for column in table.needed if column not in raw.columns]:
                raise BadInput(
                    f"{where} has no column {', '.join(map(repr, missing))}; "
                    f"it has {', '.join(raw.columns)}"
                )
            return table
    keys = " or ".join(f"{table.key!r} ({version})" for version, table in TABLES.items())
    raise BadInput(f"{where} has no column {keys}; it has {', '.join(raw.columns)}")


class _Reader:
    """A raw table's columns, checked, as lists of the schema's types."""

    def __init__(self, raw: "polars.DataFrame", table: Table, where: str) -> None:
        self.raw, self.table, self.where = raw, table, where
        self.column = {field: column for column, field in table.columns.items()}

    def row(self, i: int) -> str:
        return f"{self.where}, row {i + 1} ({self.raw[self.table.key][i]})"

    def text(self, field: str) -> list[str | None]:
        """None where the cell is empty or the column missing."""
        column = self.column.get(field)
        if column not in self.raw.columns:
            return [None] * len(self.raw)
        return [cell.strip() or None if cell else None for cell in self.raw[column]]

    def names(self) -> list[str]:
        seen: dict[str, int] = {}
        for i, name in enumerate(self.text("name")):
            if name is None:
                raise BadInput(f"{self.where}, row {i + 1}: {self.table.key} is empty")
            if name in seen:
                raise BadInput(
                    f"{self.where}: the name {name!r} is in row {seen[name] + 1} and row {i + 1}"
                )
            seen[name] = i
        return list(seen)

    def number(self, field: str) -> list[float | None]:
        values: list[float | None] = []
        for i, cell in enumerate(self.text(field)):
            try:
                value = None if cell is None else float(cell)
            except ValueError:
                value = float("nan")
            if value is not None and not np.isfinite(value):
                raise BadInput(f"{self.row(i)}: {self.column[field]} is {cell!r}, not a number")
            values.append(value)
        return values

    def whole(self, field: str) -> list[int | None]:
        values = self.number(field)
        for i, value in enumerate(values):
            if value is not None and (not 1 <= value <= MOST or value % 1):
                raise BadInput(
                    f"{self.row(i)}: {self.column[field]} is {value:g}, "
                    f"not a whole number above 0 and up to {MOST:,}"
                )
        return [None if value is None else int(value) for value in values]

    def splits(self) -> list[str]:
        return self._from_flags() if self.table.flags else self._from_words()

    def _from_words(self) -> list[str]:
        column = self.column["split"]
        words = self.text("split")
        for i, word in enumerate(words):
            if word not in SPLITS:
                raise BadInput(f"{self.row(i)}: {column} is {word!r}, not {', '.join(SPLITS)}")
        return [str(word) for word in words]

    def _from_flags(self) -> list[str]:
        flags = {split: self._flag(column) for column, split in self.table.flags.items()}
        splits = []
        for i in range(len(self.raw)):
            mine = [split for split, column in flags.items() if column[i]]
            if len(mine) != 1:
                found = " and ".join(mine) or "no split"
                raise BadInput(f"{self.row(i)} is in {found}; a picture is in one split")
            splits += mine
        return splits

    def _flag(self, column: str) -> list[bool]:
        meaning = {"true": True, "1": True, "false": False, "0": False}
        flags = []
        for i, cell in enumerate(self.raw[column]):
            key = (cell or "").strip().lower()
            if key not in meaning:
                raise BadInput(f"{self.row(i)}: {column} is {cell!r}, not True or False")
            flags.append(meaning[key])
        return flags


# -- writing -------------------------------------------------------------------------------


def table_bytes(rows: Iterable[Mapping[str, Any]], table: Table) -> bytes:
    """Rows of the schema as a version's CSV, in UTF-8; empty cells where a row has None."""
    pl = load_polars()
    rows = list(rows)
    columns = {
        column: [_cell(row.get(field)) for row in rows] for column, field in table.columns.items()
    }
    for column, split in table.flags.items():
        columns[column] = [str(row["split"] == split) for row in rows]
    return pl.DataFrame(columns, dict.fromkeys(columns, pl.String)).write_csv().encode()


def _cell(value: Any) -> str | None:
    """136.0 as 136, as published; every other number to its last digit."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return None if value is None else str(value)


# -- measuring -----------------------------------------------------------------------------


def completed(row: Mapping[str, Any], picture: Readable) -> dict[str, Any]:
    """A row with hash, width, height and brightness worked out where it has none.

    Args:
        row: of the schema; what it has is kept as it is.
        picture: its image file, read only if something is missing.

    Raises:
        ImageUnreadable, ImageTooLarge: as `read_image`.
    """
    full = {**dict.fromkeys(FIELDS), **row}
    missing = {field for field in MEASURED if full[field] is None}
    if not missing:
        return full
    if missing <= {"width", "height"}:
        height, width = picture_size(opened(picture))
        measured: dict[str, Any] = {"height": height, "width": width}
    else:
        image = read_image(opened(picture))
        height, width = image.shape[:2]
        measured = {
            "height": height,
            "width": width,
            "hash": phash(image),
            "brightness": brightness(image),
        }
    return full | {field: measured[field] for field in missing}


def brightness(image: Image) -> float:
    """Mean luma of a picture, (H, W, 3) or grey already, 0..255, to a hundredth.

    Luma is ITU-R BT.601's, 0.299 R + 0.587 G + 0.114 B, rounded per pixel (Pillow's "L").

    >>> brightness(np.full((2, 2, 3), [0, 255, 0], np.uint8))
    150.0
    """
    return round(float(np.asarray(Pil.fromarray(image).convert("L")).mean()), 2)
