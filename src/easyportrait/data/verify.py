"""Is a dataset sound? Every picture, mask, row and name, looked at by every check."""

import json
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..errors import BadInput, EasyPortraitError, MissingExtra
from .checks import CHECKS
from .easyportrait import contradictions, rows_of
from .evidence import Check, Note, OfDataset, OfPicture, Pair, Thresholds, Whole
from .layout import Entry, Index, index
from .meta import SPLITS
from .pool import Over, on_all_cores


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong.

    Attributes:
        kind: of the check that found it (checks.CHECKS).
        name: of the picture; a path, user or split where it is about one of these.
        split: of the picture, else "".
        message: what is wrong, with which value.
        details: the same for machines, JSON.
    """

    kind: str
    name: str
    split: str
    message: str
    details: dict[str, Any]

    def __str__(self) -> str:
        place = f"{self.split}/{self.name}" if self.split else self.name
        return f"{place}: {self.message}"


@dataclass(frozen=True, slots=True)
class Report:
    """What was found.

    Attributes:
        root: the dataset.
        pictures: how many pairs were looked at.
        has_table: whether there was a table to compare them with.
        checks: those that were made.
        findings: by check, then split and name.
    """

    root: Path
    pictures: int
    has_table: bool
    checks: tuple[Check, ...]
    thresholds: Thresholds
    findings: tuple[Finding, ...]

    @property
    def counts(self) -> dict[str, int]:
        """How many findings of each kind; kinds without any are left out."""
        return dict(Counter(finding.kind for finding in self.findings))

    def to_json(self) -> str:
        """All of it, as one JSON object."""
        return json.dumps(
            {
                "root": str(self.root),
                "pictures": self.pictures,
                "has_table": self.has_table,
                "thresholds": asdict(self.thresholds),
                "checks": [check.kind for check in self.checks],
                "counts": self.counts,
                "findings": [asdict(finding) for finding in self.findings],
            },
            indent=2,
        )


def verify(
    root: Path | str,
    thresholds: Thresholds | None = None,
    *,
    skip: Collection[str] = (),
    over: Over = on_all_cores,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Report:
    """Look at a whole dataset, on all cores, or on many machines.

    Pictures pass through a few at a time; what is kept of each is its hash and what is
    wrong with it.

    Args:
        root: as `EasyPortrait` takes it; what that refuses is a finding here.
        thresholds: how much is too much.
        skip: kinds of findings to leave out.
        over: how to go over the pictures.
        progress: called after each picture with how many are done, and of how many.

    Raises:
        BadInput: there is nothing to look at; an archive is damaged (`layout.index`); there
            is no such kind to skip.
        MissingExtra: there is a table, and Polars is not installed.
    """
    checks = chosen(skip)
    thresholds = thresholds or Thresholds()
    found = index(root)
    if not found.entries and not found.unpaired:
        raise BadInput(f"{root}: {contradictions(found, {})[-1]}")
    rows, problem = table(found)
    findings: list[Finding] = []
    hashes: list[tuple[Entry, str]] = []
    repeated = set(found.repeated)
    of_picture = [check for check in checks if isinstance(check, OfPicture)]

    def look(entry: Entry) -> tuple[str | None, list[Finding]]:
        row = rows.get(entry.name, {})
        if entry.name in repeated and row.get("split") != entry.split:
            row = {}  # the row of the other
        pair = Pair.read(entry, row, thresholds)
        notes = [(check, check(pair)) for check in of_picture]
        return pair.hash, [finding(check, note, entry) for check, note in notes if note]

    for done, (entry, (hash_, its)) in enumerate(over(look, found.entries), 1):
        findings += its
        if hash_ is not None:
            hashes.append((entry, hash_))
        progress(done, len(found.entries))
    whole = Whole(Path(root), found, rows, problem, hashes, thresholds)
    for check in checks:
        if isinstance(check, OfDataset):
            findings += [finding(check, note) for note in check.look(whole)]
    order = [check.kind for check in checks]
    findings.sort(key=lambda f: (order.index(f.kind), (*SPLITS, "").index(f.split), f.name))
    has_table = found.meta is not None and problem is None
    return Report(Path(root), len(found.entries), has_table, checks, thresholds, tuple(findings))


def chosen(skip: Collection[str]) -> tuple[OfPicture | OfDataset, ...]:
    """The checks that are not to be skipped.

    Raises:
        BadInput: there is no such kind.
    """
    kinds = [check.kind for check in CHECKS]
    if unknown := [kind for kind in skip if kind not in kinds]:
        raise BadInput(f"there is no check {unknown[0]!r} to skip; checks: {', '.join(kinds)}")
    return tuple(check for check in CHECKS if check.kind not in skip)


def table(found: Index) -> tuple[dict[str, dict[str, Any]], EasyPortraitError | None]:
    """The rows by name, or why they cannot be read."""
    try:
        return rows_of(found), None
    except MissingExtra:
        raise
    except EasyPortraitError as error:
        return {}, error


def finding(check: Check, note: Note, entry: Entry | None = None) -> Finding:
    name, split = (entry.name, entry.split) if entry else (note.name, note.split)
    return Finding(check.kind, name, split, note.message, note.details)
