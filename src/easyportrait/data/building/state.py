"""What a build keeps on disk, so that a killed one goes on and a later one adds to it.

    OUT/.build/measures.jsonl   what was measured of each picture, a line each, as it is done
    OUT/.build/next/            a dataset being written; a killed run's is thrown away, unless
    OUT/.build/next/plan.json   is in it, the last file written: then it takes its place
    OUT/.build/plan.json        what OUT holds and from what it was made

Pictures that are in the dataset are in OUT alone; .build is small once a build is done.
"""

import json
import shutil
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from ...errors import OutputUnwritable
from ...image.io import written
from ..disk import only_run, writing
from ..files import File
from ..layout import parts_of_dataset
from ..quality import Quality
from .pictures import FaceFinder, Reading, Seen
from .sources import Source

WORK, NEXT, OLD, PLAN = ".build", "next", "old", "plan.json"
REPORT = "build.json"
EDITION = 1  # of the measures: another number makes a build look at every picture again


@dataclass(frozen=True, slots=True)
class Plan:
    """What a finished build was.

    Attributes:
        made_from: a digest of all that went into it (`digest`).
        parts: names of the files and folders that it put into the output folder.
    """

    made_from: str
    parts: tuple[str, ...]


class State:
    """The folder of one build, which no other run may use meanwhile.

    Attributes:
        out: where the dataset lies or will lie.
        plan: of the dataset that lies there, if a build made it.
    """

    def __init__(self, out: Path) -> None:
        self.out, self.work = out, out / WORK
        with writing(out):
            self._settle()
        self.plan = read_plan(self.work / PLAN)
        refuse_others(out, self.plan.parts if self.plan else ())
        there = {path.name for path in parts_of_dataset(out)}
        if not there:
            self.plan = None  # somebody took it away, to begin anew
        elif self.plan and (gone := {*self.plan.parts} - there - {REPORT}):
            raise OutputUnwritable(
                f"{out} lacks {', '.join(sorted(gone))} of the dataset that was built there; "
                "put it back, take away the rest too, or name another folder"
            )

    @property
    def next(self) -> Path:
        """Where a dataset is to be written before it takes its place."""
        return self.work / NEXT

    def finish(self, made_from: str, report: bytes) -> None:
        """Put what was written in `next`, and the report on it, into its place."""
        parts = [path.name for path in parts_of_dataset(self.next)]
        for name, data in (
            (REPORT, report),
            (PLAN, json.dumps({"made_from": made_from, "parts": [*parts, REPORT]}).encode()),
        ):
            with written(self.next / name) as file:
                file.write(data)
        with writing(self.out):
            self._settle()
        self.plan = read_plan(self.work / PLAN)

    def _settle(self) -> None:
        """What was written whole takes its place, whatever it was killed at; the rest goes."""
        plan = read_plan(self.next / PLAN)
        if plan:
            mine = {path.name for path in parts_of_dataset(self.out)} - {*plan.parts}
            new = [name for name in plan.parts if (self.next / name).exists()]
            (self.work / OLD).mkdir(exist_ok=True)
            for name in [*mine, *new]:
                if (self.out / name).exists():
                    remove(self.work / OLD / name)
                    (self.out / name).rename(self.work / OLD / name)
                if name in new:
                    (self.next / name).rename(self.out / name)
            (self.next / PLAN).replace(self.work / PLAN)
        remove(self.next)
        remove(self.work / OLD)


@contextmanager
def at_work(out: Path) -> Iterator[State]:
    """The state of the build in `out`, for one run at a time.

    Raises:
        OutputUnwritable: another run is at work there; it holds a dataset that no build
            made; it cannot be written.
    """
    if not (out / WORK).exists():
        refuse_others(out, ())  # and leave no trace there
    with only_run(out / WORK):
        yield State(out)


def refuse_others(out: Path, mine: Collection[str]) -> None:
    """Keep off a dataset that was downloaded, or made by hand."""
    if odd := [path.name for path in parts_of_dataset(out) if path.name not in mine]:
        raise OutputUnwritable(
            f"{out} holds {', '.join(odd)}, which no build put there; name another folder"
        )


def read_plan(path: Path) -> Plan | None:
    try:
        found = json.loads(path.read_bytes())
        return Plan(found["made_from"], tuple(found["parts"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None  # no build, or none that was finished


def remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


# -- measures ------------------------------------------------------------------------------


class Journal:
    """What was measured, kept as it is done: a run that is killed loses the last line at most.

    Args:
        path: the file.
        reading, finder: what a measure depends on, besides the pictures.
    """

    def __init__(self, path: Path, reading: Reading, finder: FaceFinder | None) -> None:
        self.path = path
        net = f"{finder.card.name} {finder.card.version}" if finder else None
        self._how = [EDITION, reading.masks_as_stored, net]
        self._seen = dict(self._read())
        with writing(path):
            self._file = path.open("ab")
            if self._file.tell():
                self._file.write(b"\n")  # the last line may be half a line

    def __enter__(self) -> "Journal":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def get(self, source: Source) -> Seen | None:
        """What is known of a pair whose files have not changed since."""
        return self._seen.get(self.key(source))

    def add(self, source: Source, seen: Seen) -> None:
        """Note it, unless it is known."""
        key = self.key(source)
        if key not in self._seen:
            self._seen[key] = seen
            with writing(self.path):
                self._file.write(line(key, seen))
                self._file.flush()

    def keep(self, sources: Iterable[Source]) -> None:
        """Forget all others."""
        keys = [self.key(source) for source in sources]
        with written(self.path) as file:
            file.writelines(line(key, self._seen[key]) for key in keys if key in self._seen)

    def key(self, source: Source) -> str:
        """Changes when a file does, or how it is looked at."""
        return json.dumps([*self._how, *stamp(source.photo), *stamp(source.mask)])

    def _read(self) -> Iterator[tuple[str, Seen]]:
        if not self.path.exists():
            return
        with writing(self.path), self.path.open("rb") as file:
            for text in file:
                try:
                    key, seen = json.loads(text)
                    yield key, Seen(**seen | {"measures": Quality(**seen["measures"])})
                except (ValueError, TypeError, KeyError):
                    continue  # half a line, or a line of another version


def line(key: str, seen: Seen) -> bytes:
    return json.dumps([key, asdict(seen)]).encode() + b"\n"


def stamp(file: File) -> list[str | int]:
    """What tells that a file is still the same: name, size, time, and in a zip its checksum.

    Raises:
        BadInput: it is gone, or a link that leads nowhere.
    """
    status = file.status
    known: list[str | int] = [file.path.name, status.st_size, status.st_mtime_ns]
    return known + ([file.member, file.place.size, file.place.crc] if file.place else [])
