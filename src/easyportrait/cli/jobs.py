"""Work over many pictures: which ones, on all cores, past bad ones."""

import glob
import os
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from ..errors import BadInput, EasyPortraitError, ImageUnreadable, SomeFailed
from ..image.io import SUFFIXES, read_notes
from ..models.session import cores
from .common import complain, progress_bar

STDIN = "-"
CLOCKS_DIFFER = 60  # seconds at most, of this machine and of one that lends it a disk


@dataclass(frozen=True, slots=True)
class Job:
    """One picture to do.

    Attributes:
        source: its path, or "-" for standard input.
        stem: of its results, relative to the output folder; pictures of a folder keep
            their place in it.
        problem: why it cannot be done, where that is known before trying.
    """

    source: Path | str
    stem: Path
    problem: EasyPortraitError | None = None

    def read(self) -> Path | bytes:
        """What to hand to `read_image`."""
        return sys.stdin.buffer.read() if self.source == STDIN else Path(self.source)


Targets = Callable[[Job], Sequence[Path]]


def find_jobs(inputs: Iterable[str], targets: Targets) -> list[Job]:
    """Pictures named by paths, folders, globs or "-", in order.

    Folders are searched through, for files with a picture's suffix; results of earlier
    runs (they carry a note) and hidden files are passed over. Two pictures whose results
    would have the same name, or fall on an input, are problems, not silent losses.

    Args:
        targets: the results of each picture.
    """
    jobs: list[Job] = []
    for text in inputs:
        try:
            jobs += named(text)
        except OSError as error:  # a name too long, a folder that may not be entered
            jobs.append(Job(text, Path(text), unusable(text, error)))
    return with_clashes(jobs, targets)


def named(text: str) -> list[Job]:
    if text == STDIN:
        return [Job(STDIN, Path("stdin"))]
    if Path(text).is_dir():
        return in_folder(Path(text))
    if Path(text).exists() or not any(c in text for c in "*?["):
        return [Job(Path(text), Path(Path(text).stem))]
    found = [Path(name) for name in sorted(glob.glob(text, recursive=True))]  # noqa: PTH207
    if not found:
        return [Job(text, Path(text), BadInput(f"no file matches {text}"))]
    jobs: list[Job] = []
    for path in found:
        if path.is_dir():
            jobs += in_folder(path)
        elif not is_result(path):
            jobs.append(Job(path, Path(path.stem)))
    return jobs


def unusable(path: Path | str, error: OSError) -> ImageUnreadable:
    return ImageUnreadable(f"{path} cannot be read: {error.strerror or error}")


def in_folder(folder: Path) -> list[Job]:
    jobs: list[Job] = []

    def refused(error: OSError) -> None:
        path = Path(error.filename)
        jobs.append(Job(path, path.relative_to(folder), unusable(path, error)))

    for root, folders, files in os.walk(folder, onerror=refused):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted((*folders, *files)):
            path = Path(root, name)
            if path.suffix.lower() in SUFFIXES and not name.startswith("."):
                jobs += of_folder(path, path.relative_to(folder))
    return jobs or [Job(folder, Path(folder.name), BadInput(f"{folder} holds no pictures"))]


def of_folder(path: Path, place: Path) -> list[Job]:
    """What to do with something in a folder that is called like a picture."""
    if path.is_dir():
        return [Job(path, place, BadInput(f"{path} is a folder, not a picture"))]
    if not path.exists():
        return [Job(path, place, ImageUnreadable(f"{path} is a link that leads nowhere"))]
    return [] if is_result(path) else [Job(path, place.with_suffix(""))]


def is_result(path: Path) -> bool:
    return "easyportrait" in read_notes(path)


def named_after(output: Path, suffixes: Sequence[str]) -> Targets:
    """Results that are called like their pictures, but for their suffixes."""

    def targets(job: Job) -> list[Path]:
        return [(output / job.stem).with_name(job.stem.name + suffix) for suffix in suffixes]

    return targets


def is_newer(targets: Sequence[Path], source: Path) -> bool:
    """Whether all results are there and none is older than its picture.

    Where the clock was wrong it cannot tell, so the picture is done again: a result of the
    future is not believed, and a picture is as new as what last happened to it (an older file
    that was copied or moved into its place keeps the time of its pixels).
    """
    if not source.exists() or not all(target.exists() for target in targets):
        return False
    stat = source.stat()
    changed = max(stat.st_mtime, stat.st_ctime)
    latest = time.time() + CLOCKS_DIFFER
    return all(changed <= target.stat().st_mtime <= latest for target in targets)


def with_clashes(jobs: list[Job], targets: Targets) -> list[Job]:
    inputs = {Path(job.source).resolve() for job in jobs if job.source != STDIN and not job.problem}
    taken: dict[Path, Job] = {}
    checked = []
    for job in jobs:
        wanted, problem = targets(job), job.problem
        for target in wanted if problem is None else ():
            if target in taken:
                problem = BadInput(
                    f"{job.source} and {taken[target].source} would both be written to {target}; "
                    "give them different names or run them into different folders"
                )
            elif target.resolve() in inputs:
                problem = BadInput(
                    f"the result of {job.source} would overwrite the input {target}; "
                    "choose another output folder"
                )
        if problem is None:
            taken |= dict.fromkeys(wanted, job)
        checked.append(Job(job.source, job.stem, problem))
    return checked


def run_jobs(jobs: list[Job], do: Callable[[Job], None], verb: str) -> None:
    """Do each job, on all cores; go on after a bad one, and list all bad ones at the end.

    Raises:
        EasyPortraitError: the only job failed: its own error.
        SomeFailed: some of several failed.
    """
    failures: list[str] = []

    def attempt(job: Job) -> EasyPortraitError | None:
        try:
            if job.problem is not None:
                raise job.problem
            do(job)
        except EasyPortraitError as error:
            return error
        except BrokenPipeError:
            raise  # whoever read our output has gone
        except Exception as error:  # a fault of ours must not cost the rest of the folder
            return EasyPortraitError(
                f"{job.source}: unexpected {type(error).__name__}: {error}; please report this"
            )
        return None

    with progress_bar() as progress, ThreadPoolExecutor(workers(jobs)) as pool:
        task = progress.add_task(verb, total=len(jobs))
        try:
            for error in pool.map(attempt, jobs):
                progress.advance(task)
                if error is not None:
                    if len(jobs) == 1:
                        raise error
                    failures.append(str(error))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    for failure in failures:
        complain(failure)
    if failures:
        raise SomeFailed(f"{len(failures)} of {len(jobs)} failed; they are listed above")


def workers(jobs: list[Job]) -> int:
    """A picture a core when there are many; else all cores go to one picture."""
    return cores() if len(jobs) > cores() else 1
