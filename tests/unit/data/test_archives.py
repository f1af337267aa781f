"""Zips as people make them, as they break, and as attackers make them."""

import io
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from zipfile import ZIP_BZIP2, ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

import pytest

from easyportrait.data import archives
from easyportrait.data.archives import Limits, extract
from easyportrait.errors import ArchiveUnsafe, BadInput, OutputUnwritable

PHOTO = bytes(range(256)) * 40
LOOSE = Limits(max_ratio=2000)


def zipped(path: Path, members: dict[str, bytes], method: int = ZIP_DEFLATED) -> Path:
    with ZipFile(path, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def files(folder: Path) -> dict[str, bytes]:
    return {
        p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()
    }


@pytest.fixture
def good(tmp_path: Path) -> Path:
    return zipped(tmp_path / "good.zip", {"train/a.jpg": PHOTO, "train/b.jpg": b"b", "c.txt": b""})


@pytest.mark.parametrize("method", [ZIP_STORED, ZIP_DEFLATED])
def test_every_file_is_extracted_byte_for_byte(tmp_path: Path, method: int) -> None:
    members = {"train/a.jpg": PHOTO, "val/b.jpg": b"b" * 3_000_000, "empty.txt": b""}
    done = extract(zipped(tmp_path / "a.zip", members, method), tmp_path / "out", limits=LOOSE)
    assert files(tmp_path / "out") == members
    assert (done.new, done.kept, done.replaced, done.left_out) == (3, 0, 0, 0)


def test_a_folder_of_the_same_name_is_not_repeated(tmp_path: Path) -> None:
    inside = zipped(tmp_path / "images.zip", {"images/train/a.jpg": b"a", "images/val/b.jpg": b"b"})
    extract(inside, tmp_path / "images")
    assert set(files(tmp_path / "images")) == {"train/a.jpg", "val/b.jpg"}
    extract(inside, tmp_path / "other")
    assert set(files(tmp_path / "other")) == {"images/train/a.jpg", "images/val/b.jpg"}


def test_what_macos_adds_is_left_out_and_counted(tmp_path: Path) -> None:
    members = {"images/a.jpg": b"a", "__MACOSX/images/._a.jpg": b"x", "images/.DS_Store": b"x"}
    done = extract(zipped(tmp_path / "images.zip", members), tmp_path / "images")
    assert files(tmp_path / "images") == {"a.jpg": b"a"} and done.left_out == 2


def test_a_second_run_does_what_is_left(good: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    extract(good, out)
    kept = out / "train" / "a.jpg"
    before = kept.stat()
    (out / "c.txt").unlink()
    (out / "train" / "b.jpg").write_bytes(b"B")  # the right size, the wrong bytes
    done = extract(good, out)
    assert (done.new, done.kept, done.replaced) == (1, 1, 1)
    assert files(out) == {"train/a.jpg": PHOTO, "train/b.jpg": b"b", "c.txt": b""}
    after = kept.stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


def test_progress_counts_bytes_up_to_all(good: Path, tmp_path: Path) -> None:
    seen: list[tuple[str, int, int | None]] = []
    extract(good, tmp_path / "out", progress=lambda *now: seen.append(now))
    assert seen[-1] == ("extracting good.zip", len(PHOTO) + 1, len(PHOTO) + 1)
    assert [done for _, done, _ in seen] == sorted(done for _, done, _ in seen)


# -- what is refused before anything is written --------------------------------------------


def refused(path: Path, message: str, limits: Limits | None = None) -> None:
    """It is, in these words, and nothing at all is written."""
    before = files(path.parent)
    with pytest.raises(ArchiveUnsafe, match=message) as caught:
        extract(path, path.parent / "out", limits=limits)
    assert path.name in str(caught.value)
    assert files(path.parent) == before


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("../evil.txt", "leads out"),
        ("a/../../evil.txt", "leads out"),
        ("/etc/evil.txt", "leads out"),
        ("//server/evil.txt", "leads out"),
        ("./evil.txt", "leads out"),
        ("a//evil.txt", "leads out"),
        ("C:/evil.txt", "a character"),
        ("C:evil.txt", "a character"),
        ("..\\evil.txt", "a character"),
        ("a\\b.txt", "a character"),
        ("evil\n.txt", "a character"),
        ("evil.txt:stream", "a character"),
        ("a /evil.txt", "dot or space"),
        ("evil.txt.", "dot or space"),
        (".../evil.txt", "dot or space"),
        ("a/NUL.txt", "a device"),
        ("com1", "a device"),
        (f"a/{'b' * 256}", "over 255 bytes"),
        ("a/" + "\u00e9" * 128, "over 255 bytes"),
    ],
)
def test_a_name_that_leads_astray_is_refused(tmp_path: Path, name: str, message: str) -> None:
    refused(zipped(tmp_path / "a.zip", {"good.txt": b"good", name: b"evil"}), message)


def test_a_name_cut_short_by_a_nul_is_refused(tmp_path: Path) -> None:
    """Python reads it as good.txt, other tools as something else."""
    path = zipped(tmp_path / "a.zip", {"good.txt+.jpg": b"x"})
    path.write_bytes(path.read_bytes().replace(b"good.txt+.jpg", b"good.txt\0.jpg"))
    refused(path, "a character")


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("a.txt", "a.txt"), "have the same name"),
        (("a.txt", "A.TXT"), "have the same name"),
        (("Stra\u00dfe.txt", "STRASSE.txt"), "have the same name"),
        (("caf\u00e9.txt", "cafe\u0301.txt"), "have the same name"),
        (("a", "a/b.txt"), "'a' is a file, yet holds 'a/b.txt'"),
        (("A/b.txt", "a"), "'a' is a file, yet holds 'A/b.txt'"),
    ],
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_members_that_fall_on_one_another_are_refused(
    tmp_path: Path, names: tuple[str, str], message: str
) -> None:
    with ZipFile(tmp_path / "a.zip", "w") as archive:
        for name in names:
            archive.writestr(name, b"x")
    refused(tmp_path / "a.zip", message)


@pytest.mark.parametrize(
    "mode", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFSOCK]
)
def test_links_and_special_files_are_refused(tmp_path: Path, mode: int) -> None:
    member = ZipInfo("link")
    member.create_system, member.external_attr = 3, (mode | 0o777) << 16
    with ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(member, "/etc/passwd")
    refused(tmp_path / "a.zip", "'link' is a link or a special file")


@pytest.mark.parametrize(("name", "mode"), [("a/", stat.S_IFREG), ("a", stat.S_IFDIR)])
def test_a_file_that_is_a_folder_is_refused(tmp_path: Path, name: str, mode: int) -> None:
    member = ZipInfo(name)
    member.external_attr = (mode | 0o755) << 16
    with ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(member, b"")
    refused(tmp_path / "a.zip", "a file by its mode and a folder by its name")


def edited(path: Path, edit: Callable[[bytearray, int, int], None]) -> Path:
    """The archive after `edit(bytes, at of the first local header, at of its directory entry)`."""
    data = bytearray(path.read_bytes())
    edit(data, data.index(b"PK\3\4"), data.index(b"PK\1\2"))
    path.write_bytes(data)
    return path


def test_an_encrypted_member_is_refused(tmp_path: Path) -> None:
    def encrypt(data: bytearray, local: int, entry: int) -> None:
        data[local + 6] |= 1
        data[entry + 8] |= 1

    refused(edited(zipped(tmp_path / "a.zip", {"a": b"x"}), encrypt), "'a' is encrypted")


def test_methods_that_cannot_be_read_in_small_steps_are_refused(tmp_path: Path) -> None:
    refused(zipped(tmp_path / "a.zip", {"a": b"x"}, ZIP_BZIP2), "packed by method 12")


def test_too_many_members_are_refused_by_the_limits_name(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {f"{i}.txt": b"x" for i in range(11)})
    refused(path, r"11 members, over the limit of 10; .*--max-members", Limits(max_members=10))
    assert extract(path, tmp_path / "out", limits=Limits(max_members=11)).new == 11


def test_too_many_bytes_are_refused_by_the_limits_name(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"a": b"x" * 600, "b": b"y" * 500})
    refused(path, r"1,100 bytes, over the limit of 1,099; .*--max-bytes", Limits(max_bytes=1099))
    assert extract(path, tmp_path / "out", limits=Limits(max_bytes=1100)).new == 2


def test_a_bomb_is_refused_by_the_limits_name(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"bomb": bytes(3_000_000)})
    refused(path, r"'bomb' grows .* over the limit of 200 times; .*--max-ratio")
    assert extract(path, tmp_path / "out", limits=LOOSE).new == 1


def test_a_bomb_of_many_small_members_is_refused_too(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {f"{i}": bytes(1_000_000) for i in range(5)})
    refused(path, r"a\.zip grows .* over the limit of 200 times; .*--max-ratio")


def test_members_that_share_their_bytes_are_refused(tmp_path: Path) -> None:
    """As in the bombs that reach any ratio without one inside another."""
    data = bytearray(zipped(tmp_path / "a.zip", {"a.txt": PHOTO, "b.txt": PHOTO}).read_bytes())
    second = data.rindex(b"PK\1\2")
    data[second + 42 : second + 46] = struct.pack("<L", 4)  # its data begin inside a.txt's
    (tmp_path / "a.zip").write_bytes(data)
    refused(tmp_path / "a.zip", "'a.txt' and 'b.txt' overlap")


def test_a_member_that_reaches_into_the_directory_is_refused(tmp_path: Path) -> None:
    def grow(data: bytearray, local: int, entry: int) -> None:
        for at in (local + 18, local + 22, entry + 20, entry + 24):
            data[at : at + 4] = struct.pack("<L", 60)

    path = edited(zipped(tmp_path / "a.zip", {"a": b"x" * 50}, ZIP_STORED), grow)
    refused(path, "reaches into the archive's directory")


def test_a_stored_member_of_two_sizes_is_refused(tmp_path: Path) -> None:
    def shrink(data: bytearray, local: int, entry: int) -> None:
        data[entry + 24 : entry + 28] = struct.pack("<L", 49)

    path = edited(zipped(tmp_path / "a.zip", {"a": b"x" * 50}, ZIP_STORED), shrink)
    refused(path, "is stored, but its sizes differ: 49, 50")


@pytest.mark.parametrize("keep", [0, 1, 30, 200, -1, -23])
def test_an_archive_cut_short_is_refused(good: Path, keep: int) -> None:
    good.write_bytes(good.read_bytes()[:keep])
    refused(good, "is not a whole zip file")


def test_what_is_no_zip_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_text("<html>This dataset has moved</html>")
    refused(tmp_path / "a.zip", "is not a whole zip file")
    with pytest.raises(BadInput, match=r"none\.zip does not exist"):
        extract(tmp_path / "none.zip", tmp_path / "out")


# -- what shows while writing --------------------------------------------------------------


def restated(path: Path, data: bytes, *, size: int, crc: int) -> Path:
    """A deflated member `a` with this content, and with another size and checksum stated."""

    def restate(raw: bytearray, local: int, entry: int) -> None:
        raw[local + 14 : local + 18] = raw[entry + 16 : entry + 20] = struct.pack("<L", crc)
        raw[local + 22 : local + 26] = raw[entry + 24 : entry + 28] = struct.pack("<L", size)

    return edited(zipped(path, {"a": data}), restate)


def test_a_member_that_yields_more_than_stated_is_stopped(tmp_path: Path) -> None:
    """Even if the checksum fits what was stated, as an attacker would see to."""
    path = restated(tmp_path / "a.zip", PHOTO, size=100, crc=zlib.crc32(PHOTO[:100]))
    refused(path, r"'a' (yields more than the 100 stated|is damaged)")


def test_a_member_that_goes_on_for_long_is_stopped_within_a_block(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    came: list[int] = []
    real = archives.unpacked

    def counted(*args: Any) -> Iterator[bytes]:
        for block in real(*args):
            came.append(len(block))
            yield block

    monkeypatch.setattr(archives, "unpacked", counted)
    path = restated(tmp_path / "a.zip", bytes(50_000_000), size=100, crc=0)
    refused(path, "'a' yields more than the 100 stated")
    assert came == [archives.BLOCK]


def test_a_member_that_yields_less_than_stated_is_refused(tmp_path: Path) -> None:
    path = restated(tmp_path / "a.zip", PHOTO, size=len(PHOTO) + 1, crc=zlib.crc32(PHOTO))
    refused(path, r"'a' yields 10,240 of the 10,241 bytes stated")


def test_a_member_that_fails_its_checksum_is_refused(tmp_path: Path) -> None:
    path = restated(tmp_path / "a.zip", PHOTO, size=len(PHOTO), crc=1)
    refused(path, "'a' is damaged: Bad CRC-32")


def test_damage_midway_leaves_whole_files_only(good: Path, tmp_path: Path) -> None:
    with ZipFile(good) as archive:
        at = archive.getinfo("train/b.jpg").header_offset
    data = bytearray(good.read_bytes())
    data[at + 30 + len("train/b.jpg")] ^= 0xFF
    good.write_bytes(data)
    with pytest.raises(ArchiveUnsafe, match=r"'train/b.jpg' is damaged"):
        extract(good, tmp_path / "out")
    assert files(tmp_path / "out") == {"train/a.jpg": PHOTO}


def test_what_stops_a_run_leaves_nothing_half_written(
    good: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> object:
        yield PHOTO[:10]
        raise KeyboardInterrupt

    monkeypatch.setattr(archives, "unpacked", interrupted)
    with pytest.raises(KeyboardInterrupt):
        extract(good, tmp_path / "out")
    assert files(tmp_path / "out") == {}


def test_a_folder_that_is_a_file_is_said(good: Path, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    with pytest.raises(OutputUnwritable, match="out cannot be written"):
        extract(good, tmp_path / "out")
    assert (tmp_path / "out").read_text() == "mine"


def test_a_disk_too_small_is_said_before_writing(
    good: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = type("Usage", (), {"free": 10_000})
    monkeypatch.setattr("shutil.disk_usage", lambda _: full)
    with pytest.raises(OutputUnwritable, match="GB of free space"):
        extract(good, tmp_path / "out")
    assert files(tmp_path / "out") == {}


def test_an_archive_in_an_archive_is_a_file(tmp_path: Path) -> None:
    """One within another is extracted only where the registry says so: no bombs that unfold."""
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("../evil.txt", b"x")
    extract(zipped(tmp_path / "a.zip", {"meta.zip": inner.getvalue()}), tmp_path / "out")
    assert set(files(tmp_path / "out")) == {"meta.zip"}


def test_a_path_that_is_too_long_for_the_disk_is_said(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"/".join(["a" * 200] * 30): b"deep"})
    with pytest.raises(OutputUnwritable, match="cannot be written: File name too long"):
        extract(path, tmp_path / "out")
