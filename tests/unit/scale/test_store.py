import os
from pathlib import Path

import pytest

from easyportrait.errors import BadInput, ImageUnreadable, OutputUnwritable
from easyportrait.scale.store import Store, found_in, is_local, opened, read
from tests.unit.scale.places import fill

PICTURES = {"a.jpg": b"1", "sub/b.c.PNG": b"22", "notes.txt": b"", ".hid.jpg": b"", ".d/x.jpg": b""}


@pytest.fixture(params=["disk", "memory"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return str(tmp_path) if request.param == "disk" else f"memory://{tmp_path.name}"


def test_pictures_are_found_with_their_place_and_a_stamp(place: str) -> None:
    found = list(found_in(fill(f"{place}/in", PICTURES)))
    assert [(one.name, one.size) for one in found] == [("a", 1), ("sub/b.c", 2)]
    assert [read(one.source) for one in found] == [b"1", b"22"]
    (one,) = found_in(found[1].source)
    assert (one.source, one.name) == (found[1].source, "b.c")


def test_a_stamp_changes_with_the_picture(tmp_path: Path) -> None:
    src = fill(str(tmp_path), {"a.jpg": b"1"})
    before = [one.stamp for one in found_in(src)]
    assert [one.stamp for one in found_in(src)] == before
    os.utime(tmp_path / "a.jpg", (1, 1))
    assert [one.stamp for one in found_in(src)] != before


def test_a_list_names_pictures_anywhere(tmp_path: Path) -> None:
    lines = ["/data/a.jpg", "", "# not this", "s3://bucket/../x/b.jpg", "c"]
    (tmp_path / "list.txt").write_text("\n".join(lines))
    found = [(one.source, one.name, one.size) for one in found_in(str(tmp_path / "list.txt"))]
    assert found == [
        ("/data/a.jpg", "data/a", 0), ("s3://bucket/../x/b.jpg", "bucket/x/b", 0), ("c", "c", 0),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("nowhere", "is no folder of pictures, no picture, and no list"),
        ("memory://nowhere", "is no folder of pictures"),
        ("gopher://old/times", "gopher://old/times cannot be reached"),
    ],
)
def test_where_there_is_nothing_is_said(url: str, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        next(found_in(url))


def test_what_cannot_be_read_is_named(place: str) -> None:
    fill(f"{place}/in", {"x/a.jpg": b"1"})
    with pytest.raises(ImageUnreadable, match=r"gone.jpg does not exist"):
        read(f"{place}/in/gone.jpg")
    with pytest.raises(ImageUnreadable, match=r"in/x (is a folder|does not exist)"):
        read(f"{place}/in/x")


def test_a_store_writes_reads_lists_and_removes(place: str, tmp_path: Path) -> None:
    store = Store(f"{place}/out/")
    assert store.read("a/b.json") is None and store.names("a") == []
    store.write("a/b.json", b"1")
    store.write("a/b.json", b"22")
    (tmp_path / "local").write_bytes(b"333")
    store.take("a/c.tar", tmp_path / "local")
    assert store.names("a") == ["b.json", "c.tar"]
    assert (store.read("a/b.json"), store.read("a/c.tar")) == (b"22", b"333")
    store.remove("a/b.json")
    store.remove("a/b.json")
    assert store.names("a") == ["c.tar"]
    store.remove("a")
    assert store.names("a") == []


def test_a_file_on_a_disk_appears_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(str(tmp_path))
    store.write("a", b"before")
    monkeypatch.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(OSError(28, "full")))
    with pytest.raises(OutputUnwritable, match="a cannot be written"):
        store.write("a", b"after")
    assert [path.name for path in tmp_path.iterdir()] == ["a"] and store.read("a") == b"before"


def test_file_addresses_are_of_a_disk(tmp_path: Path) -> None:
    assert is_local(f"file://{tmp_path}") and is_local(str(tmp_path))
    assert not is_local("memory://x")
    assert opened(f"file://{tmp_path}/")[1] == str(tmp_path)
