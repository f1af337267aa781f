import json
import os
from pathlib import Path

import pytest

from easyportrait.errors import BadInput
from easyportrait.scale import plan as plan_module
from easyportrait.scale.plan import LEAST, MOST, digest, planned, read_list, read_plan
from easyportrait.scale.store import Store
from tests.unit.scale.places import HOW, Shout, done, fill


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(str(tmp_path / "out"))


@pytest.fixture
def src(tmp_path: Path) -> str:
    return fill(str(tmp_path / "in"), {f"{i:02d}.jpg": b"x" for i in range(40)})


def test_pictures_are_cut_into_parts_in_order(src: str, store: Store) -> None:
    plan = planned(src, store, HOW, size=16)
    assert (plan.parts, plan.pictures, plan.size) == (3, 40, 16)
    names = [one.name for number in range(3) for one in read_list(store, number)]
    assert names == [f"{i:02d}" for i in range(40)]
    assert read_plan(store) == plan


@pytest.mark.parametrize(
    ("n", "most", "size"), [(40, MOST, LEAST), (1280, MOST, 20), (1280, 18, 18)]
)
def test_parts_grow_with_the_pictures(
    n: int, most: int, size: int, tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan_module, "MOST", most)
    (tmp_path / "list.txt").write_text("\n".join(f"/p/{i}.jpg" for i in range(n)))
    plan = planned(str(tmp_path / "list.txt"), store, HOW)
    assert (plan.size, plan.parts, plan.pictures) == (size, -(-n // size), n)


def test_the_same_again_is_the_same_plan(src: str, store: Store) -> None:
    before = planned(src, store, HOW)
    written = (Path(store.url) / ".scale/plan.json").stat().st_mtime_ns
    assert planned(src, store, HOW) == before
    assert (Path(store.url) / ".scale/plan.json").stat().st_mtime_ns == written


def test_what_has_come_is_appended_and_what_has_changed_is_to_be_done_again(
    src: str, store: Store
) -> None:
    done(src, store.url, Shout(), size=16)
    fill(src, {"99.jpg": b"new", "00a.jpg": b"new"})
    os.utime(Path(src, "20.jpg"), (1, 1))
    assert planned(src, store, HOW, as_listed=True).pictures == 40
    plan = planned(src, store, HOW)
    assert (plan.parts, plan.pictures) == (4, 42)
    assert [one.name for one in read_list(store, 3)] == ["00a", "99"]
    assert store.names("manifest") == ["000000.jsonl", "000002.jsonl"]
    assert planned(src, store, HOW) == plan


def test_a_plan_that_was_not_finished_counts_for_nothing(src: str, store: Store) -> None:
    planned(src, store, HOW, size=5)
    store.remove(".scale/plan.json")
    assert planned(src, store, HOW, size=20).parts == 2


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"command": "whisper", "as": "files"}, "command was 'shout', now 'whisper'"),
        ({"command": "shout", "as": "parquet"}, "as was 'files', now 'parquet'"),
    ],
)
def test_another_jobs_results_are_not_mixed_in(
    src: str, store: Store, how: dict[str, str], message: str
) -> None:
    done(src, store.url, Shout())
    with pytest.raises(BadInput, match=message):
        planned(src, store, how)
    assert planned(src, store, how, force=True).how == how
    assert store.names("manifest") == []


def test_another_source_is_another_job(src: str, store: Store, tmp_path: Path) -> None:
    planned(src, store, HOW)
    other = fill(str(tmp_path / "other"), {"a.jpg": b""})
    with pytest.raises(BadInput, match=r"source was '.*/in', now '.*/other'"):
        planned(other, store, HOW)


def test_force_takes_away_tars_of_a_longer_plan(src: str, store: Store) -> None:
    done(src, store.url, Shout(), "webdataset", size=10)
    done(src, store.url, Shout(), "webdataset", size=20, force=True)
    assert store.names("") == ["manifest", "part-000000.tar", "part-000001.tar"]


def test_names_that_clash_are_known(tmp_path: Path, store: Store) -> None:
    src = fill(str(tmp_path / "in"), {"a.jpg": b"", "a.png": b"", "b.jpg": b""})
    assert planned(src, store, HOW).clashes == (digest("a"),)


def test_a_plan_of_another_version_is_refused(src: str, store: Store) -> None:
    planned(src, store, HOW)
    told = json.loads(store.read(".scale/plan.json") or b"") | {"edition": 99}
    store.write(".scale/plan.json", json.dumps(told).encode())
    with pytest.raises(BadInput, match=r"edition 99.*--force"):
        planned(src, store, HOW)
    assert planned(src, store, HOW, force=True).parts == 3


def test_names_that_are_not_text_survive(tmp_path: Path, store: Store) -> None:
    Path(tmp_path / "in").mkdir()
    Path(os.fsdecode(os.fsencode(tmp_path / "in") + b"/\xff.jpg")).write_bytes(b"x")
    done(str(tmp_path / "in"), store.url, Shout())
    assert Path(os.fsdecode(os.fsencode(store.url) + b"/\xff.png")).read_bytes() == b"X"
