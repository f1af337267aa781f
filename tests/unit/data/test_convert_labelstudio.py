import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pil

from easyportrait.data.convert import WRITERS, brush, convert
from easyportrait.data.convert.run import transfer
from easyportrait.data.convert.samples import Found, How, Notes
from easyportrait.errors import BadInput, SomeFailed
from tests.conftest import face_mask
from tests.unit.data.drawn import Held, as_file
from tests.unit.data.foreign import mask_of, put, source, there

HEIGHT, WIDTH = 8, 10


def region(
    label: str | None, kind: str = "polygon", id_: str = "r", **value: Any
) -> dict[str, Any]:
    """What Label Studio says of one region of a picture of 8 x 10 pixels."""
    labels = {} if label is None else {f"{kind}labels": [label]}
    return {
        "id": id_, "type": f"{kind}labels", "from_name": "label", "to_name": "image",
        "original_width": WIDTH, "original_height": HEIGHT, "image_rotation": 0,
        "value": value | labels,
    }  # fmt: skip


def rectangle(label: str, left: int, top: int, right: int, bottom: int, **more: Any) -> Any:
    at = {"x": left * 10, "y": top * 12.5, "width": (right - left) * 10, "rotation": 0}
    return region(label, "rectangle", **at | {"height": (bottom - top) * 12.5} | more)


PERSON = rectangle("person", 1, 1, 9, 7)
SKIN = region("skin", points=[[20, 25], [60, 25], [60, 75], [20, 75]], closed=True)
BITS = np.zeros((HEIGHT, WIDTH), bool)
BITS[3, 3:5] = True
TEETH = region("teeth", "brush", format="rle", rle=brush.packed(BITS))


def tasks(root: Path, *told: dict[str, Any], image: str = "images/a.jpg") -> Path:
    put(root / image, np.zeros((HEIGHT, WIDTH, 3), np.uint8))
    rows = [
        {"id": i, "data": {"image": "/data/upload/1/a.jpg"}} | one for i, one in enumerate(told)
    ]
    (root / "project-1.json").write_text(json.dumps(rows, ensure_ascii=False), encoding="utf-8")
    return root


def annotated(*results: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"annotations": [{"result": [*results], "was_cancelled": False} | more]}


def converted(root: Path, tmp_path: Path, how: How | None = None) -> tuple[np.ndarray, Notes]:
    out, notes = there(root, "label-studio", tmp_path / "out", how)
    return mask_of(out, "a"), notes


@pytest.mark.parametrize("results", [[PERSON, SKIN, TEETH], [TEETH, SKIN, PERSON]])
def test_regions_of_every_kind_lie_over_each_other_by_class(
    tmp_path: Path, results: list[dict[str, Any]]
) -> None:
    mask, notes = converted(tasks(tmp_path / "ls", annotated(*results)), tmp_path)
    expected = np.zeros((HEIGHT, WIDTH), np.uint8)
    expected[1:7, 1:9], expected[2:6, 2:6], expected[3, 3:5] = 1, 2, 8
    assert np.array_equal(mask, expected)
    assert notes.counts["pixels are not known: 255"] == 0


def test_a_rectangle_is_turned_about_its_corner_and_an_ellipse_about_its_middle(
    tmp_path: Path,
) -> None:
    """In pixels, not in shares: the picture is no square."""
    box = rectangle("skin", 6, 2, 10, 4, rotation=90)
    mask, _ = converted(tasks(tmp_path / "box", annotated(PERSON, box)), tmp_path / "box")
    assert (mask[2:6, 4:6] == 2).all() and (mask == 2).sum() == 8
    eye = {"x": 50, "y": 50, "radiusX": 30, "radiusY": 12.5, "rotation": 90}
    told = annotated(PERSON, region("teeth", "ellipse", **eye))
    mask, _ = converted(tasks(tmp_path / "eye", told), tmp_path / "eye")
    assert (mask[2:6, 4:6] == 8).all() and (mask == 8).sum() in range(8, 13)


def test_a_bitmask_is_painted_where_it_is_not_transparent(tmp_path: Path) -> None:
    rgba = np.zeros((HEIGHT, WIDTH, 4), np.uint8)
    rgba[2:4, 2:4, 3] = 255
    rgba[5, 5] = 255, 255, 255, 100
    address = "data:image/png;base64," + base64.b64encode(as_file(rgba, "PNG")).decode()
    told = annotated(PERSON, region("lips", "bitmask", imageDataURL=address))
    mask, _ = converted(tasks(tmp_path / "ls", told), tmp_path)
    assert (mask[2:4, 2:4] == 7).all() and (mask == 7).sum() == 4


def test_a_region_told_twice_counts_once_and_what_covers_no_area_is_counted(tmp_path: Path) -> None:
    points = SKIN["value"]["points"]
    bare = region(None, "polygon", "p", points=points) | {"type": "polygon"}
    named = region("skin", "", "p", points=points) | {"type": "labels"}
    others = [
        region("nose", "keypoint", x=1, y=1, width=0.5),
        {"id": "c", "type": "choices", "value": {"choices": ["smiling"]}},
        {"type": "relation", "from_id": "p", "to_id": "c"},
    ]
    root = tasks(tmp_path / "ls", annotated(PERSON, bare, named, *others))
    mask, notes = converted(root, tmp_path)
    assert (mask == 2).sum() == 16
    assert notes.counts["regions cover no area and were left alone"] == 2


def test_of_several_annotations_the_ground_truth_counts_else_the_newest(tmp_path: Path) -> None:
    old = {"result": [PERSON], "updated_at": "2024-01-01T00:00:00Z"}
    new = {"result": [SKIN], "updated_at": "2024-03-01T00:00:00Z"}
    skipped = {"result": [TEETH], "updated_at": "2024-04-01T00:00:00Z", "was_cancelled": True}
    for annotations, value in (
        ([new, old, skipped], 2),
        ([old, skipped, new], 2),
        ([old | {"ground_truth": True}, new, skipped], 1),
    ):
        root = tasks(tmp_path / "ls", {"annotations": annotations})
        out = tmp_path / str(len([*tmp_path.iterdir()]))
        mask, notes = converted(root, out)
        assert set(np.unique(mask)) - {0, 255} == {value}
        assert notes.counts["annotations besides the one that counts"] == 1


def test_predictions_count_only_if_nobody_annotated_anything(tmp_path: Path) -> None:
    guess = {"predictions": [{"result": [SKIN], "score": 0.5}, {"result": [PERSON]}]}
    mask, notes = converted(tasks(tmp_path / "guess", guess), tmp_path / "guess")
    assert (mask == 1).sum() == 48
    assert notes.counts["masks are predictions of a net, which nobody has looked at"] == 1
    put(tmp_path / "both/images/b.jpg", np.zeros((HEIGHT, WIDTH, 3), np.uint8))
    unseen = guess | {"data": {"image": "b.jpg"}, "annotations": []}
    exported = {"annotations": [], "predictions": [7]}  # of others, an export has the ids alone
    root = tasks(tmp_path / "both", annotated(PERSON), unseen, exported)
    out, notes = there(root, "label-studio", tmp_path / "out")
    assert [path.name for path in out.rglob("*.jpg")] == ["a.jpg"]
    assert notes.counts["tasks have no annotation and were left alone"] == 2


def test_an_empty_annotation_says_that_nobody_is_there(tmp_path: Path) -> None:
    put(tmp_path / "ls/images/b.jpg", np.zeros((6, 7, 3), np.uint8))
    empty = annotated() | {"data": {"image": "b.jpg"}}
    out, _ = there(
        tasks(tmp_path / "ls", annotated(PERSON), empty), "label-studio", tmp_path / "out"
    )
    assert (mask_of(out, "b") == np.zeros((6, 7))).all()


@pytest.mark.parametrize(
    "address",
    [
        "/data/upload/1/0a1b2c3d-a.jpg",
        "/data/local-files/?d=somewhere/images/a.jpg",
        "https://host.example/x%20y/a.jpg?token=1",
        "s3://bucket/images/a.jpg",
        "a.jpg",
    ],
)
def test_a_picture_is_found_by_whatever_address_it_has(tmp_path: Path, address: str) -> None:
    told = annotated(PERSON) | {"data": {"image": address, "name": "x.png"}}
    mask, _ = converted(tasks(tmp_path / "ls", told), tmp_path)
    assert (mask == 1).sum() == 48


def test_a_picture_under_another_key_is_found_unless_there_are_two(tmp_path: Path) -> None:
    told = annotated(PERSON) | {"data": {"photo": "a.jpg", "who": "u1", "age": 30}}
    mask, _ = converted(tasks(tmp_path / "ls", told), tmp_path)
    assert (mask == 1).sum() == 48
    told["data"]["other"] = "b.jpg"
    with pytest.raises(BadInput, match=r"which of \['photo', 'who', 'age', 'other'\] is the pict"):
        converted(tasks(tmp_path / "ls", told), tmp_path / "two")


def test_a_picture_that_is_not_there_is_named(tmp_path: Path) -> None:
    told = annotated(PERSON) | {"data": {"image": "/data/upload/1/0a1b2c3d-gone.jpg"}}
    with pytest.raises(BadInput, match=r"the picture '/data/upload/1/gone\.jpg' is not there"):
        converted(tasks(tmp_path / "ls", told), tmp_path)


def test_labels_that_are_not_ours_are_all_named_or_told_by_a_table(tmp_path: Path) -> None:
    hat = rectangle("hat", 0, 0, 2, 2)
    mouth = region("mouth", points=SKIN["value"]["points"])
    root = tasks(tmp_path / "ls", annotated(PERSON, mouth, hat))
    with pytest.raises(BadInput, match=r"none of our classes: 'hat', 'mouth'\."):
        converted(root, tmp_path)
    table = tmp_path / "table.toml"
    table.write_text('mouth = "lips"\nhat = "unknown"')
    mask, notes = converted(root, tmp_path, How(table=table))
    assert (mask == 7).sum() == 16 and (mask == 255).sum() == 4
    assert notes.counts["shapes are labelled 'hat', none of our classes: 255"] == 1


def test_a_picture_annotated_lying_on_its_side_is_refused(tmp_path: Path) -> None:
    """Some tools do not heed EXIF orientation; then sizes are the other way round."""
    exif = Pil.Exif()
    exif[0x0112] = 6
    root = tasks(tmp_path / "ls", annotated(PERSON))
    lying = as_file(np.zeros((HEIGHT, WIDTH, 3), np.uint8), "JPEG", exif=exif)
    (root / "images/a.jpg").write_bytes(lying)
    with pytest.raises(SomeFailed, match=r"the picture is \(10, 8\).*its mask \(8, 10\).*EXIF"):
        converted(root, tmp_path)


@pytest.mark.parametrize(
    ("result", "message"),
    [
        (region("skin", points=[[1, 2], [3, 4]]), "three points or more"),
        (region("skin", points=[[1, 2], [3, 4], [5, 6]], closed=False), "is not closed"),
        (region("skin", vertices=[]), "vector shapes are not read"),
        (region("skin", x=1, y=None, width=3, height=4), "region's y is None, not a number"),
        (region("skin", "brush", rle=[1, 2]), "rle of Label Studio is cut short"),
        (region("skin", imageDataURL="data:image/gif;base64,AA"), "a bitmask is data:image/png"),
        (region("skin", imageDataURL="data:image/png;base64,AA=="), "a bitmask is damaged"),
        (SKIN | {"original_width": None}, "of a picture of None x 8 pixels"),
        (SKIN | {"original_width": 10**9}, "of a picture of 1000000000 x 8 pixels"),
        (SKIN | {"original_width": -10, "original_height": -8}, "of a picture of -10 x -8 pixels"),
        (SKIN | {"original_width": [10]}, r"of a picture of \[10\] x 8 pixels"),
        (region("skin", points=[[10**400, 2], [3, 4], [5, 6]]), "three points or more"),
        (region("skin", x=10**400, y=1, width=3, height=4), "region's x is 1000"),
        (region("skin", x=1, y=1, radiusX=1e15, radiusY=4), r"a polygon reaches 1e\+14 pixels"),
    ],
)
def test_a_region_that_is_none_names_its_picture(
    tmp_path: Path, result: dict[str, Any], message: str
) -> None:
    with pytest.raises(SomeFailed, match=f"train/a: .*{message}"):
        converted(tasks(tmp_path / "ls", annotated(result)), tmp_path)


def test_regions_of_different_pictures_in_one_task_are_refused(tmp_path: Path) -> None:
    root = tasks(tmp_path / "ls", annotated(PERSON, SKIN | {"original_width": 11}))
    with pytest.raises(SomeFailed, match="its regions are of pictures of sizes"):
        converted(root, tmp_path)


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ([{"image": "a.jpg", "label": []}], "export as JSON, not JSON-MIN"),
        (["a"], "export as JSON, not JSON-MIN"),
        ([{"data": {"image": "a.jpg"}}], "none of 1 tasks has an annotation or a prediction"),
        ([{"data": {}, "annotations": 5}], "none of 1 tasks has an annotation or a prediction"),
        ([{"data": {}, "predictions": 5}], "none of 1 tasks has an annotation or a prediction"),
        ({"a": 1}, "holds no JSON list of tasks"),
    ],
)
def test_what_is_no_export_is_refused(tmp_path: Path, told: Any, message: str) -> None:
    root = tasks(tmp_path / "ls")
    (root / "project-1.json").write_text(json.dumps(told))
    with pytest.raises(BadInput, match=message):
        converted(root, tmp_path)


@pytest.mark.parametrize("labels", [[], ["skin", "lips"]])
def test_a_region_needs_one_label(tmp_path: Path, labels: list[str]) -> None:
    result = SKIN | {"value": SKIN["value"] | {"polygonlabels": labels}}
    with pytest.raises(BadInput, match=f"has {len(labels)} labels .*and needs one"):
        converted(tasks(tmp_path / "ls", annotated(result)), tmp_path)


def test_people_make_annotations_and_nets_predictions_with_a_score(tmp_path: Path) -> None:
    convert(source(tmp_path / "v1"), tmp_path / "people", "easyportrait-v1", "label-studio")
    rows = json.loads((tmp_path / "people/tasks.json").read_text())
    assert len(rows) == 6 and all(row.keys() == {"data", "annotations"} for row in rows)
    found = Found("a b", "val", Held(PICTURE), lambda notes: face_mask(24, 20), {"sure": 0.75})
    transfer(
        tmp_path, tmp_path / "net", [found], WRITERS["label-studio-polygons"], How(by="net 1"),
        Notes(), partial=False, progress=lambda done, total: None,
    )  # fmt: skip
    (row,) = json.loads((tmp_path / "net/tasks.json").read_text())
    assert row["data"] == {"image": "/data/local-files/?d=images/val/a%20b.jpg"}
    (prediction,) = row["predictions"]
    assert prediction["model_version"] == "net 1" and prediction["score"] == 0.75
    ids = [result["id"] for result in prediction["result"]]
    assert len(set(ids)) == len(ids) > 5
    config = (tmp_path / "net/label_config.xml").read_text()
    assert '<Label value="left_brow" background="#826aed"/>' in config and "<PolygonL" in config
    out, _ = there(tmp_path / "net", "label-studio", tmp_path / "back")
    assert np.array_equal(mask_of(out, "a b", "val"), face_mask(24, 20))


PICTURE = as_file(np.zeros((24, 20, 3), np.uint8), "JPEG")


def test_an_id_or_result_of_another_shape_is_no_trace(tmp_path: Path) -> None:
    mask, _ = converted(tasks(tmp_path / "ls", annotated(PERSON | {"id": [1]})), tmp_path)
    assert (mask == 1).sum() == 48
    root = tasks(tmp_path / "none", {"annotations": [{"result": 7}]})
    mask, _ = converted(root, tmp_path / "none")
    assert (mask == 255).all()
