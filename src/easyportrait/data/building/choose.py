"""Which pictures are taken and in which split: of their measures alone."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..duplicates import alike, as_hashes
from ..easyportrait import several
from ..hashing import distance
from ..meta import SPLITS
from ..quality import Fault, Quality, faults
from ..split import assign, parts, torn
from .how import How
from .report import Report
from .sources import Left, Source
from .tables import Earlier

Rows = dict[str, dict[str, Any]]


def choose(earlier: Earlier, how: How, report: Report) -> Rows:
    """The rows of the table by name: pictures that pass, each with its split.

    Args:
        earlier: who has a split already.
        report: has the sources and what was measured of them; gets all the rest.
    """
    good = list(passing(report, how))
    groups = alike(as_hashes([report.measures[one.name].hash for one in good]), how.distance)
    report.groups = [[good[i].name for i in group] for group in groups]
    if how.duplicates == "drop":
        rows = [row_of(one, report.measures[one.name]) for one in good]
        gone = spare(rows, groups, earlier, report.measures)
        good = without(good, gone, "duplicate", how, report)
    if how.duplicates != "group":
        groups = []
    rows = [row_of(one, report.measures[one.name]) for one in good]
    splits = assign(rows, how.wanted, groups=groups, kept=earlier.users, seed=how.seed)
    crossing = torn(rows, splits, groups, earlier.names)
    good = without(good, crossing, "duplicate-across-splits", how, report)
    report.splits = {one.name: splits[one.user] for one in good}
    taken = {
        one.name: row_of(one, report.measures[one.name]) | {"split": splits[one.user]}
        for one in good
    }
    report.parts = parts([*taken.values()])
    report.remarks += remarks(taken, earlier, how)
    return taken


def passing(report: Report, how: How) -> Iterator[Source]:
    """Pictures that no filter refuses; the others are noted."""
    for one in report.sources:
        if one.name in report.measures:
            failed = tuple(faults(report.measures[one.name], how.limits))
            if not failed:
                yield one
            else:
                report.left.append(Left(one.name, str(one.photo), failed))


def row_of(source: Source, measures: Quality) -> dict[str, Any]:
    """Of meta.py's schema, less the split."""
    return {
        "name": source.name,
        "user": source.user,
        "hash": measures.hash,
        "width": measures.width,
        "height": measures.height,
        "brightness": measures.brightness,
    }


def spare(
    rows: Sequence[Mapping[str, Any]],
    groups: Sequence[Sequence[int]],
    earlier: Earlier,
    measures: Mapping[str, Quality],
) -> dict[int, int]:
    """Of each group, all but one, and which one that is.

    It is one that was there before, else the one of most pixels, else the sharpest.
    """

    def worth(i: int) -> tuple[Any, ...]:
        row = rows[i]
        pixels, sharp = row["width"] * row["height"], measures[row["name"]].sharpness
        return row["name"] not in earlier.names, -pixels, -sharp, row["name"]

    best = {i: min(group, key=worth) for group in groups for i in group}
    return {i: kept for i, kept in best.items() if i != kept}


def without(
    good: list[Source], gone: Mapping[int, int], reason: str, how: How, report: Report
) -> list[Source]:
    """The pictures less those that look like another; these are noted."""
    for i, kept in sorted(gone.items()):
        mine, other = (report.measures[good[k].name].hash for k in (i, kept))
        bits = distance(mine, other)
        chain = ", by way of others" if bits > how.distance else ""
        message = f"it looks like {good[kept].name}: {bits} of 64 bits differ{chain}"
        fault = Fault(reason, message, good[kept].name, how.distance)
        report.left.append(Left(good[i].name, str(good[i].photo), (fault,)))
    return [one for i, one in enumerate(good) if i not in gone]


def remarks(rows: Rows, earlier: Earlier, how: How) -> Iterator[str]:
    """What one should know of the split."""
    users = {row["user"] for row in rows.values()}
    if earlier.users:
        kept = len(users & earlier.users.keys())
        yield f"{kept} of {len(users)} users had a split and keep it"
    moved = [
        name for name, row in rows.items() if earlier.names.get(name, row["split"]) != row["split"]
    ]
    if moved:
        yield several("pictures change their split, since they have other users now", moved)
    for split in SPLITS:
        if how.wanted.get(split, 0) and not any(row["split"] == split for row in rows.values()):
            yield f"{split} is empty: there are too few users for its share"
