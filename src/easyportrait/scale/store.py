"""Files wherever they lie: on a disk, in S3, in Google's storage, by fsspec's names.

A file appears whole or not at all: on a disk it is written beside its place and renamed;
in a bucket it is one upload, which counts when it is complete.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any

from ..errors import BadInput, EasyPortraitError, ImageUnreadable, MissingExtra, OutputUnwritable
from ..image.io import SUFFIXES, written


@dataclass(frozen=True, slots=True)
class Listed:
    """A picture that was found.

    Attributes:
        source: its path or address.
        name: of its results: where it lies under its folder, without suffix.
        stamp: changes when the picture does; "" where nothing is known.
    """

    source: str
    name: str
    stamp: str

    @property
    def size(self) -> int:
        """In bytes; 0 where nothing is known."""
        word = self.stamp.partition(" ")[0]
        return int(word) if word.isdecimal() else 0


@lru_cache(maxsize=64)
def opened(url: str) -> tuple[Any, str]:
    """fsspec's file system of an address, and the path in it.

    Raises:
        MissingExtra: fsspec is not installed.
        BadInput: there is no such kind of address, or what it needs is not installed.
    """
    try:
        import fsspec
    except ImportError as error:
        raise MissingExtra("scale", "fsspec") from error
    try:
        system, path = fsspec.core.url_to_fs(url)
    except (ImportError, ValueError) as error:
        raise BadInput(f"{url} cannot be reached: {error}") from error
    return system, str(path).rstrip("/") or "/"


def is_local(url: str) -> bool:
    """Whether it lies on a disk."""
    protocol = opened(url)[0].protocol
    return "file" in ((protocol,) if isinstance(protocol, str) else protocol)


def read(url: str) -> bytes:
    """All of a file.

    Raises:
        ImageUnreadable: it cannot be read.
    """
    system, path = opened(url)
    try:
        data: bytes = system.cat_file(path)
        return data
    except FileNotFoundError as error:
        raise ImageUnreadable(f"{url} does not exist") from error
    except IsADirectoryError as error:
        raise ImageUnreadable(f"{url} is a folder, not a picture") from error
    except Exception as error:  # each kind of storage has exceptions of its own
        raise ImageUnreadable(f"{url} cannot be read: {told(error)}") from error


def told(error: BaseException) -> str:
    """What an exception says, in a line."""
    text = getattr(error, "strerror", None) or str(error).strip() or type(error).__name__
    return str(text).splitlines()[0]


@contextmanager
def writing(url: str) -> Iterator[None]:
    """Turn what a storage raises into one clear line.

    Raises:
        OutputUnwritable: it cannot be written.
    """
    try:
        yield
    except EasyPortraitError:
        raise
    except Exception as error:  # each kind of storage has exceptions of its own
        raise OutputUnwritable(f"{url} cannot be written: {told(error)}") from error


@dataclass(frozen=True, slots=True)
class Store:
    """A folder for results.

    Attributes:
        url: a path, or an address such as "s3://bucket/folder".
    """

    url: str

    def __str__(self) -> str:
        return self.url

    def at(self, name: str) -> str:
        """The address of a file in it."""
        return f"{self.url.rstrip('/')}/{name}".rstrip("/")

    def read(self, name: str) -> bytes | None:
        """A file's bytes; None if there is none of that name.

        Raises:
            BadInput: it cannot be read.
        """
        system, path = opened(self.at(name))
        try:
            data: bytes = system.cat_file(path)
            return data
        except FileNotFoundError:
            return None
        except Exception as error:
            raise BadInput(f"{self.at(name)} cannot be read: {told(error)}") from error

    def write(self, name: str, data: bytes) -> None:
        """Raises: OutputUnwritable: it cannot be written."""
        system, path = opened(self.at(name))
        if is_local(self.url):
            with written(Path(path)) as file:
                file.write(data)
            return
        with writing(self.at(name)):
            system.pipe_file(path, data)

    def take(self, name: str, file: Path) -> None:
        """Take a file of this machine's in, however large. Raises as `write`."""
        system, path = opened(self.at(name))
        if is_local(self.url):
            with written(Path(path)) as target, file.open("rb") as source:
                shutil.copyfileobj(source, target, 1 << 20)
            return
        with writing(self.at(name)):
            system.put_file(str(file), path)

    def remove(self, name: str) -> None:
        """A file or folder, if it is there. Raises: OutputUnwritable: it cannot be removed."""
        system, path = opened(self.at(name))
        with writing(self.at(name)):
            if system.exists(path):
                system.rm(path, recursive=True)

    def names(self, folder: str) -> list[str]:
        """Of the files in one of its folders, sorted."""
        system, path = opened(self.at(folder))
        system.invalidate_cache(path)
        try:
            found = system.ls(path, detail=False)
        except FileNotFoundError:
            return []
        names = (str(one).rsplit("/", 1)[-1] for one in found)
        return sorted(name for name in names if not name.startswith("."))


def found_in(src: str) -> Iterator[Listed]:
    """The pictures of a folder and those below it, folder by folder; of a list (a .txt file
    with a path or address a line) as they stand there; or the one that is named.

    Hidden files and folders are passed over.

    Raises:
        BadInput: there is nothing of that name.
    """
    system, path = opened(src)
    if src.endswith(".txt") and system.isfile(path):
        yield from in_list(src)
    elif system.isdir(path):
        yield from in_folder(src)
    elif system.isfile(path):
        info = system.info(path)
        yield Listed(named(system, path), stem(path.rsplit("/", 1)[-1]), stamp(info))
    else:
        raise BadInput(f"{src} is no folder of pictures, no picture, and no list (.txt) of such")


def in_list(src: str) -> Iterator[Listed]:
    system, path = opened(src)
    with system.open(path, "rt", encoding="utf-8", errors="surrogateescape") as lines:
        for line in lines:
            source = line.strip()
            if source and not source.startswith("#"):
                place = opened_path(source).lstrip("/")
                yield Listed(source, stem(place), "")


def opened_path(source: str) -> str:
    """The path of an address without what is before ://, and without ways up."""
    path = source.split("://", 1)[-1]
    return "/".join(part for part in path.split("/") if part not in ("", ".", ".."))


def in_folder(src: str) -> Iterator[Listed]:
    system, root = opened(src)

    def refuse(error: OSError) -> None:
        raise BadInput(f"{src} cannot be listed: {told(error)}") from error

    for folder, folders, files in system.walk(root, detail=True, on_error=refuse):
        for name in [name for name in folders if name.startswith(".")]:
            del folders[name]
        for name, info in sorted(files.items()):
            if not name.startswith(".") and PurePosixPath(name).suffix.lower() in SUFFIXES:
                path = f"{str(folder).rstrip('/')}/{name}"
                inside = path.removeprefix(root).lstrip("/")
                yield Listed(named(system, path), stem(inside), stamp(info))


def stem(path: str) -> str:
    """
    >>> stem("a/b.c.jpg"), stem("a.b/c")
    ('a/b.c', 'a.b/c')
    """
    head, dot, tail = path.rpartition(".")
    return head if dot and "/" not in tail and head and not head.endswith("/") else path


def named(system: Any, path: str) -> str:
    """A path's address; of a file on a disk, its path."""
    protocol = system.protocol
    local = "file" in ((protocol,) if isinstance(protocol, str) else protocol)
    return path if local else str(system.unstrip_protocol(path))


def stamp(info: dict[str, Any]) -> str:
    """Size and time, or the storage's own checksum."""
    keys = ("ETag", "etag", "md5Hash", "mtime", "LastModified", "last_modified", "updated")
    mark = next((info[key] for key in keys if info.get(key)), info.get("created", ""))
    return f"{info.get('size')} {mark}"
