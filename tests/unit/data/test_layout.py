import io
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from easyportrait.data import layout as layouts
from easyportrait.data.files import File
from easyportrait.data.layout import LAYOUTS, V1, V2, Entry, Layout, index, placed, write_dataset
from easyportrait.errors import BadInput, OutputUnwritable
from easyportrait.image.io import read_mask
from tests.conftest import face_mask
from tests.unit.data.drawn import FORMS, Held, as_file, drawn, drawn_entries, rewritten

NAMES = [("train", "p0"), ("train", "p1"), ("val", "p2"), ("val", "p3"), ("test", "p4")]
NAMES += [("test", "p5")]

both = pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS.keys())


def members(path: Path) -> list[str]:
    with zipfile.ZipFile(path) as archive:
        return sorted(archive.namelist())


def tree(root: Path) -> dict[str, bytes]:
    return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()}


def test_v1_is_written_as_published(tmp_path: Path) -> None:
    assert write_dataset(drawn_entries(1), tmp_path, V1) == 3
    assert sorted(tree(tmp_path)) == ["annotations.zip", "images.zip"]
    assert members(tmp_path / "images.zip") == ["test/p2.jpg", "train/p0.jpg", "val/p1.jpg"]
    assert members(tmp_path / "annotations.zip") == [
        "meta.zip",
        "test/p2.png",
        "train/p0.png",
        "val/p1.png",
    ]
    with zipfile.ZipFile(tmp_path / "annotations.zip") as archive:
        meta = zipfile.ZipFile(io.BytesIO(archive.read("meta.zip")))
    header, first, *_ = meta.read("meta.csv").decode().splitlines()
    assert header == "attachment_id,user_id,data_hash,width,height,brightness,train,test,valid"
    assert first == "p0,u0,,,,,True,False,False"


def test_v2_is_written_as_published(tmp_path: Path) -> None:
    write_dataset(drawn_entries(1), tmp_path, V2)
    assert sorted(tree(tmp_path)) == ["annotations.zip", "images.zip", "meta.zip"]
    assert members(tmp_path / "annotations.zip") == ["test/p2.png", "train/p0.png", "val/p1.png"]
    with zipfile.ZipFile(tmp_path / "meta.zip") as meta:
        header, *rows = meta.read("meta.csv").decode().splitlines()
    assert header == "image_name,user_id,height,width,set,brightness"
    assert rows == ["p0,u0,,,train,", "p1,u0,,,val,", "p2,u1,,,test,"]


def test_unpacking_the_archives_gives_the_folders(tmp_path: Path) -> None:
    for layout in LAYOUTS.values():
        packed, folders = tmp_path / layout.version, tmp_path / f"{layout.version}-folders"
        write_dataset(drawn_entries(), packed, layout)
        write_dataset(drawn_entries(), folders, layout, archives=False)
        for name in ("images", "annotations"):
            with zipfile.ZipFile(packed / f"{name}.zip") as archive:
                archive.extractall(packed / name)
        for meta in packed.rglob("meta.zip"):
            with zipfile.ZipFile(meta) as archive:
                archive.extractall(meta.parent)
        unpacked = {k: v for k, v in tree(packed).items() if not k.endswith(".zip")}
        assert unpacked == tree(folders)


@both
@pytest.mark.parametrize("form", FORMS)
def test_every_shape_is_found_and_read_alike(tmp_path: Path, layout: Layout, form: str) -> None:
    entries = drawn_entries()
    found = index(drawn(tmp_path / "set", layout, form, entries))
    assert [(e.split, e.name) for e in found.entries] == NAMES
    assert found.unpaired == found.strays == found.repeated == ()
    assert found.meta is not None
    for entry, original in zip(found.entries, entries, strict=True):
        assert entry.image_file.read() == original.image_file.read()
        assert entry.mask_file.read() == original.mask_file.read()
        assert (read_mask(entry.mask_file.read()) == read_mask(original.mask_file.read())).all()


@both
def test_there_and_back_gives_the_same_archives_to_the_last_byte(
    tmp_path: Path, layout: Layout
) -> None:
    meta = {"hash": "0f0f0f0f0f0f0f0f", "width": 50, "height": 60, "brightness": 120.25}
    originals = drawn_entries(**meta)
    write_dataset(originals, tmp_path / "once", layout)
    found = index(tmp_path / "once")
    again = [
        Entry(e.name, e.split, e.image_file, e.mask_file, o.meta)
        for e, o in zip(found.entries, originals, strict=True)
    ]
    write_dataset(again, tmp_path / "folders", layout, archives=False)
    found = index(tmp_path / "folders")
    again = [
        Entry(e.name, e.split, e.image_file, e.mask_file, o.meta)
        for e, o in zip(found.entries, originals, strict=True)
    ]
    write_dataset(again, tmp_path / "twice", layout)
    assert tree(tmp_path / "once") == tree(tmp_path / "twice")


def test_pictures_by_split_and_masks_in_one_archive_go_together(tmp_path: Path) -> None:
    """As on the host that cuts up images.zip only; both may lie side by side."""
    root = drawn(tmp_path / "set", V1, "archives")
    for split in ("train", "test"):
        shutil.copy(root / "images.zip", root / f"{split}.zip")
        rewritten(root / f"{split}.zip", lambda n, s=split: n if n.startswith(s) else "")
    assert [(e.split, e.name) for e in index(root).entries] == NAMES
    (root / "images.zip").unlink()
    found = index(root)
    assert [(e.split, e.name) for e in found.entries] == [n for n in NAMES if n[0] != "val"]
    assert found.unpaired == ("annotations/val/p2.png", "annotations/val/p3.png")


def test_what_is_unpacked_already_is_read_from_the_folder(tmp_path: Path) -> None:
    root = drawn(tmp_path / "set", V2, "archives")
    with zipfile.ZipFile(root / "images.zip") as archive:
        archive.extract("val/p3.jpg", root / "images")
    files = {e.name: e.image_file for e in index(root).entries}
    assert str(files["p3"]) == str(root / "images/val/p3.jpg")
    assert str(files["p2"]) == str(root / "images.zip/val/p2.jpg")
    (root / "images/val/p3.jpg").write_bytes(b"cut short")
    with pytest.raises(BadInput, match=r"images/val/p3\.jpg and .*zip/val/p3\.jpg should be one"):
        index(root)


def test_files_without_a_partner_and_files_out_of_place_are_named(tmp_path: Path) -> None:
    root = drawn(tmp_path / "set", V1, "folders")
    (root / "images/train/p0.jpg").unlink()
    (root / "annotations/test/p5.png").rename(root / "annotations/val/p5.png")
    (root / "images/notes.txt").write_text("words")
    (root / "annotations/train/p1.jpg").write_bytes(b"a picture among masks")
    (root / "images/.DS_Store").write_bytes(b"")
    found = index(root)
    assert [e.name for e in found.entries] == ["p1", "p2", "p3", "p4"]
    assert found.unpaired == (
        "annotations/train/p0.png",
        "annotations/val/p5.png",
        "images/test/p5.jpg",
    )
    assert found.strays == (
        str(root / "annotations/train/p1.jpg"),
        str(root / "images/notes.txt"),
    )


def test_a_name_in_two_splits_is_noticed(tmp_path: Path) -> None:
    root = drawn(tmp_path / "set", V1, "folders")
    for kind, suffix in (("images", ".jpg"), ("annotations", ".png")):
        shutil.copy(root / kind / f"train/p0{suffix}", root / kind / f"test/p0{suffix}")
    assert index(root).repeated == ("p0",)


def test_names_may_have_dots_and_suffixes_capitals(tmp_path: Path) -> None:
    root = drawn(tmp_path / "set", V1, "folders", drawn_entries(1))
    (root / "images/train/p0.jpg").rename(root / "images/train/p0.1.JPG")
    (root / "annotations/train/p0.png").rename(root / "annotations/train/p0.1.png")
    assert index(root).entries[0].name == "p0.1"


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("images/train/a.jpg", ("images", "train", "a")),
        ("train/a.png", ("annotations", "train", "a")),
        ("images/images/val/a.jpg", ("images", "val", "a")),
        ("test/test/annotations/a.png", ("annotations", "test", "a")),
        ("images/a.jpg", None),
        ("images/train/a.png", None),
        ("images/annotations/train/a.png", None),
        ("images/one/more/train/a.jpg", None),
        ("images/train/a.jpeg", None),
    ],
)
def test_a_place_is_told_by_the_folders_around_it(
    path: str, place: tuple[str, str, str] | None
) -> None:
    assert placed(tuple(path.split("/"))) == place


@both
@pytest.mark.parametrize("place", ["meta.csv", "meta.tsv", "meta/any.csv", "annotations/meta.csv"])
def test_the_table_is_found_outside_its_zip(tmp_path: Path, layout: Layout, place: str) -> None:
    root = drawn(tmp_path / "set", layout, "folders")
    table = next(root.rglob("meta.csv"))
    (root / place).parent.mkdir(exist_ok=True)
    table.rename(root / place)
    assert index(root).meta == File(root / place)


def test_of_two_tables_that_differ_none_is_believed(tmp_path: Path) -> None:
    root = drawn(tmp_path / "set", V2, "archives")
    with zipfile.ZipFile(root / "meta.zip") as archive:
        archive.extract("meta.csv", root)
    found = index(root)
    assert found.meta == File(root / "meta.csv")
    (root / "meta.csv").write_text((root / "meta.csv").read_text().replace("u0", "u1"))
    with pytest.raises(BadInput, match=r"meta\.csv and .*meta\.zip/meta\.csv are different tables"):
        index(root)


def test_where_there_is_no_dataset_it_says_what_is_looked_for(tmp_path: Path) -> None:
    assert index(tmp_path).entries == ()
    for nothing in (tmp_path / "gone", tmp_path / "images.zip"):
        with pytest.raises(BadInput, match=r"is not a folder; name the one that holds images\.zip"):
            index(nothing)
    (tmp_path / "images.zip").write_bytes(b"not a zip")
    with pytest.raises(BadInput, match=r"images\.zip is not a whole zip archive"):
        index(tmp_path)


def replaced(**changes: object) -> Callable[[], list[Entry]]:
    def entries() -> list[Entry]:
        first, *rest = drawn_entries(1)
        return [*rest, Entry(**{**vars(first), **changes})]

    return entries


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        (replaced(split="valid"), "p0: the split is 'valid', not train, val, test"),
        (replaced(name="../p0"), "'../p0' cannot be the name of a file"),
        (replaced(name=".p0"), "cannot be the name"),
        (replaced(name=""), "cannot be the name"),
        (replaced(name="p0 "), "cannot be the name"),
        (replaced(name="p\udcff"), "cannot be the name"),
        (replaced(name="p1"), "the name 'p1' comes twice, in val and train"),
        (replaced(image_file=Held(b"GIF89a", "p0.gif")), r"p0\.gif is no JPEG file, as images"),
        (replaced(mask_file=Held(b"\xff\xd8\xff", "m.jpg")), r"m\.jpg is no PNG file, as annot"),
    ],
)
@pytest.mark.parametrize("archives", [True, False])
def test_what_cannot_be_written_leaves_nothing(
    tmp_path: Path, entries: Callable[[], list[Entry]], message: str, archives: bool
) -> None:
    out = tmp_path / "out"
    with pytest.raises(BadInput, match=message):
        write_dataset(entries(), out, V1, archives=archives)
    assert list(out.iterdir()) == []


@both
def test_a_dataset_is_not_written_over_another(tmp_path: Path, layout: Layout) -> None:
    write_dataset(drawn_entries(1), tmp_path, layout, archives=False)
    before = tree(tmp_path)
    with pytest.raises(OutputUnwritable, match=r"holds .*images, annotations.* already"):
        write_dataset(drawn_entries(1), tmp_path, layout)
    assert tree(tmp_path) == before


def test_other_files_of_the_folder_stay_and_progress_is_told(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    told: list[None] = []
    write_dataset(drawn_entries(), tmp_path, V2, progress=lambda: told.append(None))
    assert len(told) == 6
    assert sorted(tree(tmp_path)) == ["annotations.zip", "images.zip", "meta.zip", "notes.txt"]


def test_entries_are_taken_one_at_a_time(tmp_path: Path) -> None:
    """A dataset larger than memory goes through: no file is held on to."""
    held = 0

    class Counted(Held):
        def read(self) -> bytes:
            nonlocal held
            held += 1
            return self.data

    seen = []

    def entries() -> object:
        mask = Held(as_file(face_mask(20, 20), "PNG"))
        for i in range(3):
            seen.append(held)
            yield Entry(
                f"a{i}", "val", Counted(as_file(np.zeros((20, 20, 3), np.uint8), "JPEG")), mask
            )

    write_dataset(entries(), tmp_path, V1)
    assert seen == [0, 1, 2]


def test_both_layouts_are_listed() -> None:
    assert {*LAYOUTS} == {"v1", "v2"} == {layout.version for layout in LAYOUTS.values()}
    assert V1.suffixes == V2.suffixes == layouts.SUFFIXES
