"""What is kept on disk, and what a killed run leaves."""

import json
import os
import shutil
from pathlib import Path

import pytest

from easyportrait.data.building.pictures import Reading, Seen
from easyportrait.data.building.sources import Source
from easyportrait.data.building.state import Journal, State, at_work
from easyportrait.data.files import File
from easyportrait.data.quality import Quality
from easyportrait.errors import OutputUnwritable
from tests.unit.data.heap import tree

SEEN = Seen(Quality("00ff" * 4, 30, 40, 1.5, 2.5, None), 3, False, True, 99)


# -- measures ------------------------------------------------------------------------------


def source(folder: Path, name: str = "a") -> Source:
    for suffix in (".jpg", ".png"):
        (folder / f"{name}{suffix}").write_bytes(b"some")
    return Source(name, File(folder / f"{name}.jpg"), File(folder / f"{name}.png"), "u")


def journal(folder: Path, **how: object) -> Journal:
    return Journal(folder / "m.jsonl", Reading(**how), None)


def test_what_was_noted_is_known_again_wherever_the_folder_lies(tmp_path: Path) -> None:
    one = source(tmp_path)
    with journal(tmp_path) as notes:
        assert notes.get(one) is None
        notes.add(one, SEEN)
    (tmp_path / "moved").mkdir()
    for file in (one.photo, one.mask):
        shutil.move(file.path, tmp_path / "moved" / file.path.name)
    moved = Source("a", *(File(tmp_path / "moved" / f"a{s}") for s in (".jpg", ".png")), "v")
    with journal(tmp_path) as notes:
        assert notes.get(moved) == SEEN


@pytest.mark.parametrize("which", ["photo", "mask"])
@pytest.mark.parametrize("what", ["size", "time"])
def test_a_file_that_changed_is_looked_at_again(tmp_path: Path, which: str, what: str) -> None:
    one = source(tmp_path)
    with journal(tmp_path) as notes:
        notes.add(one, SEEN)
    path = getattr(one, which).path
    before = path.stat()
    path.write_bytes(b"other" if what == "size" else b"diff")
    os.utime(path, ns=(1, before.st_mtime_ns + (what == "time")))
    with journal(tmp_path) as notes:
        assert notes.get(one) is None


def test_what_was_read_in_another_way_is_read_again(tmp_path: Path) -> None:
    one = source(tmp_path)
    with journal(tmp_path) as notes:
        notes.add(one, SEEN)
    with journal(tmp_path, masks_as_stored=True) as notes:
        assert notes.get(one) is None


def test_half_a_line_costs_that_line_and_no_other(tmp_path: Path) -> None:
    a, b, c = (source(tmp_path, name) for name in "abc")
    with journal(tmp_path) as notes:
        notes.add(a, SEEN)
        notes.add(b, SEEN)
    path = tmp_path / "m.jsonl"
    path.write_bytes(path.read_bytes()[:-20])
    with journal(tmp_path) as notes:
        assert notes.get(a) == SEEN and notes.get(b) is None
        notes.add(c, SEEN)
    with journal(tmp_path) as notes:
        assert notes.get(a) == notes.get(c) == SEEN
        notes.keep([c])
    assert len(path.read_text().splitlines()) == 1
    with journal(tmp_path) as notes:
        assert notes.get(c) == SEEN and notes.get(a) is None


# -- the dataset ---------------------------------------------------------------------------


def next_one(state: State, text: str, *names: str) -> None:
    """A dataset of files and folders of these names, written where the next one goes."""
    for name in names:
        path = state.next / name if "." in name else state.next / name / "train" / "f"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def finished(out: Path, text: str, *names: str) -> None:
    with at_work(out) as state:
        next_one(state, text, *names)
        state.finish(text, text.encode())


def contents(out: Path) -> dict[str, str]:
    return {name: data.decode() for name, data in tree(out).items()}


def test_a_finished_dataset_takes_the_place_of_the_one_before(tmp_path: Path) -> None:
    finished(tmp_path, "old", "images", "annotations")
    (tmp_path / "notes.txt").write_text("mine")
    finished(tmp_path, "new", "images.zip", "annotations.zip")
    assert contents(tmp_path) == {
        "images.zip": "new",
        "annotations.zip": "new",
        "build.json": "new",
        "notes.txt": "mine",
    }
    assert sorted(p.name for p in (tmp_path / ".build").iterdir()) == [".fetch.lock", "plan.json"]


def test_half_a_dataset_is_thrown_away(tmp_path: Path) -> None:
    finished(tmp_path, "old", "images", "annotations")
    with pytest.raises(KeyboardInterrupt), at_work(tmp_path) as state:
        next_one(state, "new", "images")
        raise KeyboardInterrupt
    with at_work(tmp_path) as state:
        assert not state.next.exists()
    assert set(contents(tmp_path).values()) == {"old"}


@pytest.mark.parametrize("step", range(1, 9))
def test_a_run_that_dies_while_it_puts_things_in_place_is_finished_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    """Killed before any of the renames, the new dataset is there whole at the next start."""
    finished(tmp_path, "old", "images.zip", "annotations.zip", "meta.csv")
    steps = 0

    def counted(before):
        def step_or_die(self: Path, target: Path) -> Path:
            nonlocal steps
            steps += 1
            if steps == step:
                raise KeyboardInterrupt
            return before(self, target)

        return step_or_die

    plan = {"made_from": "new", "parts": ["images.zip", "annotations", "build.json"]}
    with monkeypatch.context() as patch, at_work(tmp_path) as state:
        next_one(state, "new", "images.zip", "annotations", "build.json")
        (state.next / "plan.json").write_text(json.dumps(plan))
        patch.setattr(Path, "rename", counted(Path.rename))
        patch.setattr(Path, "replace", counted(Path.replace))
        with pytest.raises(KeyboardInterrupt):
            state._settle()
    with at_work(tmp_path) as state:
        assert state.plan and state.plan.made_from == "new"
    there = contents(tmp_path)
    assert set(there.values()) == {"new"}
    assert set(there) == {"images.zip", "annotations/train/f", "build.json"}


def test_what_no_build_put_there_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "images.zip").write_text("downloaded")
    with (
        pytest.raises(OutputUnwritable, match=r"holds images\.zip, which no build put there"),
        at_work(tmp_path),
    ):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["images.zip"]
    finished(tmp_path / "mine", "new", "images.zip")
    (tmp_path / "mine" / "train").mkdir()
    with (
        pytest.raises(OutputUnwritable, match="holds train, which no build"),
        at_work(tmp_path / "mine"),
    ):
        pass


def test_a_dataset_that_lost_a_part_is_not_forgotten_by_accident(tmp_path: Path) -> None:
    finished(tmp_path, "old", "images.zip", "annotations.zip")
    (tmp_path / "build.json").unlink()  # a report may go
    with at_work(tmp_path) as state:
        assert state.plan
    (tmp_path / "annotations.zip").unlink()
    with (
        pytest.raises(OutputUnwritable, match=r"lacks annotations\.zip of the dataset"),
        at_work(tmp_path),
    ):
        pass
    (tmp_path / "images.zip").unlink()
    with at_work(tmp_path) as state:
        assert state.plan is None


def test_two_runs_keep_out_of_each_others_way(tmp_path: Path) -> None:
    refused = pytest.raises(OutputUnwritable, match="another run is at work")
    with at_work(tmp_path), refused, at_work(tmp_path):
        pass
