"""What a build did: which pictures it took, which it left out and why, and how they are split."""

import csv
import io
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ...errors import BadInput
from ..quality import Quality
from ..split import Part
from .sources import Left, Source

COLUMNS = (
    "name", "file", "outcome", "reason", "message", "value", "limit", "user", "split",
    "width", "height", "brightness", "sharpness", "face", "hash",
)  # fmt: skip


@dataclass(slots=True)
class Report:
    """Filled while a build runs; also of one that raises, as far as it came.

    Attributes:
        options: what was asked for.
        sources: the pairs.
        measures: of those that could be read, by name.
        splits: of those that were taken, by name.
        left: those that are good for nothing by the options: filters and duplicates.
        unusable: those that are at fault: without a mask, damaged, of another size.
        groups: names that look alike, of what passed the filters.
        parts: each split in numbers.
        remarks: a line for each thing that one should know and that is no fault.
        is_written: whether the dataset lies there now; False for one that raised, and one
            that was only tried.
    """

    options: dict[str, Any] = field(default_factory=dict)
    sources: list[Source] = field(default_factory=list)
    measures: dict[str, Quality] = field(default_factory=dict)
    splits: dict[str, str] = field(default_factory=dict)
    left: list[Left] = field(default_factory=list)
    unusable: list[Left] = field(default_factory=list)
    groups: list[list[str]] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    is_written: bool = False

    @property
    def reasons(self) -> dict[str, int]:
        """How many pictures were left out for each reason; one may have several."""
        return dict(Counter(fault.reason for one in self.left for fault in one.faults))

    def to_json(self) -> str:
        """All of it, as one JSON object."""
        return json.dumps(
            {
                "is_written": self.is_written,
                "options": self.options,
                "taken": len(self.splits),
                "left_out": len(self.left),
                "unusable": len(self.unusable),
                "reasons": self.reasons,
                "splits": [asdict(part) for part in self.parts],
                "remarks": self.remarks,
                "duplicates": self.groups,
                "pictures": list(self._rows()),
            },
            indent=1,
        )

    def to_csv(self) -> str:
        """A row for each picture; one that is left out for two reasons has two."""
        buffer = io.StringIO()
        table = csv.DictWriter(buffer, COLUMNS, lineterminator="\n")
        table.writeheader()
        table.writerows(self._rows())
        return buffer.getvalue()

    def to_bytes(self, path: Path) -> bytes:
        """What a file of this name holds.

        Raises:
            BadInput: it is neither JSON nor CSV.
        """
        check_suffix(path)
        text = self.to_csv() if path.suffix.lower() == ".csv" else self.to_json()
        return text.encode(errors="backslashreplace")  # a path need not be text

    def _rows(self) -> Iterator[dict[str, Any]]:
        users = {source.name: source.user for source in self.sources}

        def known(name: str) -> dict[str, Any]:
            measures = self.measures.get(name)
            told = {"user": users.get(name), "split": self.splits.get(name)}
            return told | (asdict(measures) if measures else {})

        for outcome, pictures in (("left out", self.left), ("unusable", self.unusable)):
            for one in sorted(pictures, key=lambda one: (one.name, one.file)):
                for fault in one.faults:
                    row = {"name": one.name, "file": one.file, "outcome": outcome}
                    yield row | asdict(fault) | known(one.name)
        for source in self.sources:
            if source.name in self.splits:
                row = {"name": source.name, "file": str(source.photo), "outcome": "taken"}
                yield row | known(source.name)


def check_suffix(path: Path) -> None:
    """Raises:
    BadInput: a report cannot have such a name.
    """
    if path.suffix.lower() not in (".json", ".csv"):
        raise BadInput(f"a report is FILE.json or FILE.csv, not {path}")


def failure(where: str, faults: Iterable[Left], outcome: str) -> str:
    """One line on pictures that could not be used."""
    first, *others = faults
    which = str(first) if not others else f"{len(others) + 1} pictures, the first being {first}"
    return f"{where} is not built whole; {outcome}. At fault: {which}"
