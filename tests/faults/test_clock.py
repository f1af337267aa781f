"""Clocks that were wrong, and files that keep the time of another day: a picture is done again
rather than passed over."""

import os
import shutil
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from easyportrait.cli.app import app
from easyportrait.cli.jobs import is_newer

DAY = 86_400


@pytest.fixture
def done(tmp_path: Path) -> tuple[Path, Path]:
    """(picture, result), in this order."""
    picture, result = tmp_path / "a.jpg", tmp_path / "a.png"
    picture.write_bytes(b"picture")
    result.write_bytes(b"result")
    assert is_newer([result], picture)
    return picture, result


def test_a_result_of_the_future_is_not_believed(done: tuple[Path, Path]) -> None:
    picture, result = done
    os.utime(result, (time.time() + DAY,) * 2)
    assert not is_newer([result], picture)


def test_a_picture_of_the_future_is_done_again(done: tuple[Path, Path]) -> None:
    picture, result = done
    os.utime(picture, (time.time() + DAY,) * 2)
    assert not is_newer([result], picture)


def test_an_older_picture_that_takes_its_place_is_done(done: tuple[Path, Path]) -> None:
    """Moved or copied there, it keeps the time of its pixels."""
    picture, result = done
    other = picture.with_name("other.jpg")
    other.write_bytes(b"other")
    os.utime(other, (time.time() - 9 * DAY,) * 2)
    time.sleep(0.02)  # of which file systems count
    other.replace(picture)
    assert picture.stat().st_mtime < result.stat().st_mtime
    assert not is_newer([result], picture)
    shutil.copy2(picture, other)
    time.sleep(0.02)
    result.write_bytes(b"result")
    assert is_newer([result], picture) and is_newer([result], other)


def test_all_results_are_looked_at(done: tuple[Path, Path]) -> None:
    picture, result = done
    second = result.with_name("a.json")
    assert not is_newer([second, result], picture)
    second.write_bytes(b"{}")
    assert is_newer([second, result], picture)
    os.utime(second, (time.time() - DAY,) * 2)
    assert not is_newer([second, result], picture)


@pytest.mark.parametrize("command", [("parse",), ("apply", "--background", "blur")])
@pytest.mark.parametrize("ahead", [DAY, -DAY])
def test_a_folder_is_gone_on_with_whatever_the_clock_was(
    command: tuple[str, ...], ahead: int, photos: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    args = [command[0], str(photos), "-o", str(out), "--looks", "1", *command[1:]]

    def said() -> str:
        ended = CliRunner().invoke(app, args)
        assert ended.exit_code == 0, ended.output
        return ended.output

    said()
    (first, second) = sorted(out.iterdir())
    os.utime(first, (time.time() + ahead,) * 2)
    before = second.stat().st_mtime_ns
    assert "1 were done already" in said()
    assert second.stat().st_mtime_ns == before
    assert abs(first.stat().st_mtime - time.time()) < DAY / 2
    assert "2 were done already" in said()
