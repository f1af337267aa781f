"""A task over all pictures of a folder: planned, shared out, and told at the end."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ..data.disk import only_run
from ..errors import BadInput
from .engine import Cluster, connected, need_ray, over_machines
from .part import DoPart, Told
from .plan import Plan, failures_of, planned
from .store import Store, found_in, is_local, opened
from .task import Task

ERRORS = "errors.jsonl"
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a job has come to.

    Attributes:
        plan: all pictures.
        before: how many parts were done before.
        parts: what was said of each that was done now.
        failed: pictures without results, of all parts.
        first: of them, a few.
    """

    plan: Plan
    before: int
    parts: tuple[Told, ...]
    failed: int
    first: tuple[dict[str, Any], ...]

    @property
    def pictures(self) -> int:
        """That were looked at now."""
        return sum(told.pictures for told in self.parts)


def run(
    src: str,
    dst: str,
    task: Task,
    cluster: Cluster,
    *,
    keep: str = "files",
    size: int | None = None,
    as_listed: bool = False,
    retry: bool = False,
    force: bool = False,
    shown: int = 20,
    progress: Progress = lambda done, total: None,
) -> Outcome:
    """Do a task to all pictures of a folder, a list, or a bucket.

    What is done stays, whatever ends the job; the same job again does what is left, and
    what has come or changed since.

    Args:
        src, size, as_listed, force: as `plan.planned`.
        dst: the folder or address for results.
        keep: a key of `keep.KEEPS`.
        retry: parts with bad pictures are done again.
        shown: how many bad pictures `Outcome.first` has.
        progress: called with how many pictures are done, and of how many.

    Returns:
        The outcome. Bad pictures, with their errors, are in DST/errors.jsonl.

    Raises:
        BadInput: there are no pictures; the folders lie in each other; another job's results
            are there; there is no Ray at the address.
        OutputUnwritable: `dst` cannot be written, or another run is at work there.
        MissingExtra: Ray or fsspec is not installed.
        EasyPortraitError: the workers cannot do it.
    """
    need_ray()  # better missed now than after a list of millions
    src, dst = absolute(src), absolute(dst)
    keep_apart(src, dst)
    store = Store(dst)
    how = json.loads(json.dumps(task.described | {"as": keep}))  # as it will be read again
    if not as_listed and next(found_in(src), None) is None:
        raise BadInput(f"{src} holds no pictures")  # and leave no trace of that
    with only_one(store):
        plan = planned(src, store, how, size=size, as_listed=as_listed, force=force)
        if retry:
            for number in numbers(store, ".scale/failed"):
                store.remove(f"manifest/{number}.jsonl")
        done = {int(number) for number in numbers(store, "manifest")}
        left = [number for number in range(plan.parts) if number not in done]
        told = []
        if left:
            work = DoPart(store, task, keep, frozenset(plan.clashes))
            before = max(0, plan.pictures - len(left) * plan.size)  # or a few more
            progress(before, plan.pictures)
            with connected(cluster):
                for _, one in over_machines(work, left, cluster):
                    told.append(one)
                    before += one.pictures
                    progress(before, plan.pictures)
        failed, first = gathered(store, shown)
    return Outcome(plan, len(done), tuple(told), failed, first)


def absolute(url: str) -> str:
    """Workers may be started in another folder."""
    if "://" not in url:
        return str(Path(url).expanduser().absolute())
    return opened(url)[1] if is_local(url) else url.rstrip("/")


def keep_apart(src: str, dst: str) -> None:
    """Results inside the folder that is read would be read next time."""
    (here, inner), (there, outer) = opened(dst), opened(src)
    if here is there and f"{inner}/".startswith(f"{outer}/"):
        raise BadInput(f"{dst} lies in {src}, which is read; name a folder outside of it")


@contextmanager
def only_one(store: Store) -> Iterator[None]:
    """One run at a time; a bucket cannot tell, and there two do no harm but double work."""
    with ExitStack() as stack:
        if is_local(store.url):
            folder = Path(opened(store.url)[1])
            if folder.is_file():
                raise BadInput(f"-o names a folder, and {folder} is a file")
            stack.enter_context(only_run(folder / ".scale"))
        yield


def numbers(store: Store, folder: str) -> list[str]:
    names = (name.partition(".") for name in store.names(folder))
    return [number for number, dot, suffix in names if suffix == "jsonl" and number.isdigit()]


def gathered(store: Store, shown: int) -> tuple[int, tuple[dict[str, Any], ...]]:
    """Write the errors of all parts into one file; how many, and the first of them."""
    count, first = 0, list[dict[str, Any]]()
    with TemporaryDirectory() as folder:
        path = Path(folder, ERRORS)
        with path.open("wb") as file:
            for number in numbers(store, ".scale/failed"):
                for line in (store.read(failures_of(int(number))) or b"").splitlines(True):
                    count += 1
                    file.write(line)
                    if len(first) < shown:
                        first.append(json.loads(line))
        if count:
            store.take(ERRORS, path)
        else:
            store.remove(ERRORS)
    return count, tuple(first)
