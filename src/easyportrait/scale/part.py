"""One part, from its list to its line in the manifest, on whatever machine.

It may be done twice, by a worker that was killed and by the one that comes after it: what
the second writes has the names of what the first wrote. Its record is written last, and
whoever finds it does nothing.

A picture may itself be what kills workers: more memory than there is, a fault in a decoder.
So who begins a part says so, and who begins it again notes each picture before it is
touched: one that two workers died of is a bad picture.
"""

import json
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from ..data.files import MAX_BYTES
from ..data.pool import in_order
from ..errors import BadInput, EasyPortraitError, ImageTooLarge, ImageUnreadable
from .keep import KEEPS
from .plan import digest, failures_of, part_name, read_list, record_of
from .store import Listed, Store, read
from .task import Done, Task

AHEAD = 8  # pictures that are read before they are needed
DEATHS = 2  # of workers at one picture, after which it is left out


@dataclass(frozen=True, slots=True)
class Told:
    """What is said of a part that is done.

    Attributes:
        pictures, failed: how many.
        seconds: that the worker took for it; of these, `waited` for files to be read.
        bytes_in, bytes_out: of pictures read and results written.
    """

    pictures: int = 0
    failed: int = 0
    seconds: float = 0.0
    waited: float = 0.0
    bytes_in: int = 0
    bytes_out: int = 0


@dataclass(frozen=True, slots=True)
class DoPart:
    """Does a part of a plan.

    Attributes:
        store: where the plan and the results are.
        task: what is done to a picture.
        keep: a key of `KEEPS`.
        clashes: of the plan.
        run: names this run of the job.
    """

    store: Store
    task: Task
    keep: str = "files"
    clashes: frozenset[int] = frozenset()
    run: str = field(default_factory=lambda: uuid.uuid4().hex)

    def __call__(self, number: int) -> Told:
        """Do it, or find it done.

        Raises:
            OutputUnwritable: results cannot be written.
            BadInput: its list is damaged.
        """
        if (known := self.store.read(record_of(number))) is not None:
            rows = [json.loads(line) for line in known.splitlines()]
            return Told(len(rows), sum("error" in row for row in rows))
        start = time.perf_counter()
        pictures = read_list(self.store, number)
        watch = Watch(self.store, number, self.run)
        clock = Clock()
        name = f"part-{part_name(number)}"
        rows = []
        with KEEPS[self.keep](self.store, name, self.task) as keep:
            for place, (one, data) in enumerate(clock.timed(ahead(pictures))):
                watch.touches(place)
                row, done = self.attempt(one, data, watch.is_deadly(place))
                keep.add(one.name, row, done)
                rows.append(row)
                clock.bytes_in += len(data) if isinstance(data, bytes) else 0
                clock.bytes_out += sum(map(len, done.files.values())) if done else 0
        bad = [row for row in rows if "error" in row]
        write_rows(self.store, failures_of(number), bad)
        write_rows(self.store, record_of(number), rows)
        watch.ends()
        took = time.perf_counter() - start
        return Told(len(rows), len(bad), took, clock.waited, clock.bytes_in, clock.bytes_out)

    def attempt(
        self, one: Listed, data: bytes | EasyPortraitError, is_deadly: bool
    ) -> tuple[dict[str, Any], Done | None]:
        row: dict[str, Any] = {"source": one.source, "name": one.name}
        start = time.perf_counter()
        try:
            if is_deadly:
                raise ImageUnreadable(
                    f"{one.source} was at hand when {DEATHS} workers died: too large for their "
                    "memory, or made to break a decoder"
                )
            if digest(one.name) in self.clashes:
                raise BadInput(
                    f"{one.source}: another picture would be written to {one.name} too; give "
                    "them different names or run them into different folders"
                )
            if isinstance(data, EasyPortraitError):
                raise data
            done = self.task(data, one.source)
        except EasyPortraitError as error:
            return row | {"error": str(error), "code": error.code}, None
        except Exception as error:  # a fault of ours must not cost the rest
            told = f"{one.source}: unexpected {type(error).__name__}: {error}; please report this"
            return row | {"error": told, "code": EasyPortraitError.code}, None
        files = sorted(done.files) if self.keep == "files" else []
        took = round(time.perf_counter() - start, 4)
        return row | done.row | {"files": files, "seconds": took}, done


def write_rows(store: Store, name: str, rows: list[dict[str, Any]]) -> None:
    """A line each; of none, no file."""
    if rows:
        store.write(name, "".join(f"{json.dumps(row)}\n" for row in rows).encode())
    else:
        store.remove(name)


def ahead(pictures: list[Listed]) -> Iterator[tuple[Listed, bytes | EasyPortraitError]]:
    """Each with its bytes, or why there are none; read while those before are worked on."""

    def attempt(one: Listed) -> bytes | EasyPortraitError:
        try:
            if one.size > MAX_BYTES:
                raise ImageTooLarge(f"{one.source} has {one.size >> 20} MB; no picture has")
            data = read(one.source)
            if not data:
                raise ImageUnreadable(f"{one.source} is empty (0 bytes)")
            return data
        except EasyPortraitError as error:
            return error

    with ThreadPoolExecutor(AHEAD) as pool:
        yield from in_order(pool, attempt, pictures, ahead=AHEAD)


@dataclass(slots=True)
class Clock:
    """How long somebody waited for what others make."""

    waited: float = 0.0
    bytes_in: int = 0
    bytes_out: int = 0

    def timed(self, items: Iterator[Any]) -> Iterator[Any]:
        while True:
            start = time.perf_counter()
            try:
                item = next(items)
            except StopIteration:
                return
            finally:
                self.waited += time.perf_counter() - start
            yield item


class Watch:
    """Who died of what: a note on a part that is at work, for whoever has to begin it again."""

    def __init__(self, store: Store, number: int, run: str) -> None:
        self.store, self.name, self.run = store, f".scale/begun/{part_name(number)}.json", run
        note = json.loads(store.read(self.name) or b"{}")
        self.deaths: dict[str, int] = {}
        self.is_again = bool(note)
        if note.get("run") == run:  # else somebody stopped the job, and no picture is to blame
            self.deaths = note["deaths"]
            if note["at"] is not None:
                self.deaths[str(note["at"])] = self.deaths.get(str(note["at"]), 0) + 1
        self._write(None)

    def touches(self, place: int) -> None:
        """The picture at this place is next. Only said where somebody died before."""
        if self.is_again:
            self._write(place)

    def is_deadly(self, place: int) -> bool:
        return self.deaths.get(str(place), 0) >= DEATHS

    def ends(self) -> None:
        self.store.remove(self.name)

    def _write(self, place: int | None) -> None:
        note = {"run": self.run, "at": place, "deaths": self.deaths}
        self.store.write(self.name, json.dumps(note).encode())
