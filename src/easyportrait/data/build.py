"""From photographs and masks to a dataset of EasyPortrait's shape.

    find      photographs, masks and users, paired by name         building/sources.py, tables.py
    measure   each pair read once, on all cores, and noted         building/pictures.py, state.py
    choose    filters, duplicates, splits: of the measures alone   building/choose.py
    write     the files as published, all or nothing               layout.py

In memory are the measures of all pictures, and the pixels of a few.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from itertools import islice
from pathlib import Path
from typing import Any

from ..errors import BadInput, EasyPortraitError, OutputUnwritable, SomeFailed
from ..image.io import written
from .building.choose import Rows, choose
from .building.how import How as How  # to be had from here
from .building.pictures import FaceFinder, Reading, Seen, files, look
from .building.report import Report, failure
from .building.sources import Found, Left, Source, find
from .building.state import REPORT, Journal, State, at_work, stamp
from .building.tables import Earlier, read_earlier
from .convert.folders import Bytes
from .disk import check_room
from .easyportrait import several
from .layout import LAYOUTS, Entry, write_dataset
from .meta import SPLITS, load_polars
from .pool import Over, on_all_cores
from .quality import Fault

Progress = Callable[[str, int, int], None]

AT_ONCE = 16  # pictures made ready before they are written: their files are in memory


def build(
    photos: Path | str,
    out: Path | str,
    *,
    masks: Path | str | None = None,
    users: Path | str | None = None,
    how: How | None = None,
    finder: FaceFinder | None = None,
    report: Report | None = None,
    over: Over = on_all_cores,
    progress: Progress = lambda doing, done, total: None,
) -> Report:
    """Make a dataset; or make it again with what was added, and nobody changes splits.

    A run that is killed goes on where it was when it is run again: what was measured is
    kept (state.py), and `out` holds the dataset from before, or none, until the new one is
    whole.

    Args:
        photos: a folder (or zip) of photographs; without `masks`, one that holds images/
            and masks/.
        out: a folder, made if need be, that holds no dataset but an earlier build's.
        masks: a folder (or zip) of masks: NAME.png for NAME.jpg.
        users: a table with the columns name and user; without one each photograph is a
            user of its own.
        how: what else there is to say.
        finder: finds faces, for `limits.min_face`; `easyportrait.load(threads=1)` gives one.
            Without it nobody looks for faces.
        report: filled in; also when this raises.
        over: how to go over the pairs that are to be measured.
        progress: called after each picture with what is being done, how many are done, and
            of how many.

    Returns:
        The report, which also lies in `out` as build.json.

    Raises:
        BadInput: a folder or table is missing or makes no sense; no picture is left.
        OutputUnwritable: `out` is the wrong folder, another run is at work there, or the
            disk is full.
        SomeFailed: a photograph has no mask or user, is damaged, or disagrees with its
            mask: `report.unusable` names each. Without `how.partial` nothing was written.
        MissingExtra: Polars is not installed.
    """
    load_polars()  # better missed now than after 20,000 pictures
    photos, out, how = Path(photos), Path(out), how or How()
    masks, users = Path(masks) if masks else None, Path(users) if users else None
    report = Report() if report is None else report
    report.options = options(photos, masks, users, how, finder)
    keep_apart(out, [photos, *([masks] if masks else [])])
    found = find(photos, masks, users)
    report.sources, report.unusable = found.sources, found.unusable
    report.remarks += found.remarks
    if not found.has_users:
        report.remarks.append("no table of users was given: each picture counts as its own user")
    if finder is None and how.limits.min_face:
        report.remarks.append("there is no net to find faces with: nobody looked for them")
    refuse_faults(photos, report, how)
    with at_work(out) as state:
        earlier = earlier_split(state, found, how)
        seen = measured(state, how.reading, finder, report, over, progress)
        refuse_faults(photos, report, how)
        rows = choose(earlier, how, report)
        if not rows:
            first = [*report.left, *report.unusable][0]
            raise BadInput(f"{photos}: not one picture is good enough, the first being {first}")
        if not how.dry_run:
            write(state, seen, rows, how, report, progress)
    if report.unusable:
        are = "would be" if how.dry_run else "are"
        outcome = f"the other {len(rows)} {are} in {out}"
        raise SomeFailed(failure(str(photos), report.unusable, outcome))
    return report


def options(
    photos: Path, masks: Path | None, users: Path | None, how: How, finder: FaceFinder | None
) -> dict[str, Any]:
    """What was asked for, for the report."""
    paths = {"photos": photos, "masks": masks, "users": users, "keep_split": how.keep_split}
    told = {name: path and str(path) for name, path in paths.items()}
    net = f"{finder.card.name} {finder.card.version}" if finder else None
    return asdict(how) | told | {"shares": dict(how.wanted), "faces_found_by": net}


def keep_apart(out: Path, sources: Iterable[Path]) -> None:
    """A dataset inside the folder that it is made from would be made from itself next time."""
    for source in sources:
        if out.resolve() == source.resolve() or source.resolve() in out.resolve().parents:
            raise BadInput(f"{out} lies in {source}, which is read; name a folder outside of it")


def refuse_faults(photos: Path, report: Report, how: How) -> None:
    if report.unusable and not how.partial:
        cure = "nothing was written; --partial builds from the rest"
        raise SomeFailed(failure(str(photos), report.unusable, cure))


def earlier_split(state: State, found: Found, how: How) -> Earlier:
    """Who has a split already: in the dataset that is there, and in the one named.

    Raises:
        BadInput: the two contradict each other, or one makes no sense.
        OutputUnwritable: the dataset that is there has pictures that would be lost.
    """
    mine = read_earlier(state.out) if state.plan else Earlier({}, {})
    there = {source.name for source in found.sources} | {left.name for left in found.unusable}
    if (gone := sorted(mine.names.keys() - there)) and not how.replace:
        raise OutputUnwritable(
            f"{state.out} holds a dataset with {several('pictures that are not given now', gone)}; "
            "name another folder (--keep-split keeps the split), or let them go with --replace"
        )
    if how.resplit:
        mine = Earlier({}, {})
    other = read_earlier(how.keep_split) if how.keep_split else Earlier({}, {})
    for user in sorted(mine.users.keys() & other.users.keys()):
        if mine.users[user] != other.users[user]:
            raise BadInput(
                f"the user {user} is in {mine.users[user]} in {state.out} and in "
                f"{other.users[user]} in {how.keep_split}; --resplit forgets the first"
            )
    return Earlier({**other.users, **mine.users}, {**other.names, **mine.names})


def measured(
    state: State,
    reading: Reading,
    finder: FaceFinder | None,
    report: Report,
    over: Over,
    progress: Progress,
) -> dict[str, Seen]:
    """Every pair with its measures; what cannot be read is noted as unusable."""
    known: dict[str, Seen] = {}

    def attempt(source: Source) -> Seen | EasyPortraitError:
        try:
            return look(source, reading, finder)
        except EasyPortraitError as error:
            return error

    with Journal(state.work / "measures.jsonl", reading, finder) as journal:
        before = {one.name: told for one in report.sources if (told := noted(journal, one))}
        fresh = iter(over(attempt, [one for one in report.sources if one.name not in before]))
        for done, source in enumerate(report.sources, 1):
            seen: Seen | EasyPortraitError = before.get(source.name) or next(fresh)[1]
            if isinstance(seen, EasyPortraitError):
                fault = Fault(seen.code, str(seen))
                report.unusable.append(Left(source.name, str(source.photo), (fault,)))
            else:
                known[source.name] = seen
                journal.add(source, seen)
            progress("looking", done, len(report.sources))
        journal.keep(source for source in report.sources if source.name in known)
    report.measures = {name: seen.measures for name, seen in known.items()}
    return known


def noted(journal: Journal, source: Source) -> Seen | None:
    """What an earlier run measured of a pair; None too if a file of it is gone."""
    try:
        return journal.get(source)
    except EasyPortraitError:
        return None  # whoever reads it will say so


# -- writing -------------------------------------------------------------------------------


def write(
    state: State,
    seen: dict[str, Seen],
    rows: Rows,
    how: How,
    report: Report,
    progress: Progress,
) -> None:
    """Put the dataset into its place, unless just this one lies there already."""
    sources = sorted(
        (one for one in report.sources if one.name in rows),
        key=lambda one: (SPLITS.index(rows[one.name]["split"]), one.name),
    )
    report.remarks += changes(sources, seen)
    made_from = digest(sources, rows, how)
    told = replace(report, is_written=True).to_json().encode()
    if state.plan and state.plan.made_from == made_from:
        report.remarks.append(f"{state.out} holds just this dataset already; its files were left")
        with written(state.out / REPORT) as file:
            file.write(told)
        report.is_written = True
        return
    check_room(state.work, sum(seen[one.name].bytes for one in sources))
    done = iter(range(1, len(sources) + 1))
    write_dataset(
        entries(sources, seen, rows, how.reading),
        state.next,
        LAYOUTS[how.version],
        archives=how.archives,
        progress=lambda: progress("writing", next(done), len(sources)),
    )
    state.finish(made_from, told)
    report.is_written = True


def changes(sources: list[Source], seen: dict[str, Seen]) -> Iterator[str]:
    """What was done to pictures and masks, counted."""
    mine = [seen[one.name] for one in sources]
    if made := sum(one.photo_made for one in mine):
        yield f"{made} photographs were not upright RGB JPEG and are now, at quality 92"
    if made := sum(one.mask_made for one in mine):
        yield f"{made} masks were not 8-bit class indices and are now"
    if unknown := sum(one.unknown > 0 for one in mine):
        yield f"{unknown} masks have pixels that are 255, not known: verify with --allow-255"


def digest(sources: list[Source], rows: Rows, how: How) -> str:
    """Changes when the dataset would."""
    total = hashlib.blake2b(json.dumps([how.version, how.archives]).encode(), digest_size=16)
    for one in sources:
        told = [*stamp(one.photo), *stamp(one.mask), how.reading.masks_as_stored, rows[one.name]]
        total.update(json.dumps(told).encode())
    return total.hexdigest()


def entries(
    sources: list[Source], seen: dict[str, Seen], rows: Rows, reading: Reading
) -> Iterator[Entry]:
    """Files as they are written, some made ready at a time, on all cores."""

    def one(source: Source) -> Entry:
        photo, mask = files(source, seen[source.name], reading)
        row = rows[source.name]
        return Entry(source.name, row["split"], Bytes(photo), Bytes(mask), row)

    left = iter(sources)
    with ThreadPoolExecutor() as pool:
        while some := [*islice(left, AT_ONCE)]:
            yield from pool.map(one, some)
