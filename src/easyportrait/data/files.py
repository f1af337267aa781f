"""The files of a dataset: in a folder, or inside a zip that is read as it is."""

import io
import json
import os
import re
import secrets
import shutil
import struct
import sys
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, NoReturn, Protocol

from ..errors import BadInput, OutputUnwritable
from .disk import writing

MAX_BYTES = 1 << 28  # of one file inside a zip: ten times the largest photograph, or table

# What zipfile raises on damaged archives.
ZIP_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    OSError,
    RuntimeError,
    ValueError,
    LookupError,
    ArithmeticError,
)

MOVING = ".moving.json"  # in a folder of `staged`: names that move up, and their inodes
STAGED = re.compile(r"\.\d+-[0-9a-f]{8}\.part")


class Readable(Protocol):
    """One file's bytes; `str()` of it is what messages call it."""

    def read(self) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Place:
    """Where a member lies in its zip, as the zip's directory says: bytes, all but `method`."""

    offset: int
    packed: int
    size: int
    method: int
    crc: int


@dataclass(frozen=True, slots=True)
class File:
    """A file on disk, or a member of a zip on disk.

    Any thread or process may read it at any time: each read opens the file anew and goes
    straight to the member. (`zipfile` would parse the directory of tens of thousands of
    members again for every thread, or share one file position among forked processes.)

    Attributes:
        path: the file, or the archive it lies in.
        member: its path inside the archive.
        place: where in the archive; None for a file on disk.
    """

    path: Path
    member: str = ""
    place: Place | None = None

    def __str__(self) -> str:
        return f"{self.path}/{self.member}" if self.place else str(self.path)

    @property
    def size(self) -> int:
        """In bytes, unpacked. Raises as `status`."""
        return self.place.size if self.place else self.status.st_size

    @property
    def status(self) -> os.stat_result:
        """Of the file on disk.

        Raises:
            BadInput: it is gone, or a link that leads nowhere.
        """
        try:
            return self.path.stat()
        except OSError as error:
            raise BadInput(f"{self.path} cannot be read: {error.strerror or error}") from error

    def read(self) -> bytes:
        """The whole file.

        Raises:
            BadInput: it cannot be read, or is not what the zip's checksum says, or unpacks
                to over `MAX_BYTES`.
        """
        if self.place and self.place.size > MAX_BYTES:
            raise BadInput(f"{self} would unpack to {self.place.size >> 20} MB; no dataset's would")
        try:
            data = self._unpacked(self.place) if self.place else self.path.read_bytes()
        except OSError as error:
            raise BadInput(f"{self} cannot be read: {error.strerror or error}") from error
        if self.place and (len(data) != self.place.size or zlib.crc32(data) != self.place.crc):
            raise BadInput(f"{self} is damaged: it fails its checksum; fetch the archive again")
        return data

    def _unpacked(self, place: Place) -> bytes:
        with self.path.open("rb") as archive:
            archive.seek(place.offset)
            header = archive.read(30)
            if len(header) < 30 or not header.startswith(b"PK\3\4"):
                return b""
            archive.seek(sum(struct.unpack("<2H", header[26:])), os.SEEK_CUR)  # name, extra field
            data = archive.read(place.packed)
        if place.method == zipfile.ZIP_STORED:
            return data
        try:  # never more than the directory promised
            return zlib.decompressobj(-zlib.MAX_WBITS).decompress(data, place.size + 1)
        except zlib.error:
            return b""


class _Named(io.BytesIO):
    """Bytes that know what to be called in a message."""

    def __init__(self, data: bytes, name: str) -> None:
        super().__init__(data)
        self.name = name


def opened(file: Readable) -> IO[bytes]:
    """A file's bytes as `read_image` and its like take them."""
    return _Named(file.read(), str(file))


def files_in(container: Path) -> Iterator[tuple[tuple[str, ...], File]]:
    """Every file of a folder or zip, with the folders and name of its path inside.

    Hidden files and what a Mac adds to a zip (`__MACOSX`) are passed over.

    Raises:
        BadInput: the zip is cut short, encrypted, or packed in an unusual way; a folder may
            not be entered.
    """
    found = _in_folder(container) if container.is_dir() else _in_zip(container)
    for parts, file in found:
        if not any(part.startswith(".") or part == "__MACOSX" for part in parts):
            yield parts, file


def _in_folder(folder: Path) -> Iterator[tuple[tuple[str, ...], File]]:
    for inside, folders, names in os.walk(folder, onerror=_refused, followlinks=True):
        folders[:] = [name for name in folders if not _leads_back(Path(inside, name))]
        parts = Path(inside).relative_to(folder).parts
        for name in names:
            yield (*parts, name), File(Path(inside, name))


def _refused(error: OSError) -> NoReturn:
    raise BadInput(f"{error.filename} cannot be read: {error.strerror or error}") from error


def _leads_back(folder: Path) -> bool:
    """Whether it is a link to a folder that it lies in, which would be followed for ever."""
    if not folder.is_symlink():
        return False
    return folder.resolve() in [above.resolve() for above in folder.absolute().parents]


def _in_zip(archive: Path) -> Iterator[tuple[tuple[str, ...], File]]:
    try:
        with zipfile.ZipFile(archive) as opened_archive:
            members = opened_archive.infolist()
    except ZIP_DAMAGE as error:
        raise BadInput(f"{archive} is not a whole zip archive ({error}); fetch it again") from error
    for info in members:
        if not info.filename:
            raise BadInput(f"{archive} holds a file without a name; fetch it again")
        if info.is_dir():
            continue
        if info.flag_bits & 1:
            raise BadInput(f"{archive}/{info.filename} is encrypted; unpack the archive yourself")
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise BadInput(
                f"{archive}/{info.filename} is packed by method {info.compress_type}; "
                "stored and deflated are read: unpack the archive yourself"
            )
        place = Place(
            info.header_offset, info.compress_size, info.file_size, info.compress_type, info.CRC
        )
        yield PurePosixPath(info.filename).parts, File(archive, info.filename, place)


def can_be_name(name: str) -> bool:
    """Whether a file of a dataset may be called so: it is text that every system, table and
    format can hold.

    >>> can_be_name("a.b"), can_be_name("a/b"), can_be_name(".a"), can_be_name("\\udcff")
    (True, False, False, False)
    """
    if not name or name.startswith("."):
        return False
    return not any(c in "/\\\x7f" or c < " " or "\ud800" <= c <= "\udfff" for c in name)


def left_over(out: Path) -> list[Path]:
    """What a killed run of `staged` left in a folder; what is of a run at work is not."""
    found = (path for path in out.glob(".*.part") if STAGED.fullmatch(path.name))
    return [path for path in found if path.is_dir() and not is_held(path)]


def take_back(out: Path) -> None:
    """A run that was killed while its files moved up into `out` has left some of them there:
    they go back to where they came from, which is `left_over`.

    Raises:
        OutputUnwritable: they cannot be moved.
    """
    for part in left_over(out):
        try:
            moved = json.loads((part / MOVING).read_bytes())
        except (OSError, ValueError):  # it was killed before
            continue
        with writing(out):
            for name, inode in moved.items():
                if (out / name).exists() and (out / name).stat().st_ino == inode:
                    (out / name).rename(part / name)


def held(folder: Path) -> int | None:
    """Lock a folder until the answer is closed, or this process dies; None where systems cannot.

    Raises:
        BlockingIOError: another run has it.
    """
    if sys.platform == "win32":
        return None
    import fcntl

    opened_folder = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(opened_folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(opened_folder)
        raise
    except OSError:  # a disk without locks
        pass
    return opened_folder


def is_held(folder: Path) -> bool:
    """Whether the run that made it is at work; False where nobody can tell."""
    try:
        lock = held(folder)
    except BlockingIOError:
        return True
    except OSError:  # gone, or not ours
        return False
    if lock is not None:
        os.close(lock)
    return False


@contextmanager
def staged(out: Path) -> Iterator[Path]:
    """A hidden folder inside `out`, whose contents move up into `out` when all is well.

    The twin of `image.io.written` for many files: all of them appear, or none does. What runs
    that were killed left there goes then, too.

    Raises:
        OutputUnwritable: something cannot be written there, or has been by another run.
    """
    part = out / f".{os.getpid()}-{secrets.token_hex(4)}.part"
    lock = None
    try:
        part.mkdir(parents=True)
        lock = held(part)
        yield part
        made = sorted(part.iterdir())
        if taken := [path.name for path in made if (out / path.name).exists()]:
            raise OutputUnwritable(f"{out} holds {', '.join(taken)} by now, of another run")
        inodes = {path.name: path.stat().st_ino for path in made}
        (part / MOVING).write_text(json.dumps(inodes), "utf-8")
        for path in made:
            path.rename(out / path.name)
        for killed in left_over(out):
            shutil.rmtree(killed, ignore_errors=True)
    except OSError as error:
        raise OutputUnwritable(f"{out} cannot be written: {error.strerror or error}") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
        if lock is not None:
            os.close(lock)
