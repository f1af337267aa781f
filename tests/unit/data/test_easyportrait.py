import logging
import pickle
import shutil
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pil

from easyportrait import EasyPortrait
from easyportrait.data.hashing import phash
from easyportrait.data.layout import LAYOUTS, V1, V2, Entry, Layout, write_dataset
from easyportrait.data.meta import FIELDS
from easyportrait.errors import BadInput, ImageUnreadable, MissingExtra, ShapeMismatch
from easyportrait.image.io import read_image, read_mask
from easyportrait.taxonomy import CLASSES
from tests.conftest import face_mask
from tests.unit.data.drawn import FORMS, Held, as_file, drawn, drawn_entries

both = pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS.keys())


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    """v1, unpacked: six pictures, three users, heights of 60 to 80 pixels and 50 wide."""
    return drawn(tmp_path / "set", V1, "folders")


@both
@pytest.mark.parametrize("form", FORMS)
def test_samples_are_what_was_drawn(tmp_path: Path, layout: Layout, form: str) -> None:
    entries = drawn_entries()
    dataset = EasyPortrait(drawn(tmp_path / "set", layout, form, entries))
    assert len(dataset) == 6 and dataset.splits == {"train": 2, "val": 2, "test": 2}
    for i, (sample, entry) in enumerate(zip(dataset, entries, strict=True)):
        assert (sample.name, sample.split) == (entry.name, entry.split)
        assert np.array_equal(sample.mask, face_mask(60 + 4 * i, 50))
        assert np.array_equal(sample.image, read_image(entry.image_file.read()))
        assert sample.image.dtype == sample.mask.dtype == np.uint8
        assert sample.meta == dict.fromkeys(FIELDS) | entry.meta


@both
def test_a_dataset_is_written_and_read_again_with_its_meta(tmp_path: Path, layout: Layout) -> None:
    once = EasyPortrait(drawn(tmp_path / "once", layout, "mixed")).completed()
    write_dataset(once, tmp_path / "twice", layout)
    twice = EasyPortrait(tmp_path / "twice")
    for a, b in zip(once, twice, strict=True):
        lost = {} if layout is V1 else {"hash": None}  # v2 has no column for it
        assert b.meta == a.meta | lost
        assert b.image_file.read() == a.image_file.read()
        assert b.mask_file.read() == a.mask_file.read()


def test_pictures_are_read_when_asked_for_and_once_a_sample(folders: Path) -> None:
    dataset = EasyPortrait(folders)
    for path in folders.rglob("*.jpg"):
        path.write_bytes(b"no picture")
    sample = dataset[0]
    assert sample.mask is sample.mask
    assert dataset[0].mask is not sample.mask
    with pytest.raises(ImageUnreadable, match=r"images/train/p0\.jpg"):
        _ = sample.image


def test_samples_stand_apart(folders: Path) -> None:
    dataset = EasyPortrait(folders)
    dataset[0].meta["user"] = "somebody else"
    assert dataset[0].meta["user"] == "u0"


def test_a_sample_shows_what_it_is(folders: Path) -> None:
    assert repr(EasyPortrait(folders)[0]) == "<Sample train/p0>"


def test_slices_and_counting_from_the_end(folders: Path) -> None:
    dataset = EasyPortrait(folders)
    assert [s.name for s in dataset[1:3]] == ["p1", "p2"]
    assert dataset[-1].name == "p5"
    assert repr(dataset[:3]) == f"<EasyPortrait {folders}: train 2, val 1>"
    with pytest.raises(IndexError):
        _ = dataset[6]


def names(dataset: EasyPortrait) -> list[str]:
    return [sample.name for sample in dataset]


def test_views_are_filtered_and_leave_the_whole_alone(folders: Path) -> None:
    dataset = EasyPortrait(folders).completed()
    assert names(dataset.where(split="val")) == ["p2", "p3"]
    assert names(dataset.where(split=["val", "test"], user="u2")) == ["p4", "p5"]
    assert names(dataset.where(user={"u0", "u2"})) == ["p0", "p1", "p4", "p5"]
    assert names(dataset.where(user="nobody")) == []
    assert names(dataset.where(split="train").where(user="u0")[1:]) == ["p1"]
    assert names(dataset.where()) == names(dataset) and len(dataset) == 6
    assert repr(dataset.where(user="nobody")).endswith("empty>")


def test_ranges_include_both_ends_and_may_be_open(tmp_path: Path) -> None:
    originals = drawn_entries()
    entries = [
        Entry(e.name, e.split, e.image_file, e.mask_file, e.meta | {"brightness": 100 + i})
        for i, e in enumerate(originals)
    ]
    dataset = EasyPortrait(drawn(tmp_path / "set", V2, "folders", entries)).completed()
    assert names(dataset.where(brightness=(101, 103))) == ["p1", "p2", "p3"]
    assert names(dataset.where(brightness=(None, 100))) == ["p0"]
    assert names(dataset.where(brightness=(105, None))) == ["p5"]
    assert len(dataset.where(size=(50, 50))) == 6  # the shorter side is 50 in all
    assert len(dataset.where(size=(51, None))) == 0


def test_filters_say_what_is_missing(folders: Path) -> None:
    dataset = EasyPortrait(folders)
    with pytest.raises(BadInput, match=r"no split 'valid'; it has train, val, test"):
        dataset.where(split="valid")
    with pytest.raises(BadInput, match=r"no split 'test'; it has train$"):
        dataset.where(split="train").where(split=["train", "test"])
    with pytest.raises(BadInput, match=r"6 pictures have no width: p0, p1, .*completed\(\) works"):
        dataset.where(size=(10, 20))
    table = folders / "annotations/meta.csv"
    table.write_text(table.read_text().replace("u1", ""))
    with pytest.raises(BadInput, match=r"2 pictures have no user: p2, p3; nothing can tell it"):
        EasyPortrait(folders).where(user="u0")


def test_what_the_table_lacks_is_worked_out(folders: Path) -> None:
    told: list[None] = []
    dataset = EasyPortrait(folders).completed(progress=lambda: told.append(None))
    assert len(told) == 6
    assert [s.meta["height"] for s in dataset] == [60, 64, 68, 72, 76, 80]
    assert {s.meta["width"] for s in dataset} == {50}
    assert {s.meta["hash"] for s in dataset} == {"00ff00ff00ff00ff"}  # as the table says
    (folders / "annotations/meta.csv").unlink()
    for sample in EasyPortrait(folders).completed():
        assert sample.meta["hash"] == phash(sample.image)


def test_the_table_is_polars(folders: Path) -> None:
    table = EasyPortrait(folders).where(split="val").table()
    assert table.columns == list(FIELDS) and table["name"].to_list() == ["p2", "p3"]


def test_without_a_table_files_tell_name_and_split_and_polars_is_not_needed(
    folders: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "polars", None)
    with pytest.raises(MissingExtra, match=r"easyportrait\[data\]"):
        EasyPortrait(folders)
    (folders / "annotations/meta.csv").unlink()
    dataset = EasyPortrait(folders)
    assert dataset[2].meta == dict.fromkeys(FIELDS) | {"name": "p2", "split": "val"}


def test_a_split_that_was_not_fetched_is_no_loss(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    root = drawn(tmp_path / "set", V1, "mixed")
    shutil.rmtree(root / "images/train")
    with caplog.at_level(logging.WARNING):
        assert EasyPortrait(root).splits == {"val": 2, "test": 2}
    assert "2 files are of a split that is there by half only: annotations/train/p0" in caplog.text


def test_losses_are_named_and_the_rest_taken_on_request(
    folders: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (folders / "images/train/p0.jpg").unlink()
    with pytest.raises(BadInput, match=r"1 files have no partner.*annotations/train/p0\.png; part"):
        EasyPortrait(folders)
    with caplog.at_level(logging.WARNING):
        assert len(EasyPortrait(folders, partial=True)) == 5
    assert "annotations/train/p0.png" in caplog.text
    (folders / "annotations/train/p0.png").unlink()
    with pytest.raises(BadInput, match=r"1 rows of the table have no picture with a mask: p0"):
        EasyPortrait(folders)


def test_pictures_without_a_row_are_named(folders: Path) -> None:
    table = folders / "annotations/meta.csv"
    table.write_text("\n".join(line for line in table.read_text().splitlines() if "p3" not in line))
    with pytest.raises(BadInput, match=r"1 pictures have no row in the table: p3"):
        EasyPortrait(folders)
    assert EasyPortrait(folders, partial=True)[3].meta["user"] is None


@pytest.mark.parametrize("partial", [True, False])
def test_contradictions_are_never_taken(folders: Path, partial: bool) -> None:
    table = folders / "annotations/meta.csv"
    whole = table.read_text()
    table.write_text(whole.replace("False,False,True", "True,False,False"))
    message = r"2 pictures are in another split in the table: p2 \(files val, table train\), p3"
    with pytest.raises(BadInput, match=message):
        EasyPortrait(folders, partial=partial)
    table.write_text(whole)
    for kind, suffix in (("images", ".jpg"), ("annotations", ".png")):
        shutil.copy(folders / kind / f"train/p0{suffix}", folders / kind / f"test/p0{suffix}")
    with pytest.raises(BadInput, match="1 names are in more than one split: p0"):
        EasyPortrait(folders, partial=partial)


def test_strays_are_counted_aloud(folders: Path, caplog: pytest.LogCaptureFixture) -> None:
    (folders / "images/train/notes.txt").write_text("words")
    with caplog.at_level(logging.WARNING):
        dataset = EasyPortrait(folders)
    assert "1 files are of no layout" in caplog.text and "notes.txt" in dataset.index.strays[0]


def test_an_empty_place_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"no picture with a mask was found$"):
        EasyPortrait(tmp_path)
    (tmp_path / "images").mkdir()
    (tmp_path / "images/a.jpg").write_bytes(b"")
    with pytest.raises(BadInput, match=r"found; 1 files do not pair or are of no layout: .*a\.jpg"):
        EasyPortrait(tmp_path)


# -- masks ---------------------------------------------------------------------------------


def with_mask(root: Path, mask: bytes, image: bytes | None = None) -> EasyPortrait:
    image = image or as_file(np.zeros((40, 30, 3), np.uint8), "JPEG")
    write_dataset([Entry("a", "val", Held(image), Held(mask))], root, V2, archives=False)
    return EasyPortrait(root)


def test_a_palette_gives_its_indices_and_not_its_colours(tmp_path: Path) -> None:
    mask = face_mask(40, 30)
    picture = Pil.fromarray(mask).convert("P")
    picture.putdata(mask.ravel().tolist())
    picture.putpalette(CLASSES.palette.tobytes())
    assert np.array_equal(with_mask(tmp_path, as_file(picture, "PNG"))[0].mask, mask)


def test_a_mask_of_another_size_is_an_error_whichever_is_read_first(tmp_path: Path) -> None:
    dataset = with_mask(tmp_path, as_file(face_mask(30, 40), "PNG"))
    message = r"val/a: the picture is \(40, 30\) \(height, width\) and its mask \(30, 40\)"
    first, second = dataset[0], dataset[0]
    _ = first.image, second.mask
    with pytest.raises(ShapeMismatch, match=message):
        _ = first.mask
    with pytest.raises(ShapeMismatch, match=message):
        _ = second.image


def test_a_mask_covers_the_upright_picture(tmp_path: Path) -> None:
    exif = Pil.Exif()
    exif[0x0112] = 8
    lying = as_file(np.zeros((30, 40, 3), np.uint8), "JPEG", exif=exif)
    sample = with_mask(tmp_path, as_file(face_mask(40, 30), "PNG"), lying)[0]
    assert sample.image.shape == (40, 30, 3) and sample.mask.shape == (40, 30)


def test_a_mask_in_colours_is_refused(tmp_path: Path) -> None:
    coloured = CLASSES.colour(face_mask(40, 30))
    with pytest.raises(ShapeMismatch, match=r"val/a\.png: a mask is one channel .*got RGB"):
        _ = with_mask(tmp_path, as_file(coloured, "PNG"))[0].mask


# -- sharing -------------------------------------------------------------------------------


def test_threads_and_other_processes_read_the_same(tmp_path: Path) -> None:
    dataset = EasyPortrait(drawn(tmp_path / "set", V1, "archives"))
    copy = pickle.loads(pickle.dumps(dataset))
    order = [i % 6 for i in range(60)]
    with ThreadPoolExecutor(8) as pool:
        masks = list(pool.map(lambda i: copy[i].mask, order))
    assert all(np.array_equal(mask, dataset[i].mask) for i, mask in zip(order, masks, strict=True))


def test_a_damaged_member_is_named_and_others_are_read(tmp_path: Path) -> None:
    root = drawn(tmp_path / "set", V2, "archives")
    with zipfile.ZipFile(root / "annotations.zip") as archive:
        spot = archive.getinfo("train/p1.png").header_offset + 100
    data = bytearray((root / "annotations.zip").read_bytes())
    data[spot] ^= 255
    (root / "annotations.zip").write_bytes(data)
    dataset = EasyPortrait(root)
    assert np.array_equal(dataset[0].mask, read_mask(dataset[0].mask_file.read()))
    with pytest.raises(BadInput, match=r"annotations\.zip/train/p1\.png is damaged"):
        _ = dataset[1].mask
