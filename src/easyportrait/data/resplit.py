"""The users of a table or dataset, given their splits."""

import csv
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import BadInput
from .building.tables import Earlier, read_earlier, read_rows
from .duplicates import alike, as_hashes
from .easyportrait import EasyPortrait, several
from .split import assign, torn

BALANCED = ("brightness", "width", "height")


@dataclass(frozen=True, slots=True)
class Resplit:
    """A table with its splits.

    Attributes:
        rows: of meta.py's schema, in their order, with name, user and split, and what else
            was known.
        remarks: a line for each thing that one should know.
    """

    rows: list[dict[str, Any]]
    remarks: list[str]

    def to_csv(self) -> str:
        """name, user and split of each picture."""
        buffer = io.StringIO()
        table = csv.writer(buffer, lineterminator="\n")
        table.writerow(("name", "user", "split"))
        table.writerows((row["name"], row["user"], row["split"]) for row in self.rows)
        return buffer.getvalue()


def resplit(
    source: Path | str,
    shares: Mapping[str, float],
    *,
    seed: int = 0,
    group: bool = True,
    distance: int = 4,
    keep_split: Path | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Resplit:
    """Give each user a split (`split.assign`). No picture is moved, and none is left out.

    Args:
        source: a table with the columns name and user, better also width, height,
            brightness and hash; or a dataset, whose pictures are read where its table
            lacks one of these.
        shares: of the pictures, by split.
        group: near-duplicates go into one split, with all pictures of their users.
        distance: bits of 64 in which their hashes may differ.
        keep_split: a dataset or table whose users keep their split.
        progress: called after each picture that is read.

    Raises:
        BadInput: it is neither, or says nothing of users.
        ImageUnreadable, ImageTooLarge: a picture of the dataset is damaged.
        MissingExtra: Polars is not installed.
    """
    source = Path(source)
    rows = of_dataset(source, group, progress) if source.is_dir() else read_rows(source)
    earlier = read_earlier(keep_split) if keep_split else Earlier({}, {})
    groups: list[tuple[int, ...]] = []
    remarks = []
    hashed = [i for i, row in enumerate(rows) if row.get("hash")]
    if group and hashed:
        found = alike(as_hashes([rows[i]["hash"] for i in hashed]), distance)
        groups = [tuple(hashed[k] for k in one) for one in found]
        if groups:
            remarks.append(f"{len(groups)} groups of near-duplicates stay together")
    if group and len(hashed) < len(rows):
        remarks.append(f"{len(rows) - len(hashed)} pictures have no hash to find duplicates by")
    for field in BALANCED:
        if not any(row.get(field) for row in rows):
            remarks.append(f"there is no {field}, so it was not balanced")
    splits = assign(rows, shares, groups=groups, kept=earlier.users, seed=seed)
    if earlier.users:
        kept = sum(user in earlier.users for user in splits)
        remarks.append(f"{kept} of {len(splits)} users had a split and keep it")
    if crossing := torn(rows, splits, groups, earlier.names):
        names = [rows[i]["name"] for i in sorted(crossing)]
        remarks.append(several("pictures look like one in another split", names))
    return Resplit([row | {"split": splits[row["user"]]} for row in rows], remarks)


def of_dataset(
    root: Path, group: bool, progress: Callable[[int, int], None]
) -> list[dict[str, Any]]:
    dataset = EasyPortrait(root)
    if nobody := [e.name for e in dataset.entries if e.meta["user"] is None]:
        raise BadInput(f"{root}: {several('pictures have no user', nobody)}; nothing can tell it")
    wanted = (*BALANCED, "hash") if group else BALANCED
    if any(e.meta[field] is None for e in dataset.entries for field in wanted):
        done = iter(range(1, len(dataset) + 1))
        dataset = dataset.completed(lambda: progress(next(done), len(dataset)))
    return [dict(entry.meta) for entry in dataset.entries]
