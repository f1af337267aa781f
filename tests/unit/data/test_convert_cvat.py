import shutil
from pathlib import Path

import numpy as np
import pytest

from easyportrait.data.convert import convert
from easyportrait.data.convert.samples import How, Notes
from easyportrait.errors import BadInput, SomeFailed
from tests.conftest import face_mask
from tests.unit.data.foreign import mask_of, put, source, there

PERSON = '<box label="person" occluded="0" xtl="1" ytl="1" xbr="9" ybr="7" z_order="0"></box>'
SKIN = '<polygon label="skin" points="2,2;6,2;6,6;2,6" z_order="0"></polygon>'
TEETH = '<mask label="teeth" rle="1, 2, 1" left="3" top="3" width="2" height="2" z_order="0"/>'


def task(
    root: Path,
    shapes: str,
    labels: str = "person skin teeth",
    image: str = "images/a.jpg",
    head: str = '<?xml version="1.0" encoding="utf-8"?>',
    **attributes: object,
) -> Path:
    """A picture of 8 x 10 pixels and what CVAT says of it."""
    put(root / image, np.zeros((8, 10, 3), np.uint8))
    told = {"id": 0, "name": "a.jpg", "width": 10, "height": 8} | attributes
    words = " ".join(f'{key}="{value}"' for key, value in told.items())
    names = "".join(f"<label><name>{name}</name></label>" for name in labels.split())
    (root / "annotations.xml").write_text(
        f"{head}<annotations><version>1.1</version><meta><task><name>Ü</name><labels>{names}"
        f"</labels></task></meta>\n<image {words}>\n{shapes}\n</image>\n</annotations>",
        encoding="utf-8",
    )
    return root


def converted(root: Path, tmp_path: Path, how: How | None = None) -> tuple[np.ndarray, Notes]:
    out, notes = there(root, "cvat", tmp_path / "out", how)
    return mask_of(out, "a"), notes


@pytest.mark.parametrize("shapes", [PERSON + SKIN + TEETH, TEETH + SKIN + PERSON])
def test_shapes_of_every_kind_lie_over_each_other_by_class(tmp_path: Path, shapes: str) -> None:
    mask, notes = converted(task(tmp_path / "cvat", shapes), tmp_path)
    expected = np.zeros((8, 10), np.uint8)
    expected[1:7, 1:9], expected[2:6, 2:6] = 1, 2
    expected[3, 4] = expected[4, 3] = 8  # the rows of the mask: 0 1, 1 0
    assert np.array_equal(mask, expected)
    assert notes.counts["pixels are not known: 255"] == 0


def test_z_order_wins_over_the_class(tmp_path: Path) -> None:
    hair = '<polygon label="person" points="2,2;6,2;6,3;2,3" z_order="1"/>'
    mask, _ = converted(task(tmp_path / "cvat", hair + PERSON + SKIN), tmp_path)
    assert (mask[2, 2:6] == 1).all() and (mask[3:6, 2:6] == 2).all()


def test_boxes_and_ellipses_are_turned_about_their_middle(tmp_path: Path) -> None:
    box = '<box label="skin" xtl="1" ytl="3" xbr="9" ybr="5" rotation="90.00" z_order="0"/>'
    eye = '<ellipse label="teeth" cx="5" cy="4" rx="3" ry="1" rotation="90" z_order="0"/>'
    mask, _ = converted(task(tmp_path / "cvat", PERSON + box), tmp_path)
    assert (mask[:, 4:6] == 2).all() and (mask == 2).sum() == 16
    mask, _ = converted(task(tmp_path / "eye", PERSON + eye), tmp_path / "eye")
    assert (mask[2:6, 4:6] == 8).all() and (mask == 8).sum() in range(8, 13)


def test_the_masks_that_cvat_writes_are_read_row_by_row() -> None:
    """[1, 3, ...] is what cvat-sdk 2.80 (masks.encode_mask) makes of this picture."""
    from easyportrait.data.convert import rle

    bits = np.zeros((6, 5), bool)
    bits[1:4, 2:] = bits[4, 1] = True
    assert rle.runs(bits[1:5, 1:].T).tolist() == [1, 3, 1, 3, 1, 4, 3]


def test_what_covers_no_area_is_counted(tmp_path: Path) -> None:
    other = (
        '<points label="nose" points="1,1"/><polyline label="jaw" points="1,1;2,2"/>'
        '<tag label="smiling"><attribute name="much">yes</attribute></tag>'
        '<skeleton label="body"><points label="1" points="2,2"/></skeleton>'
    )
    mask, notes = converted(task(tmp_path / "cvat", PERSON + other), tmp_path)
    assert (mask == 1).sum() == 48
    told = [what for what in notes.counts if "cover no area" in what]
    assert [what.split()[2].strip(",") for what in told] == [
        "points",
        "polyline",
        "tag",
        "skeleton",
    ]


def test_labels_that_are_not_ours_are_all_named_or_told_by_a_table(tmp_path: Path) -> None:
    shapes = PERSON + SKIN.replace("skin", "mouth") + TEETH.replace("teeth", "hat")
    root = task(tmp_path / "cvat", shapes, labels="person mouth hat beard")
    with pytest.raises(
        BadInput, match=r"none of our classes: 'hat', 'mouth'\. Ours: backgr.*unkno"
    ):
        converted(root, tmp_path)
    table = tmp_path / "table.toml"
    table.write_text('mouth = "lips"\n"*" = "unknown"')
    mask, notes = converted(root, tmp_path, How(table=table))
    assert (mask == 7).sum() == 14 and (mask == 255).sum() == 2
    assert notes.counts["shapes are labelled 'hat', none of our classes: 255"] == 1


def test_what_nothing_covers_is_background_only_where_persons_are_labelled(tmp_path: Path) -> None:
    mask, _ = converted(task(tmp_path / "some", "", labels="person"), tmp_path / "some")
    assert (mask == 0).all()
    mask, _ = converted(task(tmp_path / "none", TEETH, labels="teeth"), tmp_path / "none")
    assert (mask == 255).sum() == 78


def test_the_zip_that_cvat_exports_is_read_and_a_subset_is_a_split(tmp_path: Path) -> None:
    root = task(tmp_path / "cvat", PERSON, subset="Validation", image="images/Validation/a.jpg")
    shutil.make_archive(str(tmp_path / "export"), "zip", root)
    out, _ = there(tmp_path / "export.zip", "cvat", tmp_path / "out")
    assert (mask_of(out, "a", "val") == 1).sum() == 48


def test_an_image_without_shapes_may_be_a_single_tag(tmp_path: Path) -> None:
    root = task(tmp_path / "cvat", PERSON)
    path = root / "annotations.xml"
    text = path.read_text(encoding="utf-8")
    put(root / "images/b.jpg", np.zeros((8, 10, 3), np.uint8))
    empty = '<image id="1" name="b.jpg" width="10" height="8"/></annotations>'
    path.write_text("\ufeff" + text.replace("</annotations>", empty), encoding="utf-8")
    out, _ = there(root, "cvat", tmp_path / "out")
    assert (mask_of(out, "a") == 1).sum() == 48 and (mask_of(out, "b") == 0).all()


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        (SKIN.replace("2,2;", "2;"), "a polygon is x, y of three points"),
        (SKIN.replace("2,2;6,2;", ""), "a polygon is x, y of three points"),
        (PERSON.replace('xtl="1"', 'xtl="one"'), "a box needs numbers xtl, ytl, xbr, ybr, got"),
        (PERSON.replace('xtl="1"', ""), "a box needs numbers xtl"),
        (PERSON.replace('xtl="1"', 'xtl="inf"'), "a box needs numbers xtl"),
        (TEETH.replace("1, 2, 1", "1, 2"), "of 3 pixels cannot be of 2 x 2"),
        (TEETH.replace("1, 2, 1", "1, x"), "an rle is whole numbers"),
        (TEETH.replace("1, 2, 1", "9" * 30), "an rle is whole numbers"),
        (SKIN.replace("polygon", "x:polygon"), "is damaged, or not in UTF-8: unbound prefix"),
        (TEETH.replace('left="3"', 'left="9"'), "lies outside its picture of 10 x 8"),
        (TEETH.replace('width="2"', 'width="99999"'), "99999 x 2 pixels cannot be of a picture"),
    ],
)
def test_a_shape_that_is_none_names_its_picture(tmp_path: Path, shape: str, message: str) -> None:
    with pytest.raises(SomeFailed, match=f"train/a: .*{message}"):
        converted(task(tmp_path / "cvat", shape), tmp_path)


def test_sizes_are_those_of_the_upright_picture(tmp_path: Path) -> None:
    with pytest.raises(SomeFailed, match=r"the picture is \(8, 10\).*its mask \(10, 8\).*EXIF"):
        converted(task(tmp_path / "cvat", PERSON, width=8, height=10), tmp_path)
    with pytest.raises(SomeFailed, match="says that it is 10 x 1000000000 pixels"):
        converted(task(tmp_path / "vast", PERSON, height=10**9), tmp_path / "vast")


@pytest.mark.parametrize("name", ["gone.jpg", "../../a.png", "b.jpg"])
def test_a_picture_that_is_not_there_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadInput, match=f"the picture '{name}' is not there"):
        converted(task(tmp_path / "cvat", PERSON, name=name), tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("</annotations>", "", "is damaged: no element found"),
        ('name="a.jpg" ', "", "has no name, width and height"),
        ('width="10"', 'width="x"', "has no name, width and height"),
        ("<image", '<track id="0" label="skin"></track><image', "tracks of a video; export it as"),
        (
            "<annotations>",
            '<!DOCTYPE a [<!ENTITY b "c">]><annotations>',
            "declares a document type",
        ),
        ("utf-8", "latin-1", "is in latin-1; CVAT writes UTF-8"),
        ("<image", "<picture", "holds no annotations.xml of CVAT"),
    ],
)
def test_a_damaged_file_says_why(tmp_path: Path, old: str, new: str, message: str) -> None:
    root = task(tmp_path / "cvat", PERSON)
    path = root / "annotations.xml"
    text = path.read_text(encoding="utf-8").replace(old, new)
    path.write_text(text.replace("</image", "</picture") if new == "<picture" else text)
    with pytest.raises(BadInput, match=message):
        converted(root, tmp_path)


def test_guesses_are_marked_as_such_and_labels_are_listed(tmp_path: Path) -> None:
    original = source(tmp_path / "source")
    for name, by in (("people", ""), ("net", "net 1")):
        convert(original, tmp_path / name, "easyportrait-v1", "cvat-polygons", How(by=by))
    people, net = ((tmp_path / n / "annotations.xml").read_text() for n in ("people", "net"))
    assert 'source="manual"' in people and 'source="auto"' in net
    assert people == net.replace('source="auto"', 'source="manual"')
    labels = (tmp_path / "net/labels.json").read_text()
    assert '"name": "left_brow"' in labels and '"color": "#826aed"' in labels


def test_simplified_polygons_are_few_and_a_format_without_any_refuses(tmp_path: Path) -> None:
    root = tmp_path / "set"
    mask = face_mask(480, 400)
    put(root / "img_dir/train/a.jpg", np.zeros((480, 400, 3), np.uint8))
    put(root / "ann_dir/train/a.png", mask)
    for out, px in (("exact", 0.0), ("simple", 1.0)):
        convert(root, tmp_path / out, "mmseg-joint", "cvat-polygons", How(simplify=px))
    exact, simple = ((tmp_path / n / "annotations.xml").stat().st_size for n in ("exact", "simple"))
    assert simple < 0.5 * exact
    back, _ = converted(tmp_path / "simple", tmp_path)
    assert (back == mask).mean() > 0.99
    with pytest.raises(BadInput, match="cvat has no polygons to simplify; those are coco-poly"):
        convert(root, tmp_path / "no", "mmseg-joint", "cvat", How(simplify=1))
    with pytest.raises(BadInput, match="lapa has no shapes that overlap"):
        convert(root, tmp_path / "no", "lapa", "cvat", How(later_wins=True))


def test_two_pictures_of_a_name_are_told_apart_by_their_split_or_not_at_all(tmp_path: Path) -> None:
    root = task(tmp_path / "cvat", PERSON, image="images/train/a.jpg", subset="train")
    put(root / "images/val/a.jpg", np.zeros((9, 9, 3), np.uint8))
    mask, _ = converted(root, tmp_path)
    assert mask.shape == (8, 10)
    task(root, PERSON, image="images/train/a.jpg")
    with pytest.raises(BadInput, match=r"the picture 'a\.jpg' may be .*a\.jpg or .*a\.jpg"):
        converted(root, tmp_path / "again")
