"""Which pictures there are, cut into parts: what a job holds on to when it is stopped.

    DST/.scale/plan.json           what is to be done, and into how many parts it is cut
    DST/.scale/parts/000012.jsonl  the pictures of a part, a line each
    DST/.scale/index.npy           every picture in 28 bytes: is it known, and did it change?
    DST/manifest/000012.jsonl      the part is done: what became of each picture

Pictures that come later are appended as parts of their own; a part in which one has changed
is done again. The list is made as it is cut, so this machine holds 28 bytes a picture, and
the names of one folder at a time.
"""

import hashlib
import io
import json
import re
import socket
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from itertools import chain, islice
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import BadInput
from .store import Listed, Store, found_in

PLAN, INDEX = ".scale/plan.json", ".scale/index.npy"
LEAST, MOST = 16, 1000  # pictures of a part, unless somebody says otherwise
PARTS = 64  # at least so many, where there are enough pictures
EDITION = 1

ROW = np.dtype([("source", "<u8"), ("name", "<u8"), ("stamp", "<u8"), ("part", "<u4")])
Index = npt.NDArray[np.void]


@dataclass(frozen=True, slots=True)
class Plan:
    """A job as it was cut.

    Attributes:
        source: where the pictures are.
        how: what is done to them, as `Task.described`, and how results are kept.
        size: of a part, in pictures.
        parts: how many.
        pictures: in all parts.
        clashes: hashes of names that several pictures have: `digest`.
    """

    source: str
    how: dict[str, Any]
    size: int
    parts: int
    pictures: int
    clashes: tuple[int, ...] = ()
    edition: int = EDITION


def part_name(number: int) -> str:
    return f"{number:06d}"


def list_of(number: int) -> str:
    return f".scale/parts/{part_name(number)}.jsonl"


def record_of(number: int) -> str:
    return f"manifest/{part_name(number)}.jsonl"


def failures_of(number: int) -> str:
    return f".scale/failed/{part_name(number)}.jsonl"


def digest(text: str) -> int:
    data = text.encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "little")


def planned(
    src: str,
    store: Store,
    how: dict[str, Any],
    *,
    size: int | None = None,
    as_listed: bool = False,
    force: bool = False,
) -> Plan:
    """The plan of a job: a new one, or the one that lies there, with what has come since.

    Args:
        src: as `store.found_in`.
        store: where results go.
        how: what is to be done.
        size: of a part; None for a 64th of all pictures, from 16 to 1,000.
        as_listed: take a plan that lies there as it is, without looking for new pictures.
        force: forget what was done.

    Raises:
        BadInput: there are no pictures; results of another job lie there.
        OutputUnwritable: nothing can be written there.
    """
    if force:
        forget(store)
    old = None if force else read_plan(store)
    if old is None:
        index, count = cut(store, found_in(src), 0, size)
        if not len(index):
            raise BadInput(f"{src} holds no pictures")
        return settle(store, Plan(src, how, count, 0, 0), index)
    for key, value in (("source", src), *how.items()):
        was = old.source if key == "source" else old.how.get(key)
        if was != value:
            raise BadInput(
                f"{store} holds results of another job: {key} was {was!r}, now {value!r}; "
                "name another folder, or do all of it again with --force"
            )
    if as_listed:
        return old
    again = Again(np.load(io.BytesIO(store.read(INDEX) or b""), allow_pickle=False))
    more, _ = cut(store, again.new(found_in(src)), old.parts, size or old.size)
    again.settle(store)
    if not len(more) and not again.changed:
        return old
    return settle(store, old, np.concatenate([again.index, more]))


def settle(store: Store, plan: Plan, index: Index) -> Plan:
    """Write the index, and last the plan: without it, nothing of this has happened."""
    names, counts = np.unique(index["name"], return_counts=True)
    plan = replace(
        plan,
        parts=int(index["part"].max()) + 1,
        pictures=len(index),
        clashes=tuple(int(name) for name in names[counts > 1]),
    )
    buffer = io.BytesIO()
    np.save(buffer, index)
    store.write(INDEX, buffer.getvalue())
    store.write(PLAN, json.dumps(asdict(plan), indent=1).encode())
    return plan


def read_plan(store: Store) -> Plan | None:
    data = store.read(PLAN)
    if data is None:
        return None
    try:
        told = json.loads(data)
        if told["edition"] != EDITION:
            raise ValueError(f"edition {told['edition']}")
        return Plan(**told | {"clashes": tuple(told["clashes"])})
    except (ValueError, KeyError, TypeError) as error:
        raise BadInput(
            f"{store.at(PLAN)} is no plan of this version ({error}); --force begins anew"
        ) from error


def forget(store: Store) -> None:
    """The plan first: what is left without it means nothing. Tars and tables go too: there
    may be fewer of them next time."""
    plan = json.loads(store.read(PLAN) or b"{}")
    store.remove(PLAN)
    for name in ("manifest", INDEX, *(f".scale/{name}" for name in ("parts", "failed", "begun"))):
        store.remove(name)
    for name in store.names("") if plan.get("how", {}).get("as") != "files" else ():
        if re.fullmatch(r"part-\d{6,}\.(tar|parquet)", name):
            store.remove(name)


# -- cutting -------------------------------------------------------------------------------


def cut(
    store: Store, pictures: Iterable[Listed], first: int, size: int | None
) -> tuple[Index, int]:
    """Write the lists of the parts from `first` on; their index, and the size of a part."""
    left = iter(pictures)
    if size is None:
        some = [*islice(left, PARTS * MOST)]
        size, left = min(MOST, max(LEAST, len(some) // PARTS)), chain(some, left)
    pieces = [np.empty(0, ROW)]
    for number in range(first, 1 << 32):
        rows = [*islice(left, size)]
        if not rows:
            break
        write_list(store, number, rows)
        pieces.append(index_of(rows, number))
    return np.concatenate(pieces), size


def write_list(store: Store, number: int, rows: Iterable[Listed]) -> None:
    lines = (json.dumps([one.source, one.name, one.stamp]) for one in rows)
    store.write(list_of(number), "".join(f"{line}\n" for line in lines).encode())


def read_list(store: Store, number: int) -> list[Listed]:
    """Raises: BadInput: it is not there, or damaged."""
    data = store.read(list_of(number))
    if data is None:
        raise BadInput(
            f"{store.at(list_of(number))} is not there on {socket.gethostname()}; results go to "
            "a folder that all machines see, or to a bucket"
        )
    try:
        return [Listed(*json.loads(line)) for line in data.splitlines()]
    except (ValueError, TypeError) as error:
        raise BadInput(f"{store.at(list_of(number))} is damaged: {error}") from error


def index_of(rows: Iterable[Listed], number: int) -> Index:
    told = [(digest(one.source), digest(one.name), digest(one.stamp), number) for one in rows]
    return np.array(told, ROW)


# -- looking again -------------------------------------------------------------------------


class Again:
    """A second look at where the pictures are.

    Args:
        known: the index, which gets new stamps where pictures have changed.
    """

    def __init__(self, known: Index) -> None:
        self.index = known
        self.order = np.argsort(known["source"])
        self.sources = known["source"][self.order]
        self.changed: defaultdict[int, dict[str, Listed]] = defaultdict(dict)

    def new(self, pictures: Iterable[Listed]) -> Iterator[Listed]:
        """Those that are not known; of the others, those that have changed are noted."""
        left = iter(pictures)
        while rows := [*islice(left, 4096)]:
            seen = index_of(rows, 0)
            places = np.searchsorted(self.sources, seen["source"]).clip(max=len(self.order) - 1)
            for one, row, place in zip(rows, seen, self.order[places], strict=True):
                known = self.index[place]
                if known["source"] != row["source"]:
                    yield one
                elif known["stamp"] != row["stamp"]:
                    self.index["stamp"][place] = row["stamp"]
                    self.changed[int(known["part"])][one.source] = one

    def settle(self, store: Store) -> None:
        """Parts with changed pictures get them into their list, and lose their record."""
        for number, ones in self.changed.items():
            rows = [ones.get(one.source, one) for one in read_list(store, number)]
            write_list(store, number, rows)
            store.remove(record_of(number))
