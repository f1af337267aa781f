"""How EasyPortrait lies on disk, v1 and v2: what is where, finding it, and writing it.

    v1    images.zip         <split>/<name>.jpg
          annotations.zip    <split>/<name>.png, meta.zip (a table of all pictures)
    v2    images.zip         <split>/<name>.jpg
          annotations.zip    <split>/<name>.png
          meta.zip

and in both versions, on some hosts, train.zip, val.zip and test.zip with one split each.

Whatever mix of these lies in a folder is read: zips as they are, or unpacked into folders
of the same names, with or without one more folder around their contents.
"""

import io
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from ..errors import BadInput, OutputUnwritable
from .files import File, Readable, can_be_name, files_in, staged
from .meta import (
    SPLITS,
    TABLE_SUFFIXES,
    TABLES,
    Table,
    load_polars,
    table_bytes,
    table_text,
)


@dataclass(frozen=True, slots=True)
class Layout:
    """One published version.

    Attributes:
        version: its name.
        table: how its table of pictures is spelled.
        meta_home: the folder or archive that `meta.zip` lies in; "" is beside the others.
        suffixes: of the files in each folder or archive.
    """

    version: str
    table: Table
    meta_home: str
    suffixes: Mapping[str, str] = field(
        default_factory=lambda: {"images": ".jpg", "annotations": ".png"}
    )


V1 = Layout("v1", TABLES["v1"], meta_home="annotations")
V2 = Layout("v2", TABLES["v2"], meta_home="")
LAYOUTS: Mapping[str, Layout] = {layout.version: layout for layout in (V1, V2)}

SUFFIXES = V1.suffixes  # the versions differ in their tables only
SIGNATURES = {"images": b"\xff\xd8\xff", "annotations": b"\x89PNG\r\n\x1a\n"}
CONTAINERS = (*SUFFIXES, *SPLITS)


@dataclass(frozen=True)
class Entry:
    """One picture of a dataset and its mask, as files, and what is known of it.

    Attributes:
        name: of both files, without suffix.
        split: train, val or test.
        image_file: JPEG.
        mask_file: PNG.
        meta: a row of meta.py's schema, or of as much of it as is known.
    """

    name: str
    split: str
    image_file: Readable
    mask_file: Readable
    meta: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Index:
    """What was found in a folder. Nothing is left out: a file is in one of these.

    Attributes:
        entries: pictures with a mask of the same name and split, by split and name.
        unpaired: pictures without a mask and masks without a picture, as
            "images/train/NAME.jpg", whatever they lie in.
        strays: files that lie where no version has any.
        meta: the table of pictures, if there is one (meta.read_table).
    """

    entries: tuple[Entry, ...]
    unpaired: tuple[str, ...]
    strays: tuple[str, ...]
    meta: File | None

    @property
    def repeated(self) -> tuple[str, ...]:
        """Names that stand in more than one split."""
        counts = Counter(entry.name for entry in self.entries)
        return tuple(name for name, n in counts.items() if n > 1)


def index(root: Path | str) -> Index:
    """Find a dataset's files, without reading them; of archives, the directory only.

    A file's split is the folder or archive called train, val or test that it lies in. A
    file that is there twice is read from the folder rather than the archive.

    Args:
        root: the folder that holds the archives, or what was unpacked from them.

    Raises:
        BadInput: it is no folder; an archive is damaged; a file is there twice in
            different sizes; there are two tables that differ.
    """
    root = Path(root)
    if not root.is_dir():
        raise BadInput(
            f"{root} is not a folder; name the one that holds images.zip and annotations.zip, "
            "or the folders of these names"
        )
    halves: dict[tuple[str, str], dict[str, File]] = {}
    strays, metas = [], []
    for parts, file in _everything(root):
        if _is_meta(parts):
            metas.append(file)
        elif (place := placed(parts)) is None:
            strays.append(str(file))
        else:
            kind, split, name = place
            found = halves.setdefault((split, name), {})
            if kind in found and found[kind].size != file.size:
                raise BadInput(
                    f"{found[kind]} and {file} should be one file and differ in size; "
                    "remove the wrong one"
                )
            found.setdefault(kind, file)
    entries, unpaired = _paired(halves)
    return Index(tuple(entries), tuple(unpaired), tuple(sorted(strays)), _one_table(metas))


def parts_of_dataset(root: Path) -> list[Path]:
    """What in a folder may belong to a dataset: tables, then folders, then archives."""
    names = (*CONTAINERS, "meta")
    tables = [root / f"meta{suffix}" for suffix in TABLE_SUFFIXES]
    archives = [root / f"{name}.zip" for name in names]
    return [
        *[path for path in tables if path.is_file()],
        *[path for path in (root / name for name in names) if path.is_dir()],
        *[path for path in archives if path.is_file()],
    ]


def placed(parts: tuple[str, ...]) -> tuple[str, str, str] | None:
    """What a file is, by the folders and archives around it.

    Returns:
        ("images" or "annotations", split, name), or None where no version has files.

    >>> placed(("images", "train", "a.jpg"))
    ('images', 'train', 'a')
    >>> placed(("train", "EasyPortrait", "annotations", "a.png"))
    ('annotations', 'train', 'a')
    >>> placed(("images", "train", "val", "a.jpg"))
    """
    *folders, last = parts
    file = PurePosixPath(last)
    splits = {folder for folder in folders if folder in SPLITS}
    kinds = {folder for folder in folders if folder in SUFFIXES} or {
        kind for kind, suffix in SUFFIXES.items() if file.suffix.lower() == suffix
    }
    others = [folder for folder in folders if folder not in CONTAINERS]
    if len(splits) != 1 or len(kinds) != 1 or len(others) > 1:
        return None
    kind, split = kinds.pop(), splits.pop()
    return (kind, split, file.stem) if file.suffix.lower() == SUFFIXES[kind] else None


def _everything(root: Path) -> Iterator[tuple[tuple[str, ...], File]]:
    """Every file that may belong to a dataset; an archive counts as a folder of its name."""
    for path in parts_of_dataset(root):
        if path.suffix in TABLE_SUFFIXES:
            yield (path.name,), File(path)
            continue
        for parts, file in files_in(path):
            yield (path.stem, *parts), file


def _is_meta(parts: tuple[str, ...]) -> bool:
    *folders, last = parts
    file = PurePosixPath(last)
    if any(folder in SPLITS for folder in folders):
        return False
    is_named = file.stem == "meta" and file.suffix.lower() in (*TABLE_SUFFIXES, ".zip")
    return is_named or ("meta" in folders and file.suffix.lower() in TABLE_SUFFIXES)


def _one_table(metas: list[File]) -> File | None:
    """The only table; of several that say the same, the first."""
    texts = [table_text(file)[0] for file in metas] if len(metas) > 1 else []
    for file, text in zip(metas, texts, strict=False):
        if text != texts[0]:
            raise BadInput(f"{metas[0]} and {file} are different tables; remove the wrong one")
    return metas[0] if metas else None


def _paired(halves: Mapping[tuple[str, str], dict[str, File]]) -> tuple[list[Entry], list[str]]:
    entries, unpaired = [], []
    for split, name in sorted(halves, key=lambda key: (SPLITS.index(key[0]), key[1])):
        found = halves[split, name]
        if len(found) == len(SUFFIXES):
            entries.append(Entry(name, split, found["images"], found["annotations"]))
        else:
            unpaired += [f"{kind}/{split}/{name}{SUFFIXES[kind]}" for kind in found]
    return entries, unpaired


# -- writing -------------------------------------------------------------------------------

Add = Callable[[str, bytes], None]


def write_dataset(
    entries: Iterable[Entry],
    out: Path | str,
    layout: Layout,
    *,
    archives: bool = True,
    progress: Callable[[], None] = lambda: None,
) -> int:
    """Write a dataset in a published layout, all of it or nothing.

    Files are copied byte for byte, one at a time. The same entries give the same archives
    to the last byte.

    Args:
        entries: in the order wanted; an `EasyPortrait` will do. What their `meta` lacks is
            left empty in the table (meta.completed fills it in).
        out: a folder, made if need be, that holds no dataset.
        layout: V1 or V2.
        archives: zips as published; False for what one gets by unpacking them.
        progress: called after each entry.

    Returns:
        How many entries were written.

    Raises:
        BadInput: a name or split cannot be written, a name comes twice, or a file is not
            JPEG (picture) or PNG (mask).
        OutputUnwritable: `out` holds a dataset, or cannot be written.
        MissingExtra: Polars is not installed.
    """
    out = Path(out)
    load_polars()  # better missed now than after 90 GB
    if taken := [path.name for path in parts_of_dataset(out)]:
        raise OutputUnwritable(f"{out} holds {', '.join(taken)} already; name another folder")
    rows: dict[str, dict[str, Any]] = {}
    with staged(out) as part, ExitStack() as stack:
        add = {kind: stack.enter_context(_container(part / kind, archives)) for kind in SUFFIXES}
        for entry in entries:
            _check(entry, rows)
            for kind, file in (("images", entry.image_file), ("annotations", entry.mask_file)):
                add[kind](f"{entry.split}/{entry.name}{SUFFIXES[kind]}", _bytes_of(file, kind))
            rows[entry.name] = dict(entry.meta) | {"name": entry.name, "split": entry.split}
            progress()
        table = table_bytes(rows.values(), layout.table)
        name, data = ("meta.zip", _zipped("meta.csv", table)) if archives else ("meta.csv", table)
        if layout.meta_home:
            add[layout.meta_home](name, data)
        else:
            (part / name).write_bytes(data)
    return len(rows)


def _check(entry: Entry, rows: Mapping[str, Any]) -> None:
    if entry.split not in SPLITS:
        raise BadInput(f"{entry.name}: the split is {entry.split!r}, not {', '.join(SPLITS)}")
    if not can_be_name(entry.name) or entry.name != entry.name.strip():  # tables are stripped
        raise BadInput(f"{entry.name!r} cannot be the name of a file in a dataset")
    if entry.name in rows:
        raise BadInput(
            f"the name {entry.name!r} comes twice, in {rows[entry.name]['split']} "
            f"and {entry.split}; names are unique over all splits"
        )


def _bytes_of(file: Readable, kind: str) -> bytes:
    data = file.read()
    if not data.startswith(SIGNATURES[kind]):
        wanted = {"images": "JPEG", "annotations": "PNG"}[kind]
        raise BadInput(f"{file} is no {wanted} file, as {kind} are")
    return data


@contextmanager
def _container(path: Path, archive: bool) -> Iterator[Add]:
    """Where to add files of one kind: a folder, or a zip of its name."""
    if archive:
        with zipfile.ZipFile(path.with_suffix(".zip"), "w") as packed:
            yield lambda name, data: packed.writestr(_member(name), data)
        return
    path.mkdir()

    def add(name: str, data: bytes) -> None:
        target = path / name
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(data)

    yield add


def _member(name: str) -> zipfile.ZipInfo:
    """Stored, since pictures do not shrink, and without the time of writing."""
    info = zipfile.ZipInfo(name)
    info.create_system, info.external_attr = 3, 0o644 << 16  # Unix, whatever writes it
    return info


def _zipped(name: str, data: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        packed.writestr(_member(name), data, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()
