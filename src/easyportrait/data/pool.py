"""Many files on all cores, a few at a time."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Protocol, TypeVar

T = TypeVar("T")
U = TypeVar("U")

AHEAD = 64  # begun before the first of them is waited for


class Over(Protocol):
    """A way to go over many items: `on_all_cores`, or over many machines (scale/engine.py).

    For the latter, the function and what it works on must be such that can be pickled.
    """

    def __call__(self, do: Callable[[T], U], items: Iterable[T], /) -> Iterator[tuple[T, U]]: ...


def on_all_cores(do: Callable[[T], U], items: Iterable[T]) -> Iterator[tuple[T, U]]:
    """Each item with its result, in order, by threads: decoders and array work run beside
    each other, and nothing is copied between processes."""
    with ThreadPoolExecutor() as pool:
        yield from in_order(pool, do, items)


def in_order(
    pool: Executor, do: Callable[[T], U], items: Iterable[T], ahead: int = AHEAD
) -> Iterator[tuple[T, U]]:
    """Each item with its result, in order, begun only a few ahead of what was taken.

    (`Executor.map` begins all at once, and holds a place in memory for each.)
    """
    begun: deque[tuple[T, Future[U]]] = deque()
    try:
        for item in items:
            begun.append((item, pool.submit(do, item)))
            if len(begun) > ahead:
                first, result = begun.popleft()
                yield first, result.result()
        while begun:
            first, result = begun.popleft()
            yield first, result.result()
    finally:
        for _, result in begun:
            result.cancel()
