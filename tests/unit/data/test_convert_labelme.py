import base64
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from easyportrait.data.convert import convert
from easyportrait.data.convert.samples import How, Notes
from easyportrait.errors import BadInput, SomeFailed
from tests.unit.data.drawn import as_file
from tests.unit.data.foreign import mask_of, put, source, there


def shape(label: str, kind: str | None, points: Any, **more: Any) -> dict[str, Any]:
    told = {"label": label, "points": points, "group_id": None, "flags": {}}
    return told | ({} if kind is None else {"shape_type": kind}) | more


PERSON = shape("person", "rectangle", [[9, 7], [1, 1]])
SKIN = shape("skin", None, [[2, 2], [6, 2], [6, 6], [2, 6]])  # old files do not name polygons
PIXELS = base64.b64encode(as_file(np.array([[0, 1], [1, 0]], np.uint8), "PNG")).decode()
TEETH = shape("teeth", "mask", [[3, 3], [4, 4]], mask=PIXELS)


def labelled(root: Path, *shapes: dict[str, Any], name: str = "a", **more: Any) -> Path:
    """A picture of 8 x 10 pixels and what LabelMe says of it."""
    put(root / f"{name}.jpg", np.zeros((8, 10, 3), np.uint8))
    told = {
        "version": "5.5.0", "flags": {}, "shapes": [*shapes], "imagePath": f"{Path(name).name}.jpg",
        "imageData": "bm8gcGljdHVyZQ==", "imageHeight": 8, "imageWidth": 10,
    }  # fmt: skip
    (root / f"{name}.json").write_text(json.dumps(told | more), encoding="utf-8")
    return root


def converted(root: Path, tmp_path: Path, how: How | None = None) -> tuple[np.ndarray, Notes]:
    out, notes = there(root, "labelme", tmp_path / "out", how)
    return mask_of(out, "a"), notes


@pytest.mark.parametrize("shapes", [[PERSON, SKIN, TEETH], [TEETH, SKIN, PERSON]])
def test_shapes_of_every_kind_lie_over_each_other_by_class(
    tmp_path: Path, shapes: list[dict[str, Any]]
) -> None:
    mask, notes = converted(labelled(tmp_path / "set", *shapes), tmp_path)
    expected = np.zeros((8, 10), np.uint8)
    expected[1:7, 1:9], expected[2:6, 2:6] = 1, 2
    expected[3, 4] = expected[4, 3] = 8
    assert np.array_equal(mask, expected)
    assert notes.counts["pixels are not known: 255"] == 0


def test_the_order_decides_on_request(tmp_path: Path) -> None:
    """Hair over a face: a polygon of a person that was drawn after the skin's."""
    hair = shape("person", "polygon", [[2, 2], [6, 2], [6, 3], [2, 3]])
    root = labelled(tmp_path / "set", PERSON, SKIN, hair)
    mask, _ = converted(root, tmp_path / "by class")
    assert (mask[2:6, 2:6] == 2).all()
    mask, _ = converted(root, tmp_path / "by order", How(later_wins=True))
    assert (mask[2, 2:6] == 1).all() and (mask[3:6, 2:6] == 2).all()


def test_circles_and_turned_rectangles_are_areas(tmp_path: Path) -> None:
    circle = shape("left_eye", "circle", [[5, 4], [5, 6]])
    turned = shape("skin", "oriented_rectangle", [[5, 0], [9, 4], [5, 8], [1, 4]])
    mask, _ = converted(labelled(tmp_path / "set", PERSON, circle, turned), tmp_path)
    assert (mask == 5).sum() == 12 and (mask[3:5, 3:7] == 5).all()
    assert mask[2, 3] == 2 and mask[1, 1] == 1 and (mask == 2).sum() == 20


def test_points_and_lines_are_counted(tmp_path: Path) -> None:
    lines = [shape("x", kind, [[1, 1], [2, 2]]) for kind in ("line", "linestrip", "points")]
    mask, notes = converted(labelled(tmp_path / "set", PERSON, *lines), tmp_path)
    assert (mask == 1).sum() == 48
    told = "shapes are points or lines, which cover no area, and were left alone"
    assert notes.counts[told] == 3


@pytest.mark.parametrize("path", ["a.jpg", "..\\pictures\\a.jpg", "../pictures/a.jpg", "/x/a.jpg"])
def test_a_picture_is_found_by_its_name_wherever_its_path_led(tmp_path: Path, path: str) -> None:
    mask, _ = converted(labelled(tmp_path / "set", PERSON, imagePath=path), tmp_path)
    assert (mask == 1).sum() == 48


def test_the_picture_beside_the_file_is_meant_and_its_folder_tells_the_split(
    tmp_path: Path,
) -> None:
    root = labelled(tmp_path / "set", PERSON, name="train/a")
    labelled(root, name="val/b", imagePath="b.jpg")
    put(root / "b.jpg", np.zeros((3, 3, 3), np.uint8))
    shutil.make_archive(str(tmp_path / "set"), "zip", root)
    for src in (root, tmp_path / "set.zip"):
        out, _ = there(src, "labelme", tmp_path / f"out{src.suffix}")
        assert (mask_of(out, "a") == 1).sum() == 48
        assert (mask_of(out, "b", "val") == 0).all()


def test_labels_that_are_not_ours_are_all_named_or_told_by_a_table(tmp_path: Path) -> None:
    shapes = [PERSON, SKIN | {"label": "mouth"}, TEETH | {"label": "hat"}]
    root = labelled(tmp_path / "set", *shapes)
    with pytest.raises(BadInput, match=r"none of our classes: 'hat', 'mouth'\."):
        converted(root, tmp_path)
    table = tmp_path / "table.toml"
    table.write_text('mouth = "lips"\n"*" = "unknown"')
    mask, notes = converted(root, tmp_path, How(table=table))
    assert (mask == 7).sum() == 14 and (mask == 255).sum() == 2
    assert notes.counts["shapes are labelled 'hat', none of our classes: 255"] == 1


def test_what_nothing_covers_is_background_only_where_persons_are_labelled(tmp_path: Path) -> None:
    mask, _ = converted(labelled(tmp_path / "set", TEETH), tmp_path / "used")
    assert (mask == 255).sum() == 78
    (tmp_path / "set/labels.txt").write_text("__ignore__\n_background_\nperson\nbeard\n")
    mask, _ = converted(tmp_path / "set", tmp_path / "listed")
    assert (mask == 0).sum() == 78


@pytest.mark.parametrize(
    ("told", "message"),
    [
        (shape("skin", "polygon", [[1, 2], [3, 4]]), "three points or more"),
        (shape("skin", "circle", [[1, 2]]), "a circle has two points"),
        (shape("skin", "circle", [[1, 2], [1, float("inf")]]), "three points or more"),
        (shape("skin", "rectangle", None), "a rectangle has two points"),
        (shape("skin", "rectangle", [[10**400, 0], [1, 1]]), "a rectangle has two points"),
        (shape("skin", "mask", [[3, 3], [4, 4]]), "a mask is a PNG in base64"),
        (shape("skin", "mask", [[3, 3], [4, 4]], mask="AA=="), "is not a picture"),
        (shape("skin", "mask", [[9, 9], [4, 4]], mask=PIXELS), "lies outside its picture"),
    ],
)
def test_a_shape_that_is_none_names_its_picture(
    tmp_path: Path, told: dict[str, Any], message: str
) -> None:
    with pytest.raises(SomeFailed, match=f"train/a: .*{message}"):
        converted(labelled(tmp_path / "set", told), tmp_path)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"imageHeight": 10, "imageWidth": 8}, r"the picture is \(8, 10\).*its mask \(10, 8\)"),
        ({"imageHeight": None}, "says that it is 10 x None pixels"),
        ({"imageHeight": 10**9}, "says that it is 10 x 1000000000 pixels"),
        ({"imagePath": "gone.jpg"}, "the picture 'gone.jpg' is not there"),
        ({"imagePath": None}, "it names no picture: imagePath is empty"),
        ({"shapes": ["x"]}, "shapes are objects, got 'x'"),
        ({"shapes": {}}, "holds no picture with a mask of labelme"),
    ],
)
def test_a_file_that_cannot_be_used_says_why(
    tmp_path: Path, more: dict[str, Any], message: str
) -> None:
    with pytest.raises((BadInput, SomeFailed), match=message):
        converted(labelled(tmp_path / "set", PERSON, **more), tmp_path)


def test_files_are_as_labelme_wants_them(tmp_path: Path) -> None:
    """What labelme 6.3 checks when it opens a file (_label_file.py)."""
    convert(source(tmp_path / "v1"), tmp_path / "out", "easyportrait-v1", "labelme")
    told = json.loads((tmp_path / "out/train/p0.json").read_text())
    assert told.keys() == {
        "version", "flags", "shapes", "imagePath", "imageData", "imageHeight", "imageWidth",
    }  # fmt: skip
    assert told["imagePath"] == "p0.jpg" and told["imageData"] is None
    assert (told["imageHeight"], told["imageWidth"]) == (60, 50)
    assert {one["shape_type"] for one in told["shapes"]} == {"polygon"}
    for one in told["shapes"]:
        assert len(one["points"]) > 2 and all(type(n) is float for xy in one["points"] for n in xy)
    labels = (tmp_path / "out/labels.txt").read_text().split()
    assert labels[0] == "person" and "unknown" in labels and len(labels) == 9
