"""Tables that users write: who is on which picture, and in which split."""

import csv
import io
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from ...errors import BadInput
from ...image.io import SUFFIXES
from ..easyportrait import rows_of
from ..files import File
from ..layout import index
from ..meta import MOST, SPLITS, TABLES, read_table, table_text

# What a column may be called: by our name for it, or as either version publishes it
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "name": ("name", *(table.key for table in TABLES.values())),
    "user": ("user", "user_id"),
    "hash": ("hash", "data_hash"),
    "width": ("width",),
    "height": ("height",),
    "brightness": ("brightness",),
    "split": ("split", "set"),
}
WHOLE = ("width", "height")
NUMBERS = (*WHOLE, "brightness")

Rows = list[tuple[str, dict[str, str]]]


def read_users(path: Path) -> dict[str, str]:
    """Who is on each picture, from a table with the columns name and user.

    CSV or TSV, by its header; the names of the published columns will do, and names with
    a picture's suffix.

    Raises:
        BadInput: it cannot be read, a column is missing, a cell is empty, or a name has
            two users. The message names the row (1 is the first after the header).
    """
    users: dict[str, str] = {}
    for where, row in cells(path, ("name", "user")):
        name = without_suffix(row["name"])
        if users.setdefault(name, row["user"]) != row["user"]:
            raise BadInput(f"{where}: {name} is {users[name]} in a row above, here {row['user']}")
    return users


def read_rows(path: Path) -> list[dict[str, Any]]:
    """Rows of meta.py's schema, from a published table or one with the columns name and user.

    Hash, width, height and brightness are taken where there are such columns.

    Raises:
        BadInput: as `read_users`; a number is none; a name comes twice.
        MissingExtra: it is a published table, and Polars is not installed.
    """
    if is_published(path):
        rows = read_table(File(path)).to_dicts()
        if nobody := [row["name"] for row in rows if row["user"] is None]:
            raise BadInput(f"{path}: {nobody[0]} has no user")
        return rows
    rows, seen = [], set()
    for where, row in cells(path, ("name", "user"), ("hash", *NUMBERS)):
        full: dict[str, Any] = dict(row)
        for field in {*NUMBERS} & row.keys():
            full[field] = number(row[field], field, where)
        if row["name"] in seen:
            raise BadInput(f"{where}: the name {row['name']} is in a row above")
        seen.add(row["name"])
        rows.append(full)
    return rows


def number(text: str, field: str, where: str) -> float | None:
    try:
        value = float(text or 0)
    except ValueError:
        value = math.nan
    if not abs(value) <= MOST:  # nor is NaN
        raise BadInput(f"{where}: {field} is {text!r}, not a number")
    if field in WHOLE and value % 1:
        raise BadInput(f"{where}: {field} is {text!r}, not a whole number")
    return (int(value) if field in WHOLE else value) if text else None


@dataclass(frozen=True, slots=True)
class Earlier:
    """A split that was made before.

    Attributes:
        users: the split of each user.
        names: the split of each picture, if it says.
    """

    users: Mapping[str, str]
    names: Mapping[str, str]


def read_earlier(path: Path) -> Earlier:
    """The split of a dataset, by its table, or of a table with the columns user and split.

    Raises:
        BadInput: it is neither; a user is in two splits, or a split is none.
        MissingExtra: a published table is to be read, and Polars is not installed.
    """
    if path.is_dir() or is_published(path):
        rows = rows_of(index(path)) if path.is_dir() else published(path)
        if not rows:
            raise BadInput(f"{path} holds no dataset with a table, so nobody has a split there")
        told = [(str(path), row["name"], row["user"], row["split"]) for row in rows.values()]
    else:
        found = cells(path, ("user", "split"), ("name",))
        told = [(where, row.get("name"), row["user"], row["split"]) for where, row in found]
    users: dict[str, str] = {}
    for where, _, user, split in told:
        if split not in SPLITS:
            raise BadInput(f"{where}: the split is {split!r}, not {', '.join(SPLITS)}")
        if user is not None and users.setdefault(user, split) != split:
            raise BadInput(f"{where}: the user {user} is in {users[user]} and in {split}")
    return Earlier(users, {name: split for _, name, _, split in told if name})


def published(path: Path) -> dict[str, dict[str, Any]]:
    return {row["name"]: row for row in read_table(File(path)).to_dicts()}


def is_published(path: Path) -> bool:
    """Whether a file is a table of either published version."""
    titles = titled(path)[1][0]
    return any(set(table.needed) <= set(titles) for table in TABLES.values())


def cells(path: Path, needed: tuple[str, ...], others: tuple[str, ...] = ()) -> Rows:
    """The wanted columns of a table by our names, each row with what to call it in a message.

    Raises:
        BadInput: a column that is needed is missing, or has an empty cell.
    """
    where, rows = titled(path)
    at = {}
    for field in (*needed, *others):
        known = [column for column in COLUMNS[field] if column in rows[0]]
        if known:
            at[field] = rows[0].index(known[0])
        elif field in needed:
            raise BadInput(
                f"{where} has no column {' or '.join(map(repr, COLUMNS[field]))}; "
                f"it has {', '.join(rows[0])}"
            )
    found = []
    for i, row in enumerate(rows[1:], 1):
        if any(row):
            here = {field: row[k] if k < len(row) else "" for field, k in at.items()}
            if empty := [rows[0][at[field]] for field in needed if not here[field]]:
                raise BadInput(f"{where}, row {i}: {empty[0]} is empty")
            found.append((f"{where}, row {i}", here))
    if not found:
        raise BadInput(f"{where} has no rows")
    return found


def titled(path: Path) -> tuple[str, list[list[str]]]:
    """What to call a table in messages, and its rows, the first being its header."""
    if not path.is_file():
        raise BadInput(f"{path} is not a table: a CSV or TSV file")
    text, where = table_text(File(path))
    header = text.partition("\n")[0]
    separator = "\t" if header.count("\t") > header.count(",") else ","
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator))
    except csv.Error as error:
        raise BadInput(f"{where} is no table: {error}") from error
    if not rows:
        raise BadInput(f"{where} is empty")
    return where, [[cell.strip() for cell in row] for row in rows]


def without_suffix(name: str) -> str:
    """A picture's name, where a table has the name of its file."""
    path = PurePosixPath(name)
    return path.stem if path.suffix.lower() in SUFFIXES else name
