"""Who is served when: a thread a core, a short queue, and a clear no beyond it.

A place is taken before a body is read and given back when its work is over, so bodies in
memory are never more than places, however many ask, give up, or are cut off.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from math import ceil
from typing import Generic, TypeVar

from ..errors import Busy, EasyPortraitError

T = TypeVar("T")
SETTLING = 0.2  # how fast the usual time of a piece of work follows the last one's


class Places:
    """All places of one server. To be used in one event loop.

    Args:
        threads: pieces of work that run at the same time.
        queue: requests beside those that may be read or wait.
    """

    def __init__(self, threads: int, queue: int) -> None:
        self.threads, self.most = threads, threads + queue
        self.taken = 0
        self.working = 0
        self._usual_s = 1.0
        self._free = asyncio.Semaphore(threads)
        self._pool = ThreadPoolExecutor(threads, "serve")

    @asynccontextmanager
    async def place(self) -> AsyncIterator["Place"]:
        """Raises: Busy: none is free."""
        if self.taken >= self.most:
            raise Busy(self.most, ceil(self.taken / self.threads * self._usual_s))
        self.taken += 1
        place = Place(self)
        try:
            yield place
        finally:
            place.leave()

    def close(self) -> None:
        """Wait for work that runs."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    async def start(self, work: Callable[[], T]) -> "Future[Outcome[T]]":
        """Have work done as soon as a thread is free; nothing queues inside the pool, so who
        is cancelled while waiting leaves nothing behind."""
        await self._free.acquire()
        try:
            future = self._pool.submit(outcome, work)
        except BaseException:
            self._free.release()
            raise
        self.working += 1
        return future

    def ended(self, seconds: float) -> None:
        self.working -= 1
        self._usual_s += SETTLING * (seconds - self._usual_s)
        self._free.release()

    def left(self) -> None:
        self.taken -= 1


class Place:
    """One request's turn."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._is_working = False
        self._is_left = False

    async def do(self, work: Callable[[], T]) -> T:
        """Do work in a thread; whoever stops waiting for it keeps the place until it is over.

        Raises:
            EasyPortraitError: what the work raised.
        """
        loop, began = asyncio.get_running_loop(), time.monotonic()
        future = await self._places.start(work)
        self._is_working = True

        def over(_: object) -> None:
            with suppress(RuntimeError):  # the loop may be closed
                loop.call_soon_threadsafe(self._over, time.monotonic() - began)

        future.add_done_callback(over)
        done = await asyncio.wrap_future(future)
        if done.error is not None:
            try:
                raise done.error
            finally:
                del done, future  # a traceback that holds itself would hold the picture too
        return done.value[0]

    def _over(self, seconds: float) -> None:
        self._is_working = False
        self._places.ended(seconds)
        if self._is_left:
            self._places.left()

    def leave(self) -> None:
        self._is_left = True
        if not self._is_working:
            self._places.left()


class Outcome(Generic[T]):
    """What work came to: a value in a list, or an error without its trace."""

    def __init__(self) -> None:
        self.value: list[T] = []
        self.error: EasyPortraitError | None = None


def outcome(work: Callable[[], T]) -> Outcome[T]:
    """Errors leave the thread without their trace, whose frames hold whole pictures."""
    made = Outcome[T]()
    try:
        made.value.append(work())
    except EasyPortraitError as error:
        error.__cause__ = error.__context__ = None
        made.error = error.with_traceback(None)
    return made
