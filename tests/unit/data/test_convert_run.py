import shutil
import threading
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pil

from easyportrait.data.convert import convert, run
from easyportrait.data.convert.run import read_ahead, without_repeats
from easyportrait.data.convert.samples import Found, How, Labelled, Notes
from easyportrait.errors import BadInput, OutputUnwritable, SomeFailed
from easyportrait.image.io import read_image
from tests.conftest import face_mask
from tests.unit.data.drawn import Held, as_file
from tests.unit.data.foreign import hard_masks, mask_of, put, source, there

PICTURE = as_file(np.zeros((6, 5, 3), np.uint8), "JPEG")


def found(name: str, split: str = "train", shape: tuple[int, int] = (6, 5)) -> Found:
    return Found(name, split, Held(PICTURE), lambda notes: np.zeros(shape, np.uint8))


def test_few_samples_are_in_memory_however_many_there_are() -> None:
    lock, begun = threading.Lock(), 0

    def counted(notes: Notes) -> np.ndarray:
        nonlocal begun
        with lock:
            begun += 1
        return np.zeros((6, 5), np.uint8)

    many = (Found(f"p{i}", "train", Held(PICTURE), counted) for i in range(200))
    for done, _ in enumerate(read_ahead(many, How())):
        assert begun <= done + run.AHEAD + 1
    assert begun == 200


def test_samples_come_in_order_and_failures_with_them() -> None:
    results = [*read_ahead([found("a"), found("b", shape=(5, 6)), found("c")], How())]
    assert [str(one) for one, _ in results] == ["train/a", "train/b", "train/c"]
    assert "the picture is (6, 5)" in str(results[1][1]) and "its mask (5, 6)" in str(results[1][1])


def test_a_name_twice_is_lost_even_in_two_splits() -> None:
    notes = Notes()
    kept = without_repeats([found("a"), found("a", "val"), found(".b"), found("c/d")], notes)
    assert [one.name for one in kept] == ["a"]
    assert "val/a: the name 'a' comes twice" in notes.lost[0]
    assert len(notes.lost) == 3


@pytest.mark.parametrize("name", ["a\udcff", "a\x01b", "a\x7f", "a\n"])
def test_a_name_that_is_no_text_is_lost(name: str) -> None:
    notes = Notes()
    assert [one.name for one in without_repeats([found("a"), found(name)], notes)] == ["a"]
    assert "cannot be the name of a file in a dataset" in notes.lost[0]


def test_what_a_killed_run_left_is_no_obstacle_and_goes(tmp_path: Path) -> None:
    root, out = source(tmp_path / "set"), tmp_path / "out"
    (out / ".123-0123abcd.part/images").mkdir(parents=True)
    convert(root, out, "easyportrait-v1", "mmseg-joint")
    assert sorted(path.name for path in out.iterdir()) == ["ann_dir", "img_dir"]
    other = tmp_path / "other"
    (other / ".mine.part").mkdir(parents=True)
    with pytest.raises(OutputUnwritable, match="not empty"):
        convert(root, other, "easyportrait-v1", "mmseg-joint")


def test_a_picture_that_is_no_jpeg_becomes_one_aloud(tmp_path: Path) -> None:
    mask = face_mask(24, 20)
    put(tmp_path / "set/img_dir/train/a.png", np.full((24, 20, 3), 200, np.uint8))
    put(tmp_path / "set/ann_dir/train/a.png", mask)
    out, notes = there(tmp_path / "set", "mmseg-joint", tmp_path / "out")
    assert (read_image(out / "images/train/a.jpg") == 200).all()
    assert np.array_equal(mask_of(out, "a"), mask)
    assert notes.counts["pictures were not JPEG and are now, at quality 92"] == 1


def test_a_mask_covers_the_upright_picture_or_is_refused(tmp_path: Path) -> None:
    exif = Pil.Exif()
    exif[0x0112] = 6
    lying = as_file(np.zeros((20, 24, 3), np.uint8), "JPEG", exif=exif)
    put(tmp_path / "set/ann_dir/train/a.png", face_mask(24, 20))
    (tmp_path / "set/img_dir/train").mkdir(parents=True)
    (tmp_path / "set/img_dir/train/a.jpg").write_bytes(lying)
    out, _ = there(tmp_path / "set", "mmseg-joint", tmp_path / "out")
    assert (out / "images/train/a.jpg").read_bytes() == lying
    put(tmp_path / "set/ann_dir/train/a.png", face_mask(20, 24))
    with pytest.raises(SomeFailed, match="after its EXIF orientation"):
        there(tmp_path / "set", "mmseg-joint", tmp_path / "again")


def test_values_that_mean_nothing_become_unknown_and_are_counted(tmp_path: Path) -> None:
    mask = face_mask(24, 20)
    mask[0, :4] = 9
    put(tmp_path / "set/img_dir/train/a.jpg", np.zeros((24, 20, 3), np.uint8))
    put(tmp_path / "set/ann_dir/train/a.png", mask)
    out, notes = there(tmp_path / "set", "mmseg-joint", tmp_path / "out")
    assert (mask_of(out, "a")[0, :4] == 255).all()
    what = "pixels have the easyportrait value 9, which is none of our classes: 255"
    assert notes.counts[what] == 4 and notes.counts["pixels are not known: 255"] == 4


def test_files_without_a_partner_are_named_before_anything_is_written(tmp_path: Path) -> None:
    for name in ("a", "b", "d"):
        put(tmp_path / f"set/img_dir/train/{name}.jpg", np.zeros((24, 20, 3), np.uint8))
    for name in ("b", "c", "d"):
        put(tmp_path / f"set/ann_dir/train/{name}.png", face_mask(24, 20))
    put(tmp_path / "set/img_dir/train/b.png", np.zeros((24, 20, 3), np.uint8))
    notes = Notes()
    with pytest.raises(SomeFailed, match="nothing was written"):
        convert(tmp_path / "set", tmp_path / "out", "mmseg-joint", "mmseg-ps", notes=notes)
    assert not (tmp_path / "out").exists()
    told = " ".join(notes.lost)
    assert "a.jpg has no mask of its name and split in ann_dir/" in told
    assert "c.png has no picture of its name and split in img_dir/" in told
    assert "have the same name and split" in told and len(notes.lost) == 3
    with pytest.raises(SomeFailed, match="the other 1 samples"):  # of two b, neither is sure
        convert(tmp_path / "set", tmp_path / "out", "mmseg-joint", "mmseg-ps", partial=True)
    assert [path.stem for path in (tmp_path / "out").rglob("*.jpg")] == ["d"]


def test_a_writer_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def write(samples: Iterable[Labelled], out: Path, how: How, notes: Notes) -> None:
        (out / "half").write_text("half")
        next(iter(samples))
        raise OSError(28, "No space left on device")

    with pytest.raises(OutputUnwritable, match=r"out cannot be written: No space left"):
        run.transfer(
            tmp_path, tmp_path / "out", [found("a"), found("b")], write, How(), Notes(),
            partial=False, progress=lambda done, total: None,
        )  # fmt: skip
    assert not any((tmp_path / "out").iterdir())


def test_a_split_is_asked_for_where_no_folder_tells(tmp_path: Path) -> None:
    put(tmp_path / "set/img_dir/a.jpg", np.zeros((24, 20, 3), np.uint8))
    put(tmp_path / "set/ann_dir/a.png", face_mask(24, 20))
    out, _ = there(tmp_path / "set", "mmseg-joint", tmp_path / "out", How("test"))
    assert (mask_of(out, "a", "test") == face_mask(24, 20)).all()


def test_a_zip_is_read_as_a_folder(tmp_path: Path) -> None:
    convert(source(tmp_path / "set"), tmp_path / "zips", "easyportrait-v1", "easyportrait-v2")
    assert (tmp_path / "zips/images.zip").exists()
    convert(tmp_path / "zips", tmp_path / "mmseg", "easyportrait-v2", "mmseg-joint")
    shutil.make_archive(str(tmp_path / "mmseg"), "zip", tmp_path / "mmseg")
    out, _ = there(tmp_path / "mmseg.zip", "mmseg-joint", tmp_path / "out")
    assert (mask_of(out, "p0") == hard_masks()[0]).all()


def test_what_has_no_place_is_counted(tmp_path: Path) -> None:
    notes = Notes()
    convert(source(tmp_path / "set"), tmp_path / "out", "easyportrait-v1", "mmseg-fp", notes=notes)
    assert notes.counts["pictures have a user, for which there is no place"] == 6
    assert notes.counts["pictures have a hash, for which there is no place"] == 0


@pytest.mark.parametrize(
    ("source_name", "target", "how", "message"),
    [
        ("voc", "coco", How(), "'voc' is no format that is read; those are easyportrait-v1, "),
        ("coco", "lapa", How(), "'lapa' is no format that is written; those are easyp"),
        ("lapa", "coco", How(table=Path("t.toml")), "lapa takes no table"),
        ("lapa", "coco", How(archives=False), "coco is written as folders in any case"),
        ("lapa", "coco", How("valid"), "the split is 'valid', not train, val, test"),
        ("lapa", "coco", How(), "holds no picture with a mask of lapa: <split>/images/NAME"),
        ("coco", "coco", How(), r"holds no instances_<split>\.json"),
        ("yolo-seg", "coco", How(), r"data\.yaml cannot be read: No such file"),
        ("celebamask-hq", "coco", How(), "CelebAMask-HQ-mask-anno"),
    ],
)
def test_what_cannot_be_done_is_said_before_it_begins(
    tmp_path: Path, source_name: str, target: str, how: How, message: str
) -> None:
    (tmp_path / "set").mkdir()
    with pytest.raises(BadInput, match=message):
        convert(tmp_path / "set", tmp_path / "out", source_name, target, how)
    assert not (tmp_path / "out").exists()


def test_a_source_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"gone does not exist"):
        convert(tmp_path / "gone", tmp_path / "out", "lapa", "coco")


def test_every_file_without_a_partner_and_every_row_without_a_picture_is_named(
    tmp_path: Path,
) -> None:
    root = source(tmp_path / "set")
    (root / "images/train/p0.jpg").unlink()
    (root / "images/test/p5.jpg").unlink()
    (root / "annotations/test/p5.png").unlink()
    table = root / "annotations/meta.csv"
    table.write_text("\n".join(line for line in table.read_text().splitlines() if "p3" not in line))
    notes = Notes()
    with pytest.raises(SomeFailed, match="the other 4 samples"):
        convert(root, tmp_path / "out", "easyportrait-v1", "mmseg-ps", partial=True, notes=notes)
    assert [line.removeprefix(f"{root}: ") for line in notes.lost] == [
        "annotations/train/p0.png has no partner of the same name and split",
        "the table has train/p0, of which there is no picture with a mask",
        "the table has test/p5, of which there is no picture with a mask",
    ]
    assert notes.remarks == ["1 pictures have no row in the table: p3"]
