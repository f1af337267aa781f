import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from easyportrait.errors import BadInput, OutputUnwritable
from easyportrait.scale.part import DoPart
from easyportrait.scale.plan import planned
from easyportrait.scale.store import Store
from easyportrait.scale.task import Done
from tests.unit.scale.places import HOW, Shout, all_parts, done, fill

FILES = {"a.jpg": b"one", "b.jpg": b"bad", "c.jpg": b"odd", "d.jpg": b"", "s/e.f.jpg": b"two"}


class Killed(BaseException):
    """In a worker's place: nothing of ours sees it coming."""


def rows(store: Store, name: str = "manifest/000000.jsonl") -> dict[str, dict[str, Any]]:
    lines = (store.read(name) or b"").splitlines()
    return {row["name"]: row for row in map(json.loads, lines)}


@pytest.mark.parametrize("place", ["disk", "memory"])
def test_good_pictures_have_files_and_bad_ones_a_line(place: str, tmp_path: Path) -> None:
    root = str(tmp_path) if place == "disk" else f"memory://{tmp_path.name}"
    src, store = fill(f"{root}/in", FILES), Store(f"{root}/out")
    plan = planned(src, store, HOW)
    (told,) = all_parts(plan, store, Shout())
    assert (told.pictures, told.failed, told.bytes_in, told.bytes_out) == (5, 3, 12, 6)
    assert 0 < told.waited < told.seconds
    assert (store.read("a.png"), store.read("s/e.f.png"), store.read("b.png")) == (
        b"ONE", b"TWO", None,
    )  # fmt: skip
    found = rows(store)
    assert found["a"]["width"] == 3 and found["a"]["files"] == [".png"]
    errors = {
        name: row["error"].rsplit("/", 1)[-1] for name, row in found.items() if "error" in row
    }
    assert errors == {
        "b": "b.jpg is bad",
        "c": "c.jpg: unexpected ZeroDivisionError: odd; please report this",
        "d": "d.jpg is empty (0 bytes)",
    }
    assert rows(store, ".scale/failed/000000.jsonl").keys() == errors.keys()
    assert store.names(".scale/begun") == []


def test_a_part_that_is_done_is_not_done_again(tmp_path: Path) -> None:
    src, task = fill(str(tmp_path / "in"), FILES), Shout()
    plan = done(src, str(tmp_path / "out"), task)
    seen = len(task.seen)
    (told,) = all_parts(plan, Store(str(tmp_path / "out")), task)
    assert len(task.seen) == seen and (told.pictures, told.failed, told.seconds) == (5, 3, 0)


def test_a_tar_has_keys_without_dots_and_says_where_from(tmp_path: Path) -> None:
    src, out = fill(str(tmp_path / "in"), FILES), tmp_path / "out"
    done(src, str(out), Shout(), "webdataset")
    with tarfile.open(out / "part-000000.tar") as archive:
        assert archive.getnames() == ["a.png", "a.json", "s/e%2Ef.png", "s/e%2Ef.json"]
        told = json.load(archive.extractfile("s/e%2Ef.json") or io.BytesIO())
    assert told["source"] == f"{src}/s/e.f.jpg" and told["width"] == 3


def test_a_table_has_a_row_for_bad_pictures_too(tmp_path: Path) -> None:
    src, out = fill(str(tmp_path / "in"), FILES), tmp_path / "out"
    done(src, str(out), Shout(), "parquet")
    table = pq.read_table(out / "part-000000.parquet").to_pylist()
    assert [row["name"] for row in table] == ["a", "b", "c", "d", "s/e.f"]
    assert [row["labels"] for row in table] == [b"ONE", None, None, None, b"TWO"]
    assert [row["error"] is None for row in table] == [True, False, False, False, True]


@pytest.mark.parametrize("keep", ["files", "webdataset", "parquet"])
def test_a_part_whose_worker_was_killed_is_done_again_to_the_same_end(
    keep: str, tmp_path: Path
) -> None:
    src = fill(str(tmp_path / "in"), {f"{i}.jpg": b"x%d" % i for i in range(9)})
    store = Store(str(tmp_path / "out"))
    plan = planned(src, store, HOW | {"as": keep})

    class Dies(Shout):
        def __call__(self, data: bytes, source: str) -> Done:
            if len(self.seen) == 5:
                raise Killed
            return super().__call__(data, source)

    work = DoPart(store, Dies(), keep)
    with pytest.raises(Killed):
        work(0)
    assert store.names("manifest") == []
    shown = set(store.names("")) - {"manifest"}
    assert shown == ({f"{i}.png" for i in range(5)} if keep == "files" else set())
    all_parts(plan, store, Shout(), keep)
    done(src, str(tmp_path / "whole"), Shout(), keep)
    made, wanted = Path(store.url), tmp_path / "whole"
    names = sorted(path.name for path in wanted.iterdir() if path.is_file())
    assert names == sorted(path.name for path in made.iterdir() if path.is_file())
    assert [name for name in names if name.endswith(".part")] == []
    if keep == "files":  # the others hold how long each took
        assert all((made / n).read_bytes() == (wanted / n).read_bytes() for n in names)


def test_a_picture_that_kills_workers_is_left_out(tmp_path: Path) -> None:
    src = fill(str(tmp_path / "in"), {f"{i}.jpg": b"x" for i in range(9)})
    store = Store(str(tmp_path / "out"))
    planned(src, store, HOW)

    class Poisoned(Shout):
        def __call__(self, data: bytes, source: str) -> Done:
            if source.endswith("4.jpg"):
                raise Killed
            return super().__call__(data, source)

    work = DoPart(store, Poisoned())
    for _ in range(3):  # the first says only that somebody died there
        with pytest.raises(Killed):
            work(0)
    told = work(0)
    assert (told.pictures, told.failed) == (9, 1)
    assert "was at hand when 2 workers died" in rows(store)["4"]["error"]


def test_no_picture_is_to_blame_for_a_job_that_was_stopped(tmp_path: Path) -> None:
    src = fill(str(tmp_path / "in"), {f"{i}.jpg": b"x" for i in range(9)})
    store = Store(str(tmp_path / "out"))
    planned(src, store, HOW)

    class Stopped(Shout):
        def __call__(self, data: bytes, source: str) -> Done:
            raise Killed

    for _ in range(4):
        with pytest.raises(Killed):
            DoPart(store, Stopped())(0)
    assert DoPart(store, Shout())(0).failed == 0


def test_pictures_of_one_name_are_refused_and_none_is_written_over(tmp_path: Path) -> None:
    src = fill(str(tmp_path / "in"), {"a.jpg": b"x", "a.png": b"y", "b.jpg": b"z"})
    done(src, str(tmp_path / "out"), Shout())
    text = (tmp_path / "out/manifest/000000.jsonl").read_text()
    assert text.count("another picture would be written to a too") == 2
    assert not (tmp_path / "out/a.png").exists() and (tmp_path / "out/b.png").exists()


def test_an_output_that_cannot_be_written_ends_the_job(tmp_path: Path) -> None:
    src = fill(str(tmp_path / "in"), {"a/b.jpg": b"x"})
    store = Store(str(tmp_path / "out"))
    planned(src, store, HOW)
    (tmp_path / "out/a").write_text("in the way")
    with pytest.raises(OutputUnwritable, match=r"a/b.png cannot be written"):
        DoPart(store, Shout())(0)


def test_a_file_too_large_to_be_a_picture_is_not_read(tmp_path: Path) -> None:
    src = fill(str(tmp_path / "in"), {"a.jpg": b"x"})
    with (tmp_path / "in/a.jpg").open("r+b") as file:
        file.truncate(1 << 30)
    done(src, str(tmp_path / "out"), Shout())
    assert "has 1024 MB; no picture has" in rows(Store(str(tmp_path / "out")))["a"]["error"]


def test_a_machine_that_does_not_see_the_plan_says_so(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"000000.jsonl is not there on .*all machines see"):
        DoPart(Store(str(tmp_path)), Shout())(0)
    assert not (tmp_path / "manifest").exists()
