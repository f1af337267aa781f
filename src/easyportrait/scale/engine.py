"""A function over many items, on the machines of a Ray cluster; all that is Ray's is here.

Ray Data holds a pool of workers, hands each its next items when it has room, and gives a
killed worker's items to another. A worker is a process that got the function once.
"""

import logging
import os
import pickle
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import islice
from typing import Any, TypeVar

from .. import __version__
from ..errors import BadInput, EasyPortraitError, MissingExtra
from ..models.session import cores

T = TypeVar("T")
U = TypeVar("U")

BLOCKS = 10_000  # that Ray keeps count of, at most


@dataclass(frozen=True, slots=True)
class Cluster:
    """Which machines, and what of them.

    Attributes:
        address: "ray://HOST:10001", "HOST:6379" or "auto"; None for this machine alone.
        workers: how many; None for a core less than this machine has, or, at an address, as
            many as find room, more when the cluster grows.
        cpus: cores of each.
    """

    address: str | None = None
    workers: int | None = None
    cpus: int = 1

    @property
    def most(self) -> int | None:
        """The most workers there will be, if there is a limit."""
        if self.workers is None and self.address is None:
            return max(1, (cores() - 1) // self.cpus)
        return self.workers


def need_ray() -> None:
    """Raises: MissingExtra: Ray is not installed. Does not import it."""
    if find_spec("ray") is None:
        raise MissingExtra("scale", "ray")


def load_ray() -> Any:
    """Raises: MissingExtra: Ray is not installed."""
    # a tool on somebody's pictures reports to nobody; what Ray has to say is in its own logs
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    try:
        import ray.data
    except ImportError as error:
        raise MissingExtra("scale", "ray") from error
    return ray


@contextmanager
def connected(cluster: Cluster) -> Iterator[None]:
    """A connection to the cluster, or a Ray of our own on this machine, which ends with it.

    Raises:
        MissingExtra: Ray is not installed.
        BadInput: there is no Ray at the address, or it is another version's.
    """
    ray = load_ray()
    how: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    if cluster.address is None:
        most = (cluster.most or 1) * cluster.cpus
        how |= {"num_cpus": max(2, cores(), most), "include_dashboard": False}
    else:
        how["address"] = cluster.address
    try:
        with hushed():
            begin(ray, how, tries=1 if cluster.address else 3)
    except Exception as error:  # of a dozen kinds, by what went wrong
        where = cluster.address or "this machine"
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise BadInput(f"there is no Ray to be had at {where}: {reason}") from error
    try:
        yield
    finally:
        ray.shutdown()


def begin(ray: Any, how: dict[str, Any], tries: int) -> None:
    """Ray gives a machine half a minute to start it, and a busy one may need more."""
    try:
        ray.init(**how)
    except Exception as error:
        ray.shutdown()
        if tries == 1 or "timed out" not in str(error):
            raise
        begin(ray, how, tries - 1)


@contextmanager
def hushed() -> Iterator[None]:
    """What Ray's own core writes to stderr when it starts goes nowhere; errors are raised."""
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


class Worker:
    """A process that does items; made by Ray, on whatever machine.

    Args:
        do: the function, pickled.
        version: of this package, at home.
    """

    def __init__(self, do: bytes, version: str) -> None:
        if version != __version__:
            raise RuntimeError(f"easyportrait is {__version__} on the workers and {version} here")
        self.do = pickle.loads(do)

    def __call__(self, rows: dict[str, Any]) -> Iterator[dict[str, Any]]:
        for packed in rows["items"]:
            results = [self.attempt(item) for item in pickle.loads(packed)]
            yield {"results": [pickle.dumps(results)]}

    def attempt(self, item: Any) -> Any:
        try:
            return self.do(item)
        except EasyPortraitError as error:  # it would come home as one of Ray's
            return Failure(type(error), str(error))


@dataclass(frozen=True, slots=True)
class Failure:
    """An error on its way home; some errors cannot be pickled."""

    kind: type[EasyPortraitError]
    message: str

    @property
    def error(self) -> EasyPortraitError:
        return self.kind.__new__(self.kind, self.message)


def over_machines(
    do: Callable[[T], U], items: Iterable[T], cluster: Cluster, *, batch: int = 1
) -> Iterator[tuple[T, U]]:
    """Each item with its result, in order, as `data.pool.on_all_cores`; inside `connected`.

    Args:
        do: goes to each worker once. What it raises of ours ends the job.
        items: held as a list.
        batch: items that are sent together: many where each takes little time.

    Raises:
        EasyPortraitError: what `do` raised; or a worker could not be made, or failed.
    """
    ray = load_ray()
    items = list(items)
    if not items:
        return
    groups = [pickle.dumps(items[at : at + batch]) for at in range(0, len(items), batch)]
    through_client = (cluster.address or "").startswith("ray://")
    stream = from_inside if through_client else streamed
    left = iter(items)
    try:
        for packed in stream(ray.cloudpickle.dumps(do), groups, cluster):
            for item, result in zip(islice(left, batch), pickle.loads(packed), strict=True):
                if isinstance(result, Failure):
                    raise result.error
                yield item, result
    except EasyPortraitError:
        raise
    except Exception as error:  # Ray's own, or of what it is made of
        raise EasyPortraitError(f"the workers failed: {last_line(error)}") from error


def streamed(do: bytes, groups: list[bytes], cluster: Cluster) -> Iterator[bytes]:
    """What each group of items gives, pickled as the groups are, in order."""
    ray = load_ray()
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    context.execution_options.preserve_order = True
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)  # errors are raised
    size = {"size": cluster.most} if cluster.most else {"min_size": 1}
    results = ray.data.from_items(
        [{"items": group} for group in groups],
        override_num_blocks=min(len(groups), BLOCKS),
    ).map_batches(
        Worker,
        fn_constructor_args=(do, __version__),
        batch_size=1,
        compute=ray.data.ActorPoolStrategy(**size, max_tasks_in_flight_per_actor=2),
        num_cpus=cluster.cpus,
    )
    for row in results.iter_rows():
        yield row["results"]


class Inside:
    """A process in the cluster that hands out: Ray Data cannot from outside, by ray://."""

    def __init__(self, do: bytes, groups: list[bytes], cluster: Cluster) -> None:
        self.stream = streamed(do, groups, cluster)

    def next(self) -> bytes | None:
        return next(self.stream, None)


def from_inside(do: bytes, groups: list[bytes], cluster: Cluster) -> Iterator[bytes]:
    """As `streamed`; ends with the connection."""
    ray = load_ray()
    inside = ray.remote(num_cpus=0)(Inside).remote(do, groups, cluster)
    while (packed := ray.get(inside.next.remote())) is not None:
        yield packed


def last_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__
