"""Commands that meet a fault at their n-th write: killed there, or told that the disk is full.

A process that has imported everything forks one for each command, so a command costs what it
does and not its start. Python tells a hook of each file that is about to be opened for
writing, made, renamed or removed (PEP 578): those are the write points.
"""

import errno
import io
import json
import os
import signal
import subprocess
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

ROOT = Path(__file__).parents[2]
MAKING = ("open", "os.mkdir", "os.rename", "os.link", "os.symlink")
REMOVING = ("os.remove", "os.rmdir")
PACKAGES = (
    "easyportrait.cli.app", "easyportrait.core", "easyportrait.data.build",
    "easyportrait.data.convert", "onnxruntime", "pillow_heif", "polars",
)  # fmt: skip
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What happens, and when.

    Attributes:
        at: the write point, from 1 on; 0: nowhere.
        error: "" to be killed there; else a name of errno that it and all later ones raise,
            but for removals where a disk is full: these still work.
        most: bytes that a file may have; what goes beyond is refused by the system.
    """

    at: int = 0
    error: str = ""
    most: int = 0


@dataclass(frozen=True)
class Ended:
    """How a command ended: its exit status, less than 0 if it was killed, what it said, and
    how many write points it saw."""

    status: int
    said: str
    points: int

    @property
    def was_killed(self) -> bool:
        return self.status == -signal.SIGKILL


class Commands:
    """Runs commands of the package in forked processes."""

    def __init__(self, process: "subprocess.Popen[str]", folder: Path) -> None:
        self.process, self.folder = process, folder

    def run(self, *args: object, under: Path, fault: Fault | None = None) -> Ended:
        """One command; write points are those in the folder `under`."""
        (ended,) = self.together([*args], under=under, fault=fault)
        return ended

    def together(
        self, *commands: list[object], under: Path, fault: Fault | None = None
    ) -> list[Ended]:
        """Several at once."""
        asked = {
            "commands": [[*map(str, command)] for command in commands],
            "under": str(under),
            "fault": asdict(fault or Fault()),
            "said": str(self.folder),
        }
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(json.dumps(asked) + "\n")
        self.process.stdin.flush()
        return [Ended(*one) for one in json.loads(self.process.stdout.readline())]


@contextmanager
def commands(folder: Path, *imports: str) -> Iterator[Commands]:
    """Args: imports: modules to begin with; without any, those that most commands need."""
    folder.mkdir()
    one_thread = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    with subprocess.Popen(
        [sys.executable, __file__, *imports],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=os.environ | one_thread | {"COLUMNS": "200"},
    ) as process:
        yield Commands(process, folder)  # its input is closed then, and it ends


def tree(root: Path) -> dict[str, bytes]:
    """What users see of a folder: hidden files are not looked at."""
    files = {path.relative_to(root): path for path in sorted(root.rglob("*")) if path.is_file()}
    return {
        str(place): path.read_bytes()
        for place, path in files.items()
        if not any(part.startswith(".") for part in place.parts)
    }


def half_written(root: Path) -> list[str]:
    return [path.name for path in root.rglob("*.part")]


# -- in the process that forks -------------------------------------------------------------


def main() -> None:
    sys.path.insert(0, str(ROOT))
    from importlib import import_module

    from PIL import Image as Pil

    for name in sys.argv[1:] or PACKAGES:
        import_module(name)
    Pil.init()
    if not sys.argv[1:]:
        with redirect_stderr(io.StringIO()):  # typer imports the most of it at its first command
            obeyed(["parse", "a.jpg", "-o", "out", "--looks", "three"])
    for line in sys.stdin:
        asked = json.loads(line)
        begun = [begin(command, i, asked) for i, command in enumerate(asked["commands"])]
        print(json.dumps([finish(one, i, asked) for i, one in enumerate(begun)]), flush=True)


def begin(command: list[str], number: int, asked: dict[str, Any]) -> int:
    if process := os.fork():
        return process
    status = 70
    try:
        with Path(asked["said"], f"{number}.txt").open("w") as said:
            os.dup2(said.fileno(), 1)
            os.dup2(said.fileno(), 2)
        with Path(asked["said"], f"{number}.points").open("wb", 0) as points:
            watch(asked["under"], Fault(**asked["fault"]), points)
            status = obeyed(command)
    except Exception:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def obeyed(command: list[str]) -> int:
    """A command of ours, or `python MODULE:FUNCTION WORD...`."""
    if command[0] == "python":
        from importlib import import_module

        module, _, name = command[1].partition(":")
        getattr(import_module(module), name)(*command[2:])
        return 0
    from easyportrait.cli import main as easyportrait

    sys.argv = ["easyportrait", *command]
    try:
        easyportrait()
    except SystemExit as left:
        return int(left.code or 0)
    return 0


def watch(under: str, fault: Fault, points: IO[bytes]) -> None:
    if fault.most:
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (fault.most, fault.most))
    seen = 0

    def hook(event: str, args: tuple[Any, ...]) -> None:
        nonlocal seen
        if event not in (*MAKING, *REMOVING) or not isinstance(args[0], (str, bytes, os.PathLike)):
            return
        if not os.fsdecode(args[0]).startswith(under):
            return
        if event == "open" and not (isinstance(args[2], int) and args[2] & WRITES):
            return
        seen += 1
        points.write(b".")
        if not fault.at or seen < fault.at:
            return
        if not fault.error:
            os.kill(os.getpid(), signal.SIGKILL)
        if event in MAKING or fault.error == "EROFS":
            number = getattr(errno, fault.error)
            raise OSError(number, os.strerror(number), args[0])

    sys.addaudithook(hook)


def finish(process: int, number: int, asked: dict[str, Any]) -> tuple[int, str, int]:
    status = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    said = Path(asked["said"], f"{number}.txt").read_text(errors="replace")
    return status, said, Path(asked["said"], f"{number}.points").stat().st_size


if __name__ == "__main__":
    main()
