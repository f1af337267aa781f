"""A large JSON file, piece by piece: COCO keeps a whole dataset in one object, and Label
Studio in one list."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from ...errors import BadInput

CHUNK = 1 << 20  # bytes

Piece = tuple[str, Any, int, int]


def pieces(path: Path) -> Iterator[Piece]:
    """What is in the object that a file holds: its values, and of lists, each element.

    Yields:
        The key, the value or element, and where in the file it lies: from and to which byte.

    Raises:
        BadInput: it cannot be read, is no JSON, or holds no object.
    """
    try:
        with path.open("rb") as file:
            yield from _pieces(_Cursor(file, path))
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror or error}") from error


def elements(path: Path) -> Iterator[tuple[Any, int, int]]:
    """The elements of the list that a file holds, and where each lies, as `pieces` does.

    Raises:
        BadInput: as `pieces`, or it holds no list.
    """
    try:
        with path.open("rb") as file:
            cursor = _Cursor(file, path)
            cursor.take("[")
            while cursor.next() != "]":
                yield cursor.value()
                if cursor.next() != "]":
                    cursor.take(",")
            cursor.take("]")
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror or error}") from error


def begins_with(path: Path) -> str:
    """The first character of a file that is no space, "" if there is none.

    Raises:
        BadInput: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return _Cursor(file, path).next()
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror or error}") from error


def part(path: Path, start: int, end: int) -> bytes:
    """Some bytes of a file.

    Raises:
        BadInput: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            file.seek(start)
            return file.read(end - start)
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror or error}") from error


def _pieces(cursor: "_Cursor") -> Iterator[Piece]:
    cursor.take("{")
    while cursor.next() != "}":
        key = str(cursor.value()[0])
        cursor.take(":")
        if cursor.next() == "[":
            cursor.take("[")
            while cursor.next() != "]":
                yield key, *cursor.value()
                if cursor.next() != "]":
                    cursor.take(",")
            cursor.take("]")
        else:
            yield key, *cursor.value()
        if cursor.next() != "}":
            cursor.take(",")


class _Cursor:
    """A place in a JSON file. Text is held as Latin-1, where a character is a byte."""

    def __init__(self, file: IO[bytes], path: Path) -> None:
        self.file, self.path = file, path
        self.text, self.at, self.start = "", 0, 0
        self._more()
        if self.text.startswith("\xef\xbb\xbf"):  # a byte order mark
            self.at = 3

    def next(self) -> str:
        """The next character that is no space, not taken; "" at the end."""
        while True:
            while self.at < len(self.text) and self.text[self.at] in " \t\r\n":
                self.at += 1
            if self.at < len(self.text) or not self._more():
                return self.text[self.at : self.at + 1]

    def take(self, char: str) -> None:
        if (found := self.next()) != char:
            raise self._broken(f"{char!r} is wanted, not {found or 'the end'!r}")
        self.at += 1

    def value(self) -> tuple[Any, int, int]:
        """The next value, and where it lies."""
        self.next()
        while True:
            try:
                value, end = json.JSONDecoder().raw_decode(self.text, self.at)
            except (ValueError, RecursionError) as error:
                if not self._more():
                    raise self._broken(str(error)) from error
                continue
            if end < len(self.text) or not self._more():  # a number may go on
                break
        raw = self.text[self.at : end]
        if not raw.isascii():
            value = parsed(raw.encode("latin-1"), self.path)
        found = value, self.start + self.at, self.start + end
        self.at = end
        return found

    def _more(self) -> bool:
        """Forget what was taken and read on; False at the end."""
        data = self.file.read(max(CHUNK, len(self.text)))
        self.start += self.at
        self.text, self.at = self.text[self.at :] + data.decode("latin-1"), 0
        return bool(data)

    def _broken(self, why: str) -> BadInput:
        return BadInput(f"{self.path}, byte {self.start + self.at}: no JSON: {why}")


def parsed(data: bytes, path: object) -> Any:
    """Raises:
    BadInput: it is not JSON in UTF-8.
    """
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{path}: no JSON: {error}") from error
