"""How the results of a part are kept: a file each, a tar of them, or a table.

    files        NAME.png and the like, where they lay; each appears as it is done
    webdataset   part-000012.tar: KEY.png and the like, KEY.json with the manifest's row
    parquet      part-000012.parquet: a row a picture, also a bad one, with its error

A tar or table appears when its part is whole. Until then it lies on the worker's disk, so a
part may be larger than memory.
"""

import io
import json
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

from ..errors import MissingExtra
from .store import Store
from .task import Done, Task

TOGETHER = 32  # rows of a table that are written at once


class Keep(Protocol):
    """Takes the results of a part, picture by picture."""

    def add(self, name: str, row: dict[str, Any], done: Done | None) -> None:
        """Take a picture's; None if it is a bad one, and the row has its error."""


class Files:
    def __init__(self, store: Store) -> None:
        self.store = store

    def add(self, name: str, row: dict[str, Any], done: Done | None) -> None:
        for suffix, data in done.files.items() if done else ():
            self.store.write(name + suffix, data)


class Tar:
    def __init__(self, archive: tarfile.TarFile) -> None:
        self.archive = archive

    def add(self, name: str, row: dict[str, Any], done: Done | None) -> None:
        if done is None:
            return
        files = dict(done.files)
        told = json.loads(files.pop(".json", b"{}"))
        files[".json"] = json.dumps(told | row).encode()
        for suffix, data in files.items():
            info = tarfile.TarInfo(key(name) + suffix)  # no owner, and no time of writing
            info.size, info.mode = len(data), 0o644
            self.archive.addfile(info, io.BytesIO(data))


def key(name: str) -> str:
    """A name as WebDataset's loaders keep it whole: they cut it at the first dot.

    >>> key("a.b/c.d"), key("50%")
    ('a%2Eb/c%2Ed', '50%25')
    """
    return name.replace("%", "%25").replace(".", "%2E")


class Table:
    def __init__(self, writer: Any, task: Task, columns: list[str]) -> None:
        self.writer, self.task, self.columns = writer, task, columns
        self.rows: list[dict[str, Any]] = []

    def add(self, name: str, row: dict[str, Any], done: Done | None) -> None:
        files = done.files.items() if done else ()
        results = {self.task.columns.get(suffix, "picture"): data for suffix, data in files}
        self.rows.append({column: (results | row).get(column) for column in self.columns})
        if len(self.rows) == TOGETHER:
            self.flush()

    def flush(self) -> None:
        import pyarrow as pa

        if self.rows:
            self.writer.write_table(pa.Table.from_pylist(self.rows, schema=self.writer.schema))
            self.rows = []


@contextmanager
def in_files(store: Store, part: str, task: Task) -> Iterator[Keep]:
    yield Files(store)


@contextmanager
def in_tar(store: Store, part: str, task: Task) -> Iterator[Keep]:
    with TemporaryDirectory() as folder:
        path = Path(folder, f"{part}.tar")
        with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as archive:
            yield Tar(archive)
        store.take(path.name, path)


@contextmanager
def in_table(store: Store, part: str, task: Task) -> Iterator[Keep]:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise MissingExtra("scale", "pyarrow") from error
    told = {"source": pa.string(), "name": pa.string(), "error": pa.string()}
    sizes = {column: pa.int32() for column in ("width", "height", "faces")}
    made = {column: pa.binary() for column in task.columns.values() or ("picture",)}
    schema = pa.schema([*told.items(), *sizes.items(), *made.items()])
    with TemporaryDirectory() as folder:
        path = Path(folder, f"{part}.parquet")
        # what is inside are compressed pictures
        with pq.ParquetWriter(path, schema, compression="none") as writer:
            table = Table(writer, task, schema.names)
            yield table
            table.flush()
        store.take(path.name, path)


KEEPS = {"files": in_files, "webdataset": in_tar, "parquet": in_table}
