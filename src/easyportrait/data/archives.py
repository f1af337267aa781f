"""Take a zip apart without being taken in by it.

Everything that the archive's directory states is checked before anything is written; while
writing, each member must yield just what was stated. Members are regular files, stored or
deflated, that stay inside their folder on every system. Each file is written beside its
place and renamed, so a run that is killed leaves whole files only, and the next one does
what is left.
"""

import copy
import stat
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from zipfile import ZipFile, ZipInfo

from ..errors import ArchiveUnsafe, BadInput
from ..image.io import written
from .disk import check_room, writing
from .download import BLOCK, Progress, silent
from .files import ZIP_DAMAGE

# Below this a member may compress as well as it likes: flat masks and tables do.
RATIO_FROM = 1 << 20

LONGEST_NAME = 255  # bytes, of a file or folder

RESERVED = {"con", "prn", "aux", "nul"} | {f"{p}{i}" for p in ("com", "lpt") for i in range(1, 10)}


@dataclass(frozen=True, slots=True)
class Limits:
    """What an archive may hold.

    Attributes:
        max_members: files and folders.
        max_bytes: of all files together, extracted.
        max_ratio: extracted to packed size, of each member over 1 MiB and of the whole.
    """

    max_members: int = 200_000
    max_bytes: int = 200 * 10**9
    max_ratio: float = 200


@dataclass(frozen=True, slots=True)
class Extracted:
    """What became of an archive's files.

    Attributes:
        archive: its path.
        folder: where its files are now.
        new: how many were written.
        kept: how many were there already, with the right size and checksum.
        replaced: how many were there, but differed, and were written again.
        left_out: how many were passed over: what macOS adds (`__MACOSX`, `.DS_Store`).
    """

    archive: Path
    folder: Path
    new: int
    kept: int
    replaced: int
    left_out: int


def extract(
    path: Path, folder: Path, *, limits: Limits | None = None, progress: Progress = silent
) -> Extracted:
    """Extract a zip into `folder`, which is made.

    If everything in it lies in one folder of the same name as `folder`, that one is not
    repeated. Empty folders are not made. A file that differs from the archive's is replaced.

    Raises:
        ArchiveUnsafe: it is damaged, or breaks a rule or a limit; the message names which.
            If its directory shows that, nothing was written.
        BadInput: it does not exist.
        OutputUnwritable: the disk is full, or the folder cannot be written.
    """
    with opened(path) as archive:
        members = checked(archive, path, limits or Limits())
        files = [m for m in members if not m.is_dir() and not is_litter(m)]
        targets = [folder / p for p in without_top(files, folder.name)]
        total = sum(m.file_size for m in files)
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
            there = [t.is_file() and t.stat().st_size for t in targets]
        missing = (m.file_size for m, size in zip(files, there, strict=True) if size != m.file_size)
        check_room(folder, sum(missing))
        new = kept = replaced = done = 0
        for member, target in zip(files, targets, strict=True):
            if target.is_file() and is_same(target, member):
                kept += 1
            else:
                replaced += target.exists()
                new += not target.exists()
                write_member(archive, member, target, path)
            done += member.file_size
            progress(f"extracting {path.name}", done, total)
    left_out = sum(is_litter(m) and not m.is_dir() for m in members)
    return Extracted(path, folder, new, kept, replaced, left_out)


@contextmanager
def opened(path: Path) -> Iterator[ZipFile]:
    try:
        archive = ZipFile(path)
    except FileNotFoundError as error:
        raise BadInput(f"{path} does not exist") from error
    except ZIP_DAMAGE as error:
        raise ArchiveUnsafe(f"{path} is not a whole zip file: {error}") from error
    with archive:
        yield archive


# -- before writing ------------------------------------------------------------------------


def checked(archive: ZipFile, path: Path, limits: Limits) -> list[ZipInfo]:
    """The members, if all of them may be extracted.

    Raises:
        ArchiveUnsafe: one may not, or all together may not.
    """
    members = archive.infolist()
    if len(members) > limits.max_members:
        raise ArchiveUnsafe(
            f"{path} has {len(members):,} members, over the limit of {limits.max_members:,}; "
            "raise it with max_members (--max-members)"
        )
    for member in members:
        problem = (
            bad_name(member.orig_filename)
            or bad_name(member.filename)
            or bad_kind(member)
            or bad_size(member, limits)
        )
        if problem:
            raise ArchiveUnsafe(f"{path}: member {member.orig_filename!r} {problem}")
    check_total(members, path, limits)
    check_twins(members, path)
    check_overlap(archive, members, path)
    return members


def bad_name(name: str) -> str | None:
    """Why no file may have this name, on any system."""
    if any(ord(c) < 32 or c in '\x7f\\:*?"<>|' for c in name):
        return 'has a character in its name that paths may not have: control or \\ : * ? " < > |'
    for part in name.removesuffix("/").split("/"):
        if part in ("", ".", ".."):
            return "leads out of its folder: its name is absolute, or has an empty part, . or .."
        if len(part.encode("utf-8", "surrogatepass")) > LONGEST_NAME:
            return f"has a name with a part of over {LONGEST_NAME} bytes, which no file can have"
        if part[-1] in ". ":
            return "has a name with a part that ends in a dot or space, which Windows drops"
        if part.split(".")[0].rstrip().lower() in RESERVED:
            return "has the name of a device on Windows"
    return None


def bad_kind(member: ZipInfo) -> str | None:
    """Why a member is no plain file or folder."""
    kind = stat.S_IFMT(member.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "is a link or a special file"
    if member.is_dir() != (kind == stat.S_IFDIR) and (kind or member.file_size):
        return "is a file by its mode and a folder by its name, or the other way round"
    if member.flag_bits & 0x1:
        return "is encrypted"
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return f"is packed by method {member.compress_type}; only stored and deflated are known"
    return None


def bad_size(member: ZipInfo, limits: Limits) -> str | None:
    """Why a member's stated sizes cannot be."""
    if member.compress_type == zipfile.ZIP_STORED and member.file_size != member.compress_size:
        return f"is stored, but its sizes differ: {member.file_size}, {member.compress_size}"
    if member.file_size > max(RATIO_FROM, limits.max_ratio * member.compress_size):
        return (
            f"grows from {member.compress_size:,} to {member.file_size:,} bytes, over the limit "
            f"of {limits.max_ratio:g} times; raise it with max_ratio (--max-ratio)"
        )
    return None


def check_total(members: list[ZipInfo], path: Path, limits: Limits) -> None:
    total, packed = sum(m.file_size for m in members), path.stat().st_size
    if total > limits.max_bytes:
        raise ArchiveUnsafe(
            f"{path} holds {total:,} bytes, over the limit of {limits.max_bytes:,}; "
            "raise it with max_bytes (--max-bytes)"
        )
    if total > max(RATIO_FROM, limits.max_ratio * packed):
        raise ArchiveUnsafe(
            f"{path} grows from {packed:,} to {total:,} bytes, over the limit of "
            f"{limits.max_ratio:g} times; raise it with max_ratio (--max-ratio)"
        )


def check_twins(members: list[ZipInfo], path: Path) -> None:
    """No two members may fall on one another, also where case makes no difference."""
    taken: dict[str, ZipInfo] = {}
    for member in members:
        twin = taken.setdefault(folded(member.filename.rstrip("/")), member)
        if twin is not member:
            raise ArchiveUnsafe(
                f"{path}: members {twin.filename!r} and {member.filename!r} have the same name"
            )
    for member in members:
        for parent in PurePosixPath(member.filename).parents:
            above = taken.get(folded(str(parent)))
            if above is not None and not above.is_dir():
                raise ArchiveUnsafe(
                    f"{path}: member {above.filename!r} is a file, yet holds {member.filename!r}"
                )


def folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def check_overlap(archive: ZipFile, members: list[ZipInfo], path: Path) -> None:
    """No two members may share packed bytes, as in bombs whose members all do."""
    header = 30  # bytes, before the name
    end, last = 0, ""
    for member in sorted(members, key=lambda m: m.header_offset):
        if member.header_offset < end:
            raise ArchiveUnsafe(f"{path}: members {last!r} and {member.filename!r} overlap")
        end = member.header_offset + header + len(member.orig_filename) + member.compress_size
        last = member.filename
    if end > archive.start_dir:
        raise ArchiveUnsafe(f"{path}: member {last!r} reaches into the archive's directory")


# -- writing -------------------------------------------------------------------------------


def is_litter(member: ZipInfo) -> bool:
    parts = PurePosixPath(member.filename).parts
    return parts[0] == "__MACOSX" or parts[-1] == ".DS_Store"


def without_top(files: list[ZipInfo], name: str) -> list[PurePosixPath]:
    """The files' places, without a folder `name` that holds all of them."""
    paths = [PurePosixPath(m.filename) for m in files]
    if all(len(p.parts) > 1 and p.parts[0] == name for p in paths):
        return [p.relative_to(name) for p in paths]
    return paths


def is_same(target: Path, member: ZipInfo) -> bool:
    """A file has a member's size and checksum."""
    crc = 0
    try:
        if target.stat().st_size != member.file_size:
            return False
        with target.open("rb") as file:
            while block := file.read(BLOCK):
                crc = zlib.crc32(block, crc)
    except OSError:  # unreadable: it is written again
        return False
    return crc == member.CRC


def write_member(archive: ZipFile, member: ZipInfo, target: Path, path: Path) -> None:
    where, size = f"{path}: member {member.filename!r}", 0
    with written(target) as file:
        for block in unpacked(archive, member, where):
            size += len(block)
            if size > member.file_size:
                raise ArchiveUnsafe(f"{where} yields more than the {member.file_size:,} stated")
            file.write(block)
        if size < member.file_size:
            raise ArchiveUnsafe(f"{where} yields {size:,} of the {member.file_size:,} bytes stated")


def unpacked(archive: ZipFile, member: ZipInfo, where: str) -> Iterator[bytes]:
    """A member's bytes, and some more than stated if there are more."""
    member = copy.copy(member)
    member.file_size += BLOCK  # zipfile stops at the stated size and keeps quiet about the rest
    try:
        with archive.open(member) as file:
            while block := file.read(BLOCK):
                yield block
    except ZIP_DAMAGE as error:
        raise ArchiveUnsafe(f"{where} is damaged: {error}") from error
