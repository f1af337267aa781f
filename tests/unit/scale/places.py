"""Folders and jobs for the tests: in memory, or on a disk; a task that takes no net."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import fsspec

from easyportrait.errors import ImageUnreadable
from easyportrait.scale.part import DoPart, Told
from easyportrait.scale.plan import Plan, planned
from easyportrait.scale.store import Store
from easyportrait.scale.task import Done


def fill(url: str, files: dict[str, bytes]) -> str:
    """Put files under an address."""
    for name, data in files.items():
        if "://" in url:
            fsspec.filesystem("memory").pipe_file(f"{url.split('://')[1]}/{name}", data)
        else:
            path = Path(url, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
    return url


@dataclass
class Shout:
    """A picture's bytes in capitals; those that begin with "bad" are no picture.

    Attributes:
        seen: what it was called with.
    """

    columns: dict[str, str] = field(default_factory=lambda: {".png": "labels"})
    seen: list[str] = field(default_factory=list)

    @property
    def described(self) -> dict[str, Any]:
        return {"command": "shout"}

    def __call__(self, data: bytes, source: str) -> Done:
        self.seen.append(source)
        if data.startswith(b"bad"):
            raise ImageUnreadable(f"{source} is bad")
        if data.startswith(b"odd"):
            raise ZeroDivisionError("odd")
        return Done({".png": data.upper()}, {"width": len(data), "height": 1, "faces": 0})


HOW = {"command": "shout", "as": "files"}


def all_parts(plan: Plan, store: Store, task: Any, keep: str = "files") -> list[Told]:
    work = DoPart(store, task, keep, frozenset(plan.clashes))
    return [work(number) for number in range(plan.parts)]


def done(src: str, dst: str, task: Any, keep: str = "files", **how: Any) -> Plan:
    """All of a job, here and now."""
    plan = planned(src, Store(dst), HOW | {"as": keep}, **how)
    all_parts(plan, Store(dst), task, keep)
    return plan
