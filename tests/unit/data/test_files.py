import os
import threading
import zipfile
from pathlib import Path

import pytest

from easyportrait.data import files
from easyportrait.data.files import files_in, opened, staged
from easyportrait.errors import BadInput, OutputUnwritable


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """One stored and one deflated member, junk, and an empty folder."""
    path = tmp_path / "some.zip"
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("folder/", b"")
        packed.writestr("folder/stored.bin", b"stored" * 100)
        packed.writestr("deflated.bin", b"deflated" * 100, zipfile.ZIP_DEFLATED)
        packed.writestr("empty.bin", b"")
        packed.writestr("__MACOSX/._deflated.bin", b"?")
        packed.writestr("folder/.DS_Store", b"?")
    return path


def test_members_are_read_where_they_lie(archive: Path) -> None:
    found = {"/".join(parts): file for parts, file in files_in(archive)}
    assert {name: file.read() for name, file in found.items()} == {
        "folder/stored.bin": b"stored" * 100,
        "deflated.bin": b"deflated" * 100,
        "empty.bin": b"",
    }
    assert str(found["folder/stored.bin"]) == f"{archive}/folder/stored.bin"
    assert found["deflated.bin"].size == 800
    assert getattr(opened(found["deflated.bin"]), "name", "") == f"{archive}/deflated.bin"


def test_folders_are_read_alike(archive: Path, tmp_path: Path) -> None:
    folder = tmp_path / "unpacked"
    with zipfile.ZipFile(archive) as packed:
        packed.extractall(folder)
    unpacked = {parts: file.read() for parts, file in files_in(folder)}
    assert unpacked == {parts: file.read() for parts, file in files_in(archive)}


def test_many_threads_may_read_at_once(archive: Path) -> None:
    members = [file for _, file in files_in(archive)] * 50
    expected = [file.read() for file in members]
    got: dict[int, list[bytes]] = {}

    def read(i: int) -> None:
        got[i] = [file.read() for file in members]

    threads = [threading.Thread(target=read, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(got[i] == expected for i in range(8))


def test_a_flipped_bit_is_noticed(archive: Path) -> None:
    found = {parts[-1]: file for parts, file in files_in(archive)}
    whole = archive.read_bytes()
    for name in ("stored.bin", "deflated.bin"):
        spot = whole.index(name.encode()) + len(name) + 5
        archive.write_bytes(whole[:spot] + bytes([whole[spot] ^ 1]) + whole[spot + 1 :])
        with pytest.raises(BadInput, match=rf"{name} is damaged: it fails its checksum"):
            found[name].read()


def test_an_archive_that_was_cut_short_or_taken_away_is_named(archive: Path) -> None:
    members = [file for _, file in files_in(archive)]
    archive.write_bytes(archive.read_bytes()[:20])
    with pytest.raises(BadInput, match=r"some\.zip is not a whole zip archive .*fetch it again"):
        list(files_in(archive))
    with pytest.raises(BadInput, match="is damaged"):
        members[0].read()
    archive.unlink()
    with pytest.raises(BadInput, match=r"cannot be read: No such file"):
        members[0].read()


def test_archives_that_cannot_be_read_straight_say_why(tmp_path: Path) -> None:
    path = tmp_path / "odd.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_BZIP2) as packed:
        packed.writestr("a", b"a")
    with pytest.raises(BadInput, match=r"odd\.zip/a is packed by method 12"):
        list(files_in(path))
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("a", b"a")
    whole = bytearray(path.read_bytes())
    whole[whole.index(b"PK\1\2") + 8] |= 1  # the directory's flag for encryption
    path.write_bytes(whole)
    with pytest.raises(BadInput, match=r"odd\.zip/a is encrypted"):
        list(files_in(path))


def test_a_member_that_would_fill_the_memory_is_not_unpacked(
    archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "MAX_BYTES", 700)
    big = next(file for parts, file in files_in(archive) if parts == ("deflated.bin",))
    with pytest.raises(BadInput, match="would unpack to"):
        big.read()


def test_staged_files_appear_together_or_not_at_all(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(ZeroDivisionError), staged(out) as part:
        (part / "a").write_bytes(b"a")
        _ = 1 / 0
    assert list(out.iterdir()) == []
    with staged(out) as part:
        (part / "a").write_bytes(b"a")
        (part / "b").mkdir()
        assert not (out / "a").exists()
    assert sorted(path.name for path in out.iterdir()) == ["a", "b"]


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with (
        pytest.raises(OutputUnwritable, match="file/out cannot be written"),
        staged(tmp_path / "file" / "out"),
    ):
        pass


@pytest.mark.parametrize("inside", [".", "a", "a/b"])
def test_links_in_a_circle_are_not_followed(tmp_path: Path, inside: str) -> None:
    """Two of them have two ways to go on at each step: that would not end."""
    root = tmp_path / "root"
    (root / "a/b").mkdir(parents=True)
    (root / "a/b/c.bin").write_bytes(b"c")
    for name in ("one", "two", "three"):
        (root / inside / name).symlink_to(root, target_is_directory=True)
    assert [parts for parts, _ in files_in(root)] == [("a", "b", "c.bin")]


def test_folders_that_link_to_each_other_end_too(tmp_path: Path) -> None:
    for name, other in (("a", "b"), ("b", "a")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file.bin").write_bytes(b"")
        (tmp_path / name / "other").symlink_to(tmp_path / other, target_is_directory=True)
    found = sorted("/".join(parts) for parts, _ in files_in(tmp_path / "a"))
    assert found == ["file.bin", "other/file.bin"]


def test_a_folder_that_may_not_be_entered_is_not_left_out_in_silence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "closed").mkdir()
    there = os.scandir

    def scandir(path: str) -> object:
        if Path(path).name == "closed":
            raise PermissionError(13, "Permission denied", path)
        return there(path)

    monkeypatch.setattr(os, "scandir", scandir)
    with pytest.raises(BadInput, match="closed cannot be read: Permission denied"):
        [*files_in(tmp_path)]
