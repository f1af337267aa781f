"""Have a release's archives: verified and under their own names, or not at all.

    DIR/images.zip          whole and verified
    DIR/images.zip.part     on its way (download.py)
    DIR/fetched.json        what was measured: where nobody states a hash, the first fetch's
                            is trusted and every later run must find the same

A file that lies there already is verified and used, never fetched again or changed.
"""

import hashlib
import json
import zipfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from ..errors import BadInput, DownloadFailed
from ..image.io import written
from .archives import Extracted, Limits, extract
from .disk import only_run, writing
from .download import BLOCK, Network, Part, Progress, address, download, shown, silent
from .registry import Archive, Release

RECORD = "fetched.json"


@dataclass(frozen=True, slots=True)
class Fetched:
    """An archive that is there.

    Attributes:
        archive: as the registry has it.
        path: where it lies.
        size: in bytes.
        sha256: as measured.
        origin: the address it came from, without its query; "" where it lay there already.
        compared_with: who stated the hash that it was compared with; None: nobody did, so
            nothing but its size, where that was stated, and its being a zip was checked.
    """

    archive: Archive
    path: Path
    size: int
    sha256: str
    origin: str
    compared_with: str | None


def as_source(text: str) -> str | Path:
    """A base address, or a folder that holds the archives.

    Raises:
        BadInput: an address of another kind than http and https, or no such folder.
    """
    if "://" in text:
        return address(text)
    folder = Path(text).expanduser()
    if not folder.is_dir():
        raise BadInput(f"{text} is neither a folder nor an address (http://, https://)")
    return folder


def fetch(
    release: Release,
    folder: Path,
    *,
    only: Sequence[str] = (),
    source: str | Path | None = None,
    offline: bool = False,
    network: Network | None = None,
    progress: Progress = silent,
) -> list[Fetched]:
    """Have archives of a release in `folder`, which is made.

    Args:
        only: names of archives; all that are fetched by default without it.
        source: a base address that replaces the registry's, or a folder whose files are
            used where they lie.
        offline: use what lies there; touch no network.
        progress: called often, with bytes (download.py).

    Raises:
        BadInput: no such archive, or `folder` holds another release.
        DownloadFailed: an archive cannot be had, or what lies there is not it. Others are
            fetched all the same.
        OutputUnwritable: the disk is full, or another run is at work in `folder`.
    """
    jobs = [Job(archive, source, folder) for archive in release.choose(only)]
    with only_run(folder):
        record = Record.read(folder, release.name)
        lacking = [job for job in jobs if not job.place.exists() and (offline or not job.urls)]
        if lacking:
            raise DownloadFailed(cannot_ask(lacking, record, offline))
        done, failures = [], []
        for job in jobs:
            try:
                with writing(job.place):
                    fetched = have(job, record.expect(job.archive), network, progress)
            except DownloadFailed as error:
                failures.append(str(error))
                continue
            record.add(fetched)
            done.append(fetched)
    if failures:
        raise DownloadFailed("; ".join(failures))
    return done


def unpack(
    fetched: Fetched,
    folder: Path,
    *,
    limits: Limits | None = None,
    progress: Progress = silent,
) -> list[Extracted]:
    """Extract an archive into `folder`/STEM, and those inside it likewise.

    Raises:
        ArchiveUnsafe: it is damaged, or breaks a limit.
        BadInput: an archive that should be inside it is not.
        OutputUnwritable: the disk is full, or the folder cannot be written.
    """
    outer = folder / fetched.path.stem
    done = [extract(fetched.path, outer, limits=limits, progress=progress)]
    for name in fetched.archive.inner:
        found = sorted(outer.rglob(name))
        if not found:
            raise BadInput(
                f"{fetched.path} is extracted, but holds no {name}; "
                "if it should not, take it out of `inner` in the registry"
            )
        done.append(extract(found[0], folder / Path(name).stem, limits=limits, progress=progress))
    return done


# -- one archive ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Job:
    """An archive to have, from where, and in which folder."""

    archive: Archive
    source: str | Path | None
    folder: Path

    @property
    def place(self) -> Path:
        """Where it lies or will lie."""
        folder = self.source if isinstance(self.source, Path) else self.folder
        return folder / self.archive.name

    @property
    def urls(self) -> tuple[str, ...]:
        if isinstance(self.source, Path):
            return ()
        if self.source is None:
            return self.archive.urls
        parts = urlsplit(address(self.source))
        path = f"{parts.path.rstrip('/')}/{self.archive.name}"
        return (urlunsplit(parts._replace(path=path, fragment="")),)


@dataclass(frozen=True, slots=True)
class Expected:
    """What is known of an archive beforehand; None where it is not."""

    size: int | None
    sha256: str | None
    told_by: str | None

    def __str__(self) -> str:
        size = "size unknown" if self.size is None else f"{self.size:,} bytes"
        return f"{size}, SHA-256 {self.sha256 or 'unknown'}"


def have(job: Job, expected: Expected, network: Network | None, progress: Progress) -> Fetched:
    """One archive: the file that lies there, else from the first mirror that has it."""
    if job.place.exists():
        size, sha256, problem = measure(job.place, expected, progress)
        if problem:
            raise DownloadFailed(f"{job.place} {problem}; move it away to have it fetched again")
        return Fetched(job.archive, job.place, size, sha256, "", expected.told_by)
    part = Part(
        job.place.with_name(job.place.name + ".part"), expected.size, expected.sha256 is not None
    )
    failures = []
    for url in job.urls:
        try:
            size, sha256 = from_mirror(url, part, expected, network, progress)
        except DownloadFailed as error:
            failures.append(str(error))
            continue
        part.finish(job.place)
        return Fetched(job.archive, job.place, size, sha256, shown(url), expected.told_by)
    raise DownloadFailed(
        f"{job.archive.name} cannot be had: {'; '.join(failures)}. "
        f"It may be put at {job.place} by hand ({expected})"
    )


def from_mirror(
    url: str, part: Part, expected: Expected, network: Network | None, progress: Progress
) -> tuple[int, str]:
    """Size and SHA-256 of the whole and verified part.

    Raises:
        DownloadFailed: the mirror does not have it, or sends something else; of that
            nothing stays.
    """
    problem = None
    for attempt in (part, Part(part.path, part.size, vouched=False)):
        download(url, attempt, network=network, progress=progress)
        size, sha256, problem = measure(part.path, expected, progress)
        if problem is None:
            return size, sha256
        notes = part.notes()
        part.discard()
        if notes.urls == (url,) and not notes.joined:
            break
        # pieces may not have fitted, which is nobody's lie: once more from the start
    raise DownloadFailed(f"{shown(url)}: what it sends {problem}")


def measure(
    path: Path, expected: Expected, progress: Progress = silent
) -> tuple[int, str, str | None]:
    """A file's size in bytes, its SHA-256, and what is wrong with it, if anything is."""
    what, digest, done = f"checking {path.name.removesuffix('.part')}", hashlib.sha256(), 0
    try:
        size = path.stat().st_size
        if expected.size not in (None, size):
            return size, "", f"is {size:,} bytes long, not {expected.size:,}"
        with path.open("rb") as file:
            while block := file.read(BLOCK):
                digest.update(block)
                done += len(block)
                progress(what, done, size)
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror or error}") from error
    sha256 = digest.hexdigest()
    if expected.sha256 not in (None, sha256):
        told = f"{expected.told_by} says {expected.sha256}"
        return size, sha256, f"has the SHA-256 {sha256}, {told}"
    if not zipfile.is_zipfile(path):
        return size, sha256, "is not a zip file"
    return size, sha256, None


def cannot_ask(jobs: list[Job], record: "Record", offline: bool) -> str:
    wanted = "; ".join(f"{job.place} ({record.expect(job.archive)})" for job in jobs)
    if any(isinstance(job.source, Path) for job in jobs):
        return f"not there: {wanted}"
    if offline:
        return f"--offline, so put these files there by hand: {wanted}"
    return (
        "no address is known for these files: put them there by hand, or say where they are "
        f"with --from URL|DIR or --registry FILE: {wanted}"
    )


# -- the record ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Entry:
    """What was measured of an archive, and where it came from."""

    size: int
    sha256: str
    origin: str


@dataclass(slots=True)
class Record:
    """What earlier runs measured in a folder."""

    path: Path
    release: str
    entries: dict[str, Entry]

    @classmethod
    def read(cls, folder: Path, release: str) -> "Record":
        """Raises:
        BadInput: it is damaged, or of another release, whose files have the same names.
        """
        path = folder / RECORD
        if not path.exists():
            return cls(path, release, {})
        try:
            raw = json.loads(path.read_text(encoding="utf-8"))
            found = str(raw["release"])
            entries = {name: Entry(**entry) for name, entry in raw["archives"].items()}
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise BadInput(
                f"{path} is damaged: delete it to have the archives measured anew"
            ) from error
        if found != release:
            raise BadInput(f"{folder} holds {found}: fetch {release} into another folder")
        return cls(path, release, entries)

    def expect(self, archive: Archive) -> Expected:
        """What the registry says, else what was measured before."""
        before = self.entries.get(archive.name)
        if archive.sha256 or before is None:
            told_by = "the registry" if archive.sha256 else None
            return Expected(archive.size, archive.sha256, told_by)
        return Expected(archive.size or before.size, before.sha256, self.path.name)

    def add(self, fetched: Fetched) -> None:
        """Note what was measured, for the runs to come."""
        name, before = fetched.archive.name, self.entries.get(fetched.archive.name)
        origin = fetched.origin or (before.origin if before else "")
        self.entries[name] = Entry(fetched.size, fetched.sha256, origin)
        raw = {
            "release": self.release,
            "archives": {name: asdict(entry) for name, entry in sorted(self.entries.items())},
        }
        with written(self.path) as file:
            file.write(json.dumps(raw, indent=2).encode() + b"\n")
