"""Work over many pictures: which ones, on all cores, past bad ones."""

import glob
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from ..errors import BadInput, EasyPortraitError, SomeFailed
from ..image.io import SUFFIXES, read_notes
from ..models.session import cores
from .common import complain, progress_bar

STDIN = "-"


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


def find_jobs(inputs: Iterable[str], output: Path) -> list[Job]:
    """Pictures named by paths, folders, globs or "-", in order.

    Folders are searched through, for files with a picture's suffix; results of earlier
    runs (they carry a note) and hidden files are passed over. Two pictures whose results
    would have the same name, or fall on an input, are problems, not silent losses.
    """
    jobs: list[Job] = []
    for text in inputs:
        if text == STDIN:
            jobs.append(Job(STDIN, Path("stdin")))
        elif Path(text).is_dir():
            jobs += in_folder(Path(text))
        elif not Path(text).exists() and any(c in text for c in "*?["):
            found = sorted(glob.glob(text, recursive=True))  # noqa: PTH207 - takes any pattern
            if not found:
                jobs.append(Job(text, Path(text), BadInput(f"no file matches {text}")))
            for name in found:
                path = Path(name)
                jobs += in_folder(path) if path.is_dir() else [Job(path, Path(path.stem))]
        else:
            jobs.append(Job(Path(text), Path(Path(text).stem)))
    return with_clashes(jobs, output)


def in_folder(folder: Path) -> list[Job]:
    found = [
        path
        for path in sorted(folder.rglob("*"))
        if path.suffix.lower() in SUFFIXES
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    ]
    jobs = [
        Job(path, path.relative_to(folder).with_suffix(""))
        for path in found
        if path.is_file() and not is_result(path)
    ]
    jobs += [
        Job(path, path.relative_to(folder), BadInput(f"{path} is a folder, not a picture"))
        for path in found
        if path.is_dir()
    ]
    if not jobs:
        jobs = [Job(folder, Path(folder.name), BadInput(f"{folder} holds no pictures"))]
    return jobs


def is_result(path: Path) -> bool:
    return path.suffix == ".png" and "easyportrait" in read_notes(path)


def with_clashes(jobs: list[Job], output: Path) -> list[Job]:
    inputs = {Path(job.source).resolve() for job in jobs if job.source != STDIN}
    taken: dict[Path, Job] = {}
    checked = []
    for job in jobs:
        target = (output / job.stem).with_name(job.stem.name + ".png")
        problem = job.problem
        if problem is None and target in taken:
            problem = BadInput(
                f"{job.source} and {taken[target].source} would both be written to {target}; "
                "give them different names or run them into different folders"
            )
        elif problem is None and target.resolve() in inputs:
            problem = BadInput(
                f"the result of {job.source} would overwrite the input {target}; "
                "choose another output folder"
            )
        if problem is None:
            taken[target] = job
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
