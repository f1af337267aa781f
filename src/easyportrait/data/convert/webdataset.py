"""WebDataset: shards of plain tar, three files a sample.

    <split>-000000.tar     NAME.jpg, NAME.png (a mask of nine classes), NAME.json

Written: up to `SHARD` samples a shard, so that loaders can share them out; the JSON holds
what is known of the picture. Read: any uncompressed tar; the split is the word before the
first `-` or a folder around it, and the JSON may be missing.

Loaders take what stands before the first dot of a file as the sample's name, so a name
with a dot cannot be written.
"""

import io
import json
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from ...errors import BadInput
from ...image.io import encode
from ...taxonomy import to_task
from ..files import MAX_BYTES
from ..meta import FIELDS
from .pairs import SPLIT_WORDS
from .samples import Found, How, Labelled, Notes, indices
from .streamed import parsed

SHARD = 1000  # samples

PICTURES, MASK, META = (".jpg", ".jpeg"), ".png", ".json"


@dataclass(frozen=True, slots=True)
class Member:
    """A file in a tar, read by its place without going through the tar again."""

    path: Path
    name: str
    offset: int
    size: int

    def __str__(self) -> str:
        return f"{self.path}/{self.name}"

    def read(self) -> bytes:
        """Raises:
        BadInput: it cannot be read, is cut short, or is over `MAX_BYTES`.
        """
        if self.size > MAX_BYTES:
            raise BadInput(f"{self} has {self.size >> 20} MB; no picture has")
        try:
            with self.path.open("rb") as file:
                file.seek(self.offset)
                data = file.read(self.size)
        except OSError as error:
            raise BadInput(f"{self.path} cannot be read: {error.strerror or error}") from error
        if len(data) != self.size:
            raise BadInput(f"{self} is cut short")
        return data


@dataclass(slots=True)
class Trio:
    """What lies there of one name."""

    files: dict[str, Member] = field(default_factory=dict)

    @property
    def image(self) -> Member | None:
        return next((self.files[suffix] for suffix in PICTURES if suffix in self.files), None)


def read(src: Path, how: How, notes: Notes) -> list[Found]:
    """Raises:
    BadInput: a tar is damaged, or compressed.
    """
    found: list[Found] = []
    for path in [src] if src.is_file() else sorted(src.rglob("*.tar")):
        words = [path.stem.split("-")[0], *reversed(path.relative_to(src).parts[:-1])]
        split = next((SPLIT_WORDS[word] for word in words if word in SPLIT_WORDS), how.split)
        trios: dict[str, Trio] = {}
        for member in members(path):
            name, dot, suffix = PurePosixPath(member.name).name.partition(".")
            if dot + suffix in (*PICTURES, MASK, META):
                trios.setdefault(name, Trio()).files[dot + suffix] = member
            else:
                notes.count("files are of no use here and were left alone")
        found += _found(path, split, trios, notes)
    return found


def _found(path: Path, split: str, trios: dict[str, Trio], notes: Notes) -> Iterator[Found]:
    for name, trio in trios.items():
        image, mask = trio.image, trio.files.get(MASK)
        if image is None or mask is None:
            notes.lost.append(f"{path}: {name!r} has no {MASK if image else PICTURES[0]}")
            continue
        told = parsed(trio.files[META].read(), path) if META in trio.files else {}
        meta = {key: told.get(key) for key in FIELDS} if isinstance(told, dict) else {}
        yield Found(name, split, image, indices(mask, to_task("joint")), meta)


def members(path: Path) -> Iterator[Member]:
    """The plain files of a tar.

    Raises:
        BadInput: it is damaged, or compressed.
    """
    try:
        with tarfile.open(path, "r:") as archive:
            for info in archive:
                if info.isreg():
                    yield Member(path, info.name, info.offset_data, info.size)
    except (tarfile.TarError, OSError, EOFError) as error:
        raise BadInput(f"{path} is no whole, uncompressed tar: {error}") from error


def write(samples: Iterable[Labelled], out: Path, how: How, notes: Notes) -> None:
    """Raises:
    BadInput: a name has a dot.
    """
    counts: dict[str, int] = {}
    shards: dict[str, tarfile.TarFile] = {}
    try:
        for one in samples:
            if "." in one.name:
                raise BadInput(f"{one.split}/{one.name}: WebDataset cuts names at a dot; rename it")
            number, place = divmod(counts.get(one.split, 0), SHARD)
            if place == 0:
                if one.split in shards:
                    shards[one.split].close()
                path = out / f"{one.split}-{number:06d}.tar"
                shards[one.split] = tarfile.open(path, "w", format=tarfile.PAX_FORMAT)  # noqa: SIM115
            counts[one.split] = counts.get(one.split, 0) + 1
            meta = {key: one.meta[key] for key in FIELDS if key in one.meta}
            for suffix, data in (
                (PICTURES[0], one.image),
                (MASK, encode(one.mask, MASK)),
                (META, json.dumps(meta).encode()),
            ):
                info = tarfile.TarInfo(one.name + suffix)  # no owner, and no time of writing
                info.size, info.mode = len(data), 0o644
                shards[one.split].addfile(info, io.BytesIO(data))
    finally:
        for shard in shards.values():
            shard.close()
