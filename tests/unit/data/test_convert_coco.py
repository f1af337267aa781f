import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pycocotools.coco import COCO

from easyportrait import EasyPortrait
from easyportrait.data.convert import convert, streamed
from easyportrait.data.convert.layers import NAMES, PRECEDENCE
from easyportrait.data.convert.samples import How, Notes
from easyportrait.data.convert.streamed import pieces
from easyportrait.errors import BadInput, SomeFailed
from easyportrait.taxonomy import CLASSES
from tests.unit.data.foreign import hard_masks, mask_of, put, source, there

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def square(left: int, top: int, right: int, bottom: int) -> list[float]:
    return [left, top, right, top, right, bottom, left, bottom]


def instances(
    root: Path,
    annotations: list[dict[str, Any]],
    categories: dict[int, str] | None = None,
    where: str = "annotations/instances_train.json",
    image: str = "train/a.jpg",
    **row: Any,
) -> Path:
    """A picture of 8 x 10 pixels and its annotations."""
    categories = {1: "person", 2: "skin", 3: "teeth"} if categories is None else categories
    put(root / image, np.zeros((8, 10, 3), np.uint8))
    images = [{"id": 5, "file_name": "a.jpg", "height": 8, "width": 10} | row]
    path = root / where
    path.parent.mkdir(parents=True, exist_ok=True)
    whole = {
        "info": {"description": "drawn", "list": [1, [2]]},
        "images": images,
        "categories": [{"id": i, "name": name} for i, name in categories.items()],
        "annotations": [{"image_id": 5, "iscrowd": 0} | row for row in annotations],
    }
    path.write_text(json.dumps(whole, ensure_ascii=False), encoding="utf-8")
    return root


PERSON = {"category_id": 1, "segmentation": [square(1, 1, 9, 7)]}
SKIN = {"category_id": 2, "segmentation": [square(2, 2, 6, 6)]}
TEETH = {"category_id": 3, "segmentation": {"size": [8, 10], "counts": [27, 2, 51]}}


def converted(root: Path, tmp_path: Path, how: How | None = None) -> tuple[np.ndarray, Notes]:
    out, notes = there(root, "coco", tmp_path / "out", how)
    return mask_of(out, "a"), notes


def test_pycocotools_reads_what_is_written(tmp_path: Path) -> None:
    convert(source(tmp_path / "source"), tmp_path / "coco", "easyportrait-v1", "coco")
    for split, masks in (("train", hard_masks()[:2]), ("test", hard_masks()[4:])):
        theirs = COCO(tmp_path / f"coco/annotations/instances_{split}.json")
        assert [c["name"] for c in theirs.loadCats(theirs.getCatIds())] == [
            *CLASSES.names[1:],
            "unknown",
        ]
        for image, mask in zip(theirs.loadImgs(theirs.getImgIds()), masks, strict=True):
            found = np.zeros_like(mask)
            for row in theirs.loadAnns(theirs.getAnnIds(imgIds=image["id"])):
                bits = theirs.annToMask(row).astype(bool)
                assert not found[bits].any() and row["area"] == bits.sum()
                assert row["iscrowd"] == (row["category_id"] == 255)
                x, y, width, height = row["bbox"]
                assert bits[y : y + height, x : x + width].sum() == row["area"]
                assert bits[y].any() and bits[:, x].any()
                found[bits] = row["category_id"]
            assert np.array_equal(found, mask)


def test_pycocotools_reads_polygons_that_lie_over_each_other(tmp_path: Path) -> None:
    convert(source(tmp_path / "source"), tmp_path / "coco", "easyportrait-v1", "coco-polygons")
    theirs = COCO(tmp_path / "coco/annotations/instances_train.json")
    for image, mask in zip(theirs.loadImgs(theirs.getImgIds()), hard_masks()[:2], strict=True):
        found = np.zeros_like(mask)
        rows = theirs.loadAnns(theirs.getAnnIds(imgIds=image["id"]))
        for row in sorted(rows, key=lambda row: PRECEDENCE.index(NAMES[row["category_id"]])):
            bits = theirs.annToMask(row).astype(bool)
            assert row["area"] == bits.sum() and row["iscrowd"] == (row["category_id"] == 255)
            found[bits] = row["category_id"]
        assert np.array_equal(found, mask)


def test_what_is_known_of_a_picture_survives(tmp_path: Path) -> None:
    original = source(tmp_path / "source")
    convert(original, tmp_path / "coco", "easyportrait-v1", "coco")
    back, _ = there(tmp_path / "coco", "coco", tmp_path / "back")
    assert [s.meta["user"] for s in EasyPortrait(back)] == ["u0", "u0", "u1", "u1", "u2", "u2"]
    assert {s.meta["brightness"] for s in EasyPortrait(back)} == {99}


@pytest.mark.parametrize("rows", [[PERSON, SKIN, TEETH], [TEETH, SKIN, PERSON]])
def test_small_parts_lie_over_large_ones_in_whatever_order_they_stand(
    tmp_path: Path, rows: list[dict[str, Any]]
) -> None:
    mask, notes = converted(instances(tmp_path / "coco", rows), tmp_path)
    expected = np.zeros((8, 10), np.uint8)
    expected[1:7, 1:9], expected[2:6, 2:6], expected[3:5, 3] = 1, 2, 8
    assert np.array_equal(mask, expected)
    assert notes.counts["pixels are not known: 255"] == 0


def test_foreign_categories_are_unknown_and_counted_or_told_by_a_table(tmp_path: Path) -> None:
    rows = [PERSON, {"category_id": 4, "segmentation": [square(0, 0, 3, 3)]}]
    root = instances(tmp_path / "coco", rows, {1: "person", 4: "face (ÉÜ)"})
    mask, notes = converted(root, tmp_path)
    assert (mask[:3, :3] == 255).all() and mask[3, 3] == 1
    assert notes.counts["annotations are of the category 'face (ÉÜ)', none of our classes: 255"]
    table = tmp_path / "table.json"
    table.write_text('{"face (ÉÜ)": "skin"}', encoding="utf-8")
    mask, notes = converted(root, tmp_path / "told", How(table=table))
    assert (mask[1:3, 1:3] == 2).all() and 255 not in mask


def test_what_nothing_covers_is_unknown_where_nobody_labels_persons(tmp_path: Path) -> None:
    mask, _ = converted(instances(tmp_path / "coco", [TEETH], {3: "teeth"}), tmp_path)
    assert (mask == 8).sum() == 2 and (mask == 255).sum() == 78


@pytest.mark.parametrize(
    ("where", "image", "split"),
    [
        ("annotations/instances_val2017.json", "val2017/a.jpg", "val"),
        ("annotations/instances_test.json", "images/test/a.jpg", "test"),
        ("valid/_annotations.coco.json", "valid/a.jpg", "val"),
        ("annotations/instances_default.json", "images/a.jpg", "train"),
        ("test.json", "a.jpg", "test"),
    ],
)
def test_pictures_are_found_where_people_have_them(
    tmp_path: Path, where: str, image: str, split: str
) -> None:
    root = instances(tmp_path / "coco", [PERSON], where=where, image=image)
    (root / "person_keypoints_train.json").write_text("{}")
    out, notes = there(root, "coco", tmp_path / "out")
    assert (mask_of(out, "a", split) == 1).sum() == 48
    assert "person_keypoints_train.json was left alone" in notes.remarks[0]


@pytest.mark.parametrize(
    ("segmentation", "message"),
    [
        (None, "a box alone says of no pixel"),
        ([], "a box alone says of no pixel"),
        ([[1, 2, 3, 4]], "three points or more"),
        ([[1, 2, 3, 4, 5, "x"]], "three points or more"),
        ([[1, 2, 3, 4, 5]], "three points or more"),
        ([[1, 2, 3, 4, 5, 10**400]], "three points or more"),
        ([[1, 2, 3, 4, 5, 1e9]], r"reaches 1e\+09 pixels, in a picture of 10 x 8"),
        ({"size": [10, 8], "counts": "0"}, r"of size \[10, 8\]"),
    ],
)
def test_an_annotation_that_is_no_mask_names_its_picture(
    tmp_path: Path, segmentation: Any, message: str
) -> None:
    rows = [PERSON, {"category_id": 2, "segmentation": segmentation}]
    with pytest.raises(SomeFailed, match=f"train/a: .*{message}"):
        converted(instances(tmp_path / "coco", rows), tmp_path)


def test_a_file_that_says_another_size_than_its_picture_is_refused(tmp_path: Path) -> None:
    root = instances(tmp_path / "coco", [], width=11)
    with pytest.raises(SomeFailed, match=r"the picture is \(8, 10\).*its mask \(8, 11\)"):
        converted(root, tmp_path)
    root = instances(tmp_path / "coco", [], width=10**9)
    with pytest.raises(SomeFailed, match="says that it is 1000000000 x 8 pixels"):
        converted(root, tmp_path / "vast")


@pytest.mark.parametrize("name", ["../secret.jpg", "/etc/passwd", "gone.jpg", f"{'a' * 300}.jpg"])
def test_a_name_that_leads_elsewhere_is_not_followed(tmp_path: Path, name: str) -> None:
    put(tmp_path / "secret.jpg", np.zeros((8, 10, 3), np.uint8))
    root = instances(tmp_path / "coco", [], file_name=name)
    with pytest.raises(BadInput, match=f"picture '{name}' is not there"):
        converted(root, tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"id": 5', '"id": "5"', "images: id is '5', not int"),
        ('"category_id": 1', '"category_id": 9', "the category 9 is not listed"),
        ('"image_id": 5', '"image_id": 6', "of the image 6, which is not there"),
        ('"annotations": [{', '"annotations": [7, {', "annotations are objects, got 7"),
        (
            '"images": [',
            '"images": [{"id": 5, "file_name": "b.jpg", "height": 8, "width": 10}, ',
            "images have the id 5 twice",
        ),
        ('"id": 2', '"id": 1', "categories have the id 1 twice"),
        ('"name": "person"', '"nom": "person"', "categories: name is None, not str"),
        ("}]}", "}]", "no JSON: ',' is wanted, not 'the end'"),
        ('{"info"', '["info"', "no JSON: '{' is wanted, not '\\['"),
    ],
)
def test_a_damaged_file_says_where(tmp_path: Path, old: str, new: str, message: str) -> None:
    root = instances(tmp_path / "coco", [PERSON])
    path = root / "annotations/instances_train.json"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises((BadInput, SomeFailed), match=rf"instances_train\.json.*{message}"):
        converted(root, tmp_path)


def test_a_file_is_read_piece_by_piece(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streamed, "CHUNK", 3)
    whole = {"a": [1, [2, "ö]}"], {}], "b": {"c": None}, "é": [], "d": 12.5}
    for indent in (None, 2):
        path = tmp_path / "x.json"
        text = json.dumps(whole, indent=indent, ensure_ascii=False)
        path.write_bytes(b"\xef\xbb\xbf" + text.encode())
        found = [*pieces(path)]
        assert [piece[:2] for piece in found] == [
            ("a", 1), ("a", [2, "ö]}"]), ("a", {}), ("b", {"c": None}), ("d", 12.5),
        ]  # fmt: skip
        for _, value, start, end in found:
            assert json.loads(path.read_bytes()[start:end]) == value


@pytest.mark.parametrize("target", ["parquet", "easyportrait-v1"])
def test_what_no_table_could_hold_is_left_out_and_counted(tmp_path: Path, target: str) -> None:
    root = instances(tmp_path / "coco", [PERSON], user=17, hash=[1], brightness="dark")
    notes = Notes()
    convert(root, tmp_path / "out", "coco", target, notes=notes)
    assert notes.counts["pictures have a hash that is none: left out"] == 1
    assert notes.counts["pictures have a brightness that is none: left out"] == 1
    convert(tmp_path / "out", tmp_path / "back", target, "coco")
    (row,) = json.loads((tmp_path / "back/annotations/instances_train.json").read_text())["images"]
    assert row["user"] == "17" and not {"hash", "brightness"} & row.keys()
