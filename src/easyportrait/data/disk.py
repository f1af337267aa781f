"""What downloads and extraction ask of a disk: room, and that no other run is at work."""

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from ..errors import OutputUnwritable

LOCK = ".fetch.lock"
HELD: set[IO[bytes]] = set()  # locks of this process


def check_room(folder: Path, wanted: int) -> None:
    """Raises:
    OutputUnwritable: `folder`, which exists, has less than `wanted` bytes of free space.
    """
    free = shutil.disk_usage(folder).free
    if wanted > free:
        raise OutputUnwritable(
            f"{folder} has {free / 1e9:.1f} GB of free space, {wanted / 1e9:.1f} GB are needed"
        )


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn what a disk raises into one clear line.

    Raises:
        OutputUnwritable: `path` cannot be written.
    """
    try:
        yield
    except OSError as error:
        raise OutputUnwritable(f"{path} cannot be written: {error.strerror or error}") from error


@contextmanager
def only_run(folder: Path) -> Iterator[None]:
    """Keep a second run out of `folder`, which is made, until this one ends or dies.

    The system holds the lock, not the file: a run that is killed leaves an empty file
    that keeps nobody out.

    Raises:
        OutputUnwritable: another run is at work there, or the folder cannot be written.
    """
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / LOCK).open("ab")
    with file:
        try:
            lock(file)
        except BlockingIOError as error:
            raise OutputUnwritable(
                f"another run is at work in {folder}: wait for it, or choose another folder"
            ) from error
        except OSError as error:
            raise OutputUnwritable(
                f"{folder} cannot be locked: {error.strerror or error}; choose a local folder"
            ) from error
        HELD.add(file)
        try:
            yield
        finally:
            HELD.discard(file)


def let_go() -> None:
    """A forked process holds no lock of the one that made it, which it may outlive."""
    for file in HELD:
        file.close()
    HELD.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=let_go)


def lock(file: IO[bytes]) -> None:
    """Lock an open file until it is closed, or raise BlockingIOError."""
    if sys.platform == "win32":
        import msvcrt

        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except PermissionError as error:
            raise BlockingIOError(*error.args) from error
    else:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
