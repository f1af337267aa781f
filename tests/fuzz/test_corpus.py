"""All that fuzzing began with and found, read again; no fuzzer is needed for that."""

import random
import subprocess
import sys
from pathlib import Path

import pytest
from fuzz.run import changed
from fuzz.target import CORPUS, TARGETS, load, refused

from easyportrait.errors import BadInput

RUN = Path(__file__).parents[2] / "fuzz" / "run.py"
MOST_BYTES = 300_000  # of the whole corpus, which lies in git


@pytest.mark.parametrize("name", TARGETS)
def test_nothing_in_the_corpus_breaks_anything(name: str) -> None:
    target = load(name)
    files = sorted(target.corpus.iterdir())
    assert {path.name for path in files} >= {*target.seeds()}, "python fuzz/seeds.py makes them"
    for path in files:
        try:
            target.check(path.read_bytes())
        except BaseException as error:
            raise AssertionError(f"{path.name}: {type(error).__name__}: {error}") from error


@pytest.mark.parametrize("name", TARGETS)
def test_neither_do_a_few_changes_of_it(name: str) -> None:
    """The same ones each time: a look for what is new is `fuzz/run.py`."""
    target, chance = load(name), random.Random(0)
    corpus = [path.read_bytes() for path in sorted(target.corpus.iterdir())]
    small = [data for data in corpus if len(data) < 5_000]
    for _ in range(40):
        data = changed(chance.choice(small), target, small, chance)
        try:
            target.check(data)
        except BaseException as error:
            raise AssertionError(f"{data!r}: {type(error).__name__}: {error}") from error


def test_the_corpus_is_small_and_each_target_has_its_own() -> None:
    assert {path.name for path in CORPUS.iterdir()} == {*TARGETS}
    assert {path.stem for path in RUN.parent.glob("*.py")} == {
        *TARGETS, "__init__", "run", "seeds", "target",
    }  # fmt: skip
    assert sum(path.stat().st_size for path in CORPUS.rglob("*")) < MOST_BYTES


def test_only_our_own_errors_are_allowed() -> None:
    def ours() -> None:
        raise BadInput("a line")

    def foreign() -> None:
        raise ValueError("a line")

    assert refused(ours) and not refused(lambda: None)
    with pytest.raises(ValueError, match="a line"):
        refused(foreign)


def test_a_find_is_kept_and_the_status_tells(tmp_path: Path) -> None:
    """Run as people run it, on a reader that is broken on purpose."""
    broken = (
        f"import sys, runpy; sys.argv[0] = {str(RUN)!r}\n"
        "import fuzz.wishes\n"
        "fuzz.wishes.check = lambda data: 1 / 0\n"
        f"runpy.run_path({str(RUN)!r}, run_name='__main__')"
    )
    args = ("wishes", "--one", "--plain", "--seconds", "5", "--found", str(tmp_path))
    done = subprocess.run(
        [sys.executable, "-c", broken, *args], cwd=RUN.parents[1], capture_output=True, text=True
    )
    assert done.returncode == 1 and "ZeroDivisionError" in done.stderr
    (kept,) = tmp_path.iterdir()
    assert kept.name.startswith("wishes-")


def test_a_target_that_is_none_is_named() -> None:
    done = subprocess.run([sys.executable, RUN, "pictuers"], capture_output=True, text=True)
    assert done.returncode == 2 and "no target 'pictuers'; targets: archives" in done.stderr
