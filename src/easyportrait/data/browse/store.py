"""What was worked out about a dataset, in a file, so that a second start need not.

One SQLite file for each dataset, in a folder of the user's choice. What is kept of a
picture counts as long as its files are what they were (`index.stamp`).
"""

import hashlib
import json
import math
import sqlite3
import threading
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import OutputUnwritable
from ...taxonomy import Mask
from .index import Look

SCHEMA = """
create table if not exists looks (key text primary key, stamp text, found text);
create table if not exists scores (model text, key text, stamp text, scores text,
  primary key (model, key));
create table if not exists predictions (model text, key text, stamp text, height int, width int,
  labels blob, primary key (model, key));
create table if not exists notes (key text primary key, value text);
"""
VERSION = 1  # of the schema: files of another are left alone
PATIENCE = 30  # seconds that a second server on the same file is waited for


class Store:
    """A file of results. Any thread may use it; two servers may share it.

    Args:
        folder: where the file lies; made if need be.
        root: the dataset.

    Raises:
        OutputUnwritable: the folder or file cannot be written.
    """

    def __init__(self, folder: Path, root: Path) -> None:
        place = str(root.resolve()).encode("utf-8", "surrogateescape")
        name = f"{hashlib.sha256(place).hexdigest()[:16]}-{VERSION}.sqlite"
        self.path = folder / name
        self._lock = threading.Lock()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._db = self._opened()
        except (OSError, sqlite3.Error) as error:
            raise OutputUnwritable(
                f"{self.path} cannot be written: {error}; --cache names another folder"
            ) from error

    def _opened(self) -> sqlite3.Connection:
        try:
            return self._connected()
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError:  # damaged; it held nothing that cannot be had again
            self.path.unlink()
            return self._connected()

    def _connected(self) -> sqlite3.Connection:
        db = sqlite3.connect(self.path, timeout=PATIENCE, check_same_thread=False)
        try:
            db.execute("pragma synchronous = off")  # after a power cut it is made anew
            db.executescript(SCHEMA)
            with db:  # says now whether it can be written
                db.execute("insert or replace into notes values ('version', ?)", [VERSION])
        except BaseException:
            db.close()
            raise
        return db

    def close(self) -> None:
        with self._lock:
            self._db.close()

    # -- looks -----------------------------------------------------------------------------

    def looks(self) -> dict[str, tuple[str, Look]]:
        """(stamp, look) by key."""
        found = {}
        for key, stamp, text in self._rows("select key, stamp, found from looks"):
            told = json.loads(text)
            counts = None if told["counts"] is None else tuple(told["counts"])
            problems = tuple(told["problems"])
            found[key] = (
                stamp,
                Look(counts, told["width"], told["height"], told["brightness"], problems),
            )
        return found

    def keep_looks(self, looks: Iterable[tuple[str, str, Look]]) -> None:
        """Each with its key and stamp."""
        rows = [(key, stamp, as_json(look)) for key, stamp, look in looks]
        self._write("insert or replace into looks values (?, ?, ?)", rows)

    # -- comparisons -----------------------------------------------------------------------

    def scores(self, model: str) -> dict[str, tuple[str, list[float]]]:
        """(stamp, IoUs) by key."""
        rows = self._rows("select key, stamp, scores from scores where model = ?", model)
        return {
            key: (stamp, [math.nan if value is None else value for value in json.loads(text)])
            for key, stamp, text in rows
        }

    def prediction(self, model: str, key: str, stamp: str) -> Mask | None:
        """What the model said of a picture, if it was asked."""
        rows = self._rows(
            "select height, width, labels from predictions where model = ? and key = ? "
            "and stamp = ?",
            model,
            key,
            stamp,
        )
        for height, width, labels in rows:
            array = np.frombuffer(zlib.decompress(labels), np.uint8)
            return array.reshape(height, width)
        return None

    def keep_comparison(
        self, model: str, key: str, stamp: str, scores: Sequence[float], labels: Mask
    ) -> None:
        text = json.dumps([None if math.isnan(score) else score for score in scores])
        blob = zlib.compress(labels.tobytes(), 6)
        self._write(
            "insert or replace into predictions values (?, ?, ?, ?, ?, ?)",
            [(model, key, stamp, *labels.shape, blob)],
        )
        self._write(
            "insert or replace into scores values (?, ?, ?, ?)", [(model, key, stamp, text)]
        )

    # -- notes -----------------------------------------------------------------------------

    def note(self, key: str) -> str | None:
        for (value,) in self._rows("select value from notes where key = ?", key):
            return str(value)
        return None

    def keep_note(self, key: str, value: str) -> None:
        self._write("insert or replace into notes values (?, ?)", [(key, value)])

    # -- inside ----------------------------------------------------------------------------

    def _rows(self, query: str, *values: str) -> Iterator[tuple[Any, ...]]:
        with self._lock, closing(self._db.execute(query, values)) as cursor:
            return iter(cursor.fetchall())

    def _write(self, command: str, rows: Sequence[tuple[Any, ...]]) -> None:
        """Raises:
        OutputUnwritable: the disk is full, or another server keeps the file.
        """
        try:
            with self._lock, self._db:
                self._db.executemany(command, rows)
        except sqlite3.Error as error:
            raise OutputUnwritable(f"{self.path} cannot be written: {error}") from error


def as_json(look: Look) -> str:
    return json.dumps(
        {
            "counts": look.counts,
            "width": look.width,
            "height": look.height,
            "brightness": look.brightness,
            "problems": look.problems,
        }
    )
