"""Work that goes on while the page is open, and stands back for its requests."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from ...errors import EasyPortraitError

PAUSE = 0.02  # seconds between two looks at whether requests are being answered
LONGEST = 2.0  # seconds for which a picture's work waits for them


class Stopped(Exception):
    """Raised inside a job's work when it should end."""


class Courtesy:
    """Requests first: counts those being answered, and lets jobs wait for them."""

    def __init__(self) -> None:
        self._busy = 0
        self._lock = threading.Lock()

    @contextmanager
    def answering(self) -> Iterator[None]:
        with self._lock:
            self._busy += 1
        try:
            yield
        finally:
            with self._lock:
                self._busy -= 1

    def wait(self) -> None:
        """Until none is being answered, or for `LONGEST`."""
        end = time.monotonic() + LONGEST
        while self._busy and time.monotonic() < end:
            time.sleep(PAUSE)


@dataclass
class Job:
    """One piece of work over all pictures, in a thread of its own.

    Attributes:
        what: a name for it.
        work: does it, calling `step` after each picture.
        done, total: pictures.
        problem: why it ended early, if it failed.
    """

    what: str
    work: Callable[["Job"], None]
    courtesy: Courtesy
    done: int = 0
    total: int = 0
    problem: str = ""
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name=self.what, daemon=True)
        self._thread.start()

    @property
    def is_running(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def step(self, done: int, total: int) -> None:
        """Raises:
        Stopped: the work should end here.
        """
        self.done, self.total = done, total
        if self._stop.is_set():
            raise Stopped
        self.courtesy.wait()

    def stop(self) -> None:
        """Ask it to end."""
        self._stop.set()

    def join(self, seconds: float) -> None:
        if self._thread is not None:
            self._thread.join(seconds)

    def _run(self) -> None:
        try:
            self.work(self)
        except Stopped:
            pass
        except EasyPortraitError as error:
            self.problem = str(error)
        except Exception as error:  # a fault of ours must not end in silence
            self.problem = f"unexpected {type(error).__name__}: {error}; please report this"
