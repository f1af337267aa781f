"""`data verify` and `data build` with their looking shared out: the same functions, the same
reports; who puts them together is this machine."""

import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from ..data.pool import Over
from ..errors import BadInput
from .engine import Cluster, connected, over_machines

T = TypeVar("T")
U = TypeVar("U")

BATCH = 16  # pictures that are sent together: each takes some milliseconds


@dataclass(frozen=True, slots=True)
class Seeing:
    """A function that reads from folders, on a machine that sees them."""

    do: Callable[[Any], Any]
    folders: tuple[Path, ...]

    def __call__(self, item: Any) -> Any:
        for folder in self.folders:
            if not folder.exists():
                raise BadInput(
                    f"{folder} is not there on {socket.gethostname()}; name a folder that all "
                    "machines see under this path, such as a network disk or a mounted bucket"
                )
        return self.do(item)


@contextmanager
def everywhere(cluster: Cluster, folders: Iterable[Path]) -> Iterator[Over]:
    """A way to go over the pictures of some folders, with the machines of a cluster.

    Raises:
        MissingExtra, BadInput: as `engine.connected`.
    """
    with connected(cluster):
        yield partial(seeing, cluster, tuple(Path(folder).absolute() for folder in folders))


def seeing(
    cluster: Cluster, folders: tuple[Path, ...], do: Callable[[T], U], items: Iterable[T]
) -> Iterator[tuple[T, U]]:
    return over_machines(Seeing(do, folders), items, cluster, batch=BATCH)
