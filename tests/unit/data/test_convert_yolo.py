from pathlib import Path

import cv2
import numpy as np
import pytest

from easyportrait.data.convert import convert
from easyportrait.data.convert.samples import How, Notes
from easyportrait.data.convert.yolo import class_names
from easyportrait.errors import BadInput, SomeFailed
from tests.unit.data.foreign import hard_masks, mask_of, put, source, there


def labels(root: Path, text: str, names: str = "names: [person, skin, hand]") -> Path:
    """A picture of 8 x 10 pixels with its polygons."""
    put(root / "images/train/a.jpg", np.zeros((8, 10, 3), np.uint8))
    (root / "labels/train").mkdir(parents=True)
    (root / "labels/train/a.txt").write_text(text)
    (root / "data.yaml").write_text(names)
    return root


def test_loaders_that_cut_coordinates_find_the_same_pixels(tmp_path: Path) -> None:
    """As Ultralytics draws a label file at the picture's own size; faces only, not noise."""
    convert(source(tmp_path / "source"), tmp_path / "yolo", "easyportrait-v1", "yolo-seg")
    for split, name, i in (("train", "p0", 0), ("test", "p5", 5), ("val", "p3", 3)):
        mask = hard_masks()[i]
        found = np.zeros_like(mask)
        for line in (tmp_path / f"yolo/labels/{split}/{name}.txt").read_text().splitlines():
            number, *shares = line.split()
            points = np.array(shares, float).reshape(-1, 2) * mask.shape[::-1]
            cv2.fillPoly(found, [points.astype(np.int32)], int(number) + 1)
        assert np.array_equal(found, np.where(mask == 255, 0, mask))


def test_unknown_pixels_become_background_and_are_counted(tmp_path: Path) -> None:
    notes = Notes()
    original = source(tmp_path / "source")
    convert(original, tmp_path / "yolo", "easyportrait-v1", "yolo-seg", notes=notes)
    unknown = sum(int((mask == 255).sum()) for mask in hard_masks())
    assert unknown == sum(n for what, n in notes.counts.items() if "are background now" in what)


def test_polygons_of_foreign_classes_are_unknown_or_told_by_a_table(tmp_path: Path) -> None:
    text = "2 0.5 0.5 1 0.5 1 1 0.5 1\n0 0 0 1 0 1 1 0 1\n\n1 0 0 .5 0 .5 .5 0 .5\n"
    root = labels(tmp_path / "yolo", text)
    out, notes = there(root, "yolo-seg", tmp_path / "out")
    mask = mask_of(out, "a")
    assert (mask[:4, :5] == 2).all() and (mask[4:, 5:] == 255).all()
    assert (mask[4:, :5] == 1).all()
    assert notes.counts["polygons are of 'hand', none of our classes: 255"] == 1
    table = tmp_path / "table.toml"
    table.write_text('hand = "person"')
    out, _ = there(root, "yolo-seg", tmp_path / "told", How(table=table))
    assert (mask_of(out, "a")[4:] == 1).all()


def test_without_a_class_of_persons_nothing_is_known_to_be_background(tmp_path: Path) -> None:
    root = labels(tmp_path / "yolo", "0 0 0 .5 0 .5 .5", "names: [lips]")
    out, _ = there(root, "yolo-seg", tmp_path / "out")
    assert set(np.unique(mask_of(out, "a"))) == {7, 255}


@pytest.mark.parametrize(
    "text",
    [
        "names: [person, 'left eye']",
        'path: x  # names: no\nnames: ["person",\n  left eye]\nnc: 2',
        "nc: 2\nnames:\n  0: person\n  1: left eye # theirs\ntrain: x",
        "names:\n- person\n- 'left eye'\n",
        "names:\n    - person\n    - left eye",
        "names: {0: person, 1: left eye}",
        "\ufeffnames: {0: person, 1: left eye}",
    ],
)
def test_names_are_read_in_every_shape(tmp_path: Path, text: str) -> None:
    (tmp_path / "data.yaml").write_text(text, encoding="utf-8")
    assert class_names(tmp_path / "data.yaml") == {0: "person", 1: "left eye"}


@pytest.mark.parametrize("text", ["", "nc: 2", "names: person", "names: []", "names: {a: b}"])
def test_without_names_nothing_is_guessed(tmp_path: Path, text: str) -> None:
    (tmp_path / "data.yaml").write_text(text)
    with pytest.raises(BadInput, match="has no names of classes"):
        class_names(tmp_path / "data.yaml")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0 .1 .1 .2 .2", "line 1: a class and three points or more are wanted, got 4 numbers"),
        ("0 .1 .1 .2 .2 .3 .3\n0 .1 .1 .2 .2 .3 .3 .4", "line 2: .* got 7 numbers"),
        ("0 a b c d e f", "line 1: not numbers"),
        ("7 0 0 1 0 1 1", "data.yaml has no class 7"),
        ("0 0 0 1 0 1 nan", "line 1"),
    ],
)
def test_a_line_that_is_no_polygon_is_named(tmp_path: Path, text: str, message: str) -> None:
    root = labels(tmp_path / "yolo", text)
    with pytest.raises(SomeFailed, match=f"train/a: .*a.txt.*{message}|{message}"):
        there(root, "yolo-seg", tmp_path / "out")


def test_a_byte_order_mark_is_no_part_of_a_line(tmp_path: Path) -> None:
    root = labels(tmp_path / "yolo", "")
    (root / "labels/train/a.txt").write_text("0 0 0 1 0 1 1 0 1\n", encoding="utf-8-sig")
    out, _ = there(root, "yolo-seg", tmp_path / "out")
    assert (mask_of(out, "a") == 1).all()
