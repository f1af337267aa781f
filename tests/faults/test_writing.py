"""Commands that are killed, or run out of disk, at their write points: nothing is lost, nothing
is half there, and running again completes."""

import sys
from pathlib import Path

import pytest

from easyportrait.data.easyportrait import EasyPortrait
from tests.faults.faulty import Commands, Ended, Fault, half_written, tree

if sys.platform != "linux":
    pytest.skip("processes are forked", allow_module_level=True)

LAX = ("--min-side", 100, "--min-face", 0, "--folders")


def parse(photos: Path, heap: Path, out: Path) -> list[object]:
    return ["parse", photos, "-o", out, "--json", "--looks", 1]


def apply(photos: Path, heap: Path, out: Path) -> list[object]:
    return ["apply", photos, "-o", out, "--background", "blur", "--looks", 1]


def convert(photos: Path, heap: Path, out: Path) -> list[object]:
    formats = ("--from", "easyportrait-v1", "--to", "easyportrait-v2")
    return ["data", "convert", heap / "drawn", "-o", out, *formats]


def build(photos: Path, heap: Path, out: Path) -> list[object]:
    return ["data", "build", heap / "heap", "-o", out, *LAX]


COMMANDS = {"parse": parse, "apply": apply, "convert": convert, "build": build}
every_command = pytest.mark.parametrize("name", COMMANDS)


@pytest.fixture(scope="module")
def whole(
    run: Commands, photos: Path, heap: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, dict[str, bytes]]:
    """What each command makes where nothing happens."""
    made = {}
    for name, command in COMMANDS.items():
        out = tmp_path_factory.mktemp(name) / "out"
        ended = run.run(*command(photos, heap, out), under=out)
        assert ended.status == 0 and ended.points > 4, ended.said
        made[name] = seen(out)
        assert made[name]
    return made


def seen(out: Path) -> dict[str, bytes]:
    """A build's report tells when it was made, and nobody reads it again."""
    return {name: data for name, data in tree(out).items() if name != "build.json"}


def is_all_of(out: Path, wanted: dict[str, bytes]) -> None:
    assert seen(out) == wanted
    assert half_written(out) == []


@every_command
def test_killed_at_write_points_it_goes_on(
    run: Commands, whole: dict[str, dict[str, bytes]], photos: Path, heap: Path,
    tmp_path: Path, name: str,
) -> None:  # fmt: skip
    """Killed later each time, on the same folder; what is there is whole each time."""
    out, killed = tmp_path / "out", 0
    for at in (1, 2, 3, 5, 8):
        ended = run.run(*COMMANDS[name](photos, heap, out), under=out, fault=Fault(at=at))
        for file, data in seen(out).items():
            assert data == whole[name][file], f"{file} after a kill at {at}"
        killed += ended.was_killed
    assert killed >= 3
    ended = run.run(*COMMANDS[name](photos, heap, out), under=out)
    assert ended.status == 0, ended.said
    assert seen(out) == whole[name]


@every_command
@pytest.mark.parametrize("at", [2, 4])
def test_a_disk_that_fills_up_is_one_line_and_loses_nothing(
    run: Commands, whole: dict[str, dict[str, bytes]], photos: Path, heap: Path,
    tmp_path: Path, name: str, at: int,
) -> None:  # fmt: skip
    out = tmp_path / "out"
    full = Fault(at=at, error="ENOSPC")
    ended = run.run(*COMMANDS[name](photos, heap, out), under=out, fault=full)
    refused(ended, "No space left on device")
    assert half_written(out) == []
    for file, data in seen(out).items():
        assert data == whole[name][file]
    assert run.run(*COMMANDS[name](photos, heap, out), under=out).status == 0
    is_all_of(out, whole[name])


@every_command
def test_a_disk_that_cannot_be_written_is_one_line(
    run: Commands, photos: Path, heap: Path, tmp_path: Path, name: str
) -> None:
    out = tmp_path / "out"
    locked = Fault(at=1, error="EROFS")
    ended = run.run(*COMMANDS[name](photos, heap, out), under=out, fault=locked)
    refused(ended, "Read-only file system")
    assert not out.exists()


@pytest.mark.parametrize("name", ["parse", "convert"])
def test_a_file_that_does_not_fit_is_not_there_in_part(
    run: Commands, whole: dict[str, dict[str, bytes]], photos: Path, heap: Path,
    tmp_path: Path, name: str,
) -> None:  # fmt: skip
    """The system itself refuses what goes beyond so many bytes, in the middle of a file."""
    out = tmp_path / "out"
    ended = run.run(*COMMANDS[name](photos, heap, out), under=out, fault=Fault(most=700))
    refused(ended, "File too large")
    assert half_written(out) == []
    for file, data in seen(out).items():
        assert data == whole[name][file]


def refused(ended: Ended, reason: str) -> None:
    assert ended.status in (1, 6) and "Traceback" not in ended.said, ended.said
    assert reason in ended.said and "please report" not in ended.said, ended.said


@pytest.mark.parametrize("name", ["parse", "apply"])
def test_two_runs_at_once_do_the_same_work_without_harm(
    run: Commands, whole: dict[str, dict[str, bytes]], photos: Path, heap: Path,
    tmp_path: Path, name: str,
) -> None:  # fmt: skip
    out = tmp_path / "out"
    command = COMMANDS[name](photos, heap, out)
    for ended in run.together(command, command, under=out):
        assert ended.status == 0, ended.said
    is_all_of(out, whole[name])


@pytest.mark.parametrize("name", ["convert", "build"])
def test_of_two_runs_at_once_one_makes_the_dataset(
    run: Commands, whole: dict[str, dict[str, bytes]], photos: Path, heap: Path,
    tmp_path: Path, name: str,
) -> None:  # fmt: skip
    out = tmp_path / "out"
    command = COMMANDS[name](photos, heap, out)
    ended = run.together(command, command, under=out)
    assert 0 in [one.status for one in ended], [one.said for one in ended]
    for one in ended:
        assert one.status in (0, 6) and "Traceback" not in one.said, one.said
    is_all_of(out, whole[name])
    assert len(EasyPortrait(out)) in (5, 6)
