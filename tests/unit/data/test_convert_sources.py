"""Formats that are only read: CelebAMask-HQ, LaPa, masks in colours; and mmsegmentation's views."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from easyportrait.data.convert import celebamask, convert, lapa
from easyportrait.data.convert.samples import How
from easyportrait.errors import BadInput, SomeFailed
from easyportrait.image.io import read_mask
from easyportrait.taxonomy import CLASSES, SOURCES, to_task
from tests.conftest import face_mask
from tests.unit.data.foreign import (
    celeba_index,
    colour_masks,
    hard_masks,
    mask_of,
    other_side,
    put,
    source,
    there,
)
from tests.unit.data.foreign import (
    celebamask as draw_celebamask,
)

LEFT_OF = {"brow": (3, 4), "eye": (5, 6)}


def test_parts_are_painted_into_our_classes_and_each_pixel_is_doubled(tmp_path: Path) -> None:
    mask = face_mask(48, 40)
    draw_celebamask(tmp_path / "celeba", mask)
    out, notes = there(tmp_path / "celeba", "celebamask-hq", tmp_path / "out")
    expected = np.where(mask == 8, 255, mask).repeat(2, 0).repeat(2, 1)  # the mouth's inside
    assert np.array_equal(mask_of(out, "7"), expected)
    assert notes.counts["masks were half their picture's size: each pixel is 2 x 2 now"] == 1
    what = "pixels have the celebamask-hq value 10, which is none of our classes: 255"
    assert notes.counts[what] == (mask == 8).sum()


def test_the_subjects_left_is_our_right(tmp_path: Path) -> None:
    draw_celebamask(tmp_path / "celeba", face_mask(48, 40))
    out, _ = there(tmp_path / "celeba", "celebamask-hq", tmp_path / "out")
    mask = mask_of(out, "7")
    for left, right in LEFT_OF.values():
        assert np.nonzero(mask == left)[1].max() < 40 < np.nonzero(mask == right)[1].min()


def test_index_masks_give_the_same(tmp_path: Path) -> None:
    mask = face_mask(48, 40)
    draw_celebamask(tmp_path / "parts", mask, enlarge=1)
    put(tmp_path / "index/img/7.jpg", np.zeros((48, 40, 3), np.uint8))
    put(tmp_path / "index/mask/00007.png", celeba_index(mask))
    masks = [
        mask_of(there(tmp_path / form, "celebamask-hq", tmp_path / f"{form}-out")[0], "7")
        for form in ("parts", "index")
    ]
    assert np.array_equal(*masks) and 2 in masks[0]


def test_later_parts_lie_over_earlier_ones(tmp_path: Path) -> None:
    put(tmp_path / "celeba/img/0.jpg", np.zeros((4, 4, 3), np.uint8))
    white = np.full((4, 4, 3), 255, np.uint8)
    for part in ("hair", "skin", "l_eye"):
        area = np.zeros_like(white)
        area[{"hair": 3, "skin": 0, "l_eye": 2}[part] :] = 255
        put(tmp_path / f"celeba/anno/0/00000_{part}.png", area)
    out, _ = there(tmp_path / "celeba", "celebamask-hq", tmp_path / "out")
    assert mask_of(out, "0")[:, 0].tolist() == [2, 2, 6, 1]


@pytest.mark.parametrize("degrees", [0, 30, -50, 180])
def test_sides_that_lie_wrong_are_mended_aloud_however_the_head_is_held(
    tmp_path: Path, degrees: float
) -> None:
    turn = cv2.getRotationMatrix2D((60, 60), degrees, 1)
    mask = cv2.warpAffine(face_mask(120, 120), turn, (120, 120), flags=cv2.INTER_NEAREST)
    root = tmp_path / "celeba"
    draw_celebamask(root, mask, 1)
    draw_celebamask(root, mask, 2, rename=other_side)
    swap_brows = {"l_brow": "r_brow", "r_brow": "l_brow"}
    draw_celebamask(root, mask, 3, rename=lambda part: swap_brows.get(part, part))
    expected = np.where(mask == 8, 255, mask).repeat(2, 0).repeat(2, 1)
    out, notes = there(root, "celebamask-hq", tmp_path / "mended", How(mend_sides=True))
    for number in (1, 2, 3):
        assert np.array_equal(mask_of(out, str(number)), expected)
    assert notes.counts["masks had left and right brow the wrong way round: mended"] == 2
    assert notes.counts["masks had left and right eye the wrong way round: mended"] == 1
    out, _ = there(root, "celebamask-hq", tmp_path / "as-it-is")
    assert (mask_of(out, "2") == 3).sum() == (expected == 4).sum()


def test_of_two_faces_of_which_one_is_wrong_neither_is_touched(tmp_path: Path) -> None:
    face = face_mask(120, 120)
    wrong = CLASSES.mirror_table[face]
    mask = np.concatenate([face, np.zeros((120, 80), np.uint8), wrong], 1)
    put(tmp_path / "set/img_dir/val/a.jpg", np.zeros((120, 320, 3), np.uint8))
    put(tmp_path / "set/ann_dir/val/a.png", mask)
    how = How(mend_sides=True)
    out, notes = there(tmp_path / "set", "mmseg-joint", tmp_path / "out", how)
    assert np.array_equal(mask_of(out, "a", "val"), mask)
    assert sum(n for what, n in notes.counts.items() if "not mended" in what) == 2


def test_celebas_own_splits_are_taken_where_the_list_lies_there(tmp_path: Path) -> None:
    root = tmp_path / "celeba"
    for number in range(4):
        draw_celebamask(root, face_mask(24, 20), number)
    lines = ["idx      orig_idx    orig_file"]
    originals = (162770, 162771, 182637, 182638)
    lines += [f"{i}       {n - 1}      {n:06d}.jpg" for i, n in enumerate(originals)]
    (root / celebamask.CELEBA_SPLITS).write_text("\n".join(lines))
    out, _ = there(root, "celebamask-hq", tmp_path / "out")
    found = {p.stem: p.parent.name for p in (out / "annotations").rglob("*.png")}
    assert found == {"0": "train", "1": "val", "2": "val", "3": "test"}
    (root / celebamask.CELEBA_SPLITS).write_text("\n".join(lines[:4]))
    with pytest.raises(SomeFailed, match=r"picture 3 has no line in CelebA-HQ-to"):
        there(root, "celebamask-hq", tmp_path / "again")
    (root / celebamask.CELEBA_SPLITS).write_text("idx\n0,1,2")
    with pytest.raises(BadInput, match=r"mapping\.txt, line 2: not"):
        there(root, "celebamask-hq", tmp_path / "again")


def test_what_does_not_go_together_in_celebamask_is_named(tmp_path: Path) -> None:
    root = tmp_path / "celeba"
    for number in (1, 2, 3, 4):
        draw_celebamask(root, face_mask(24, 20), number)
    (root / "CelebA-HQ-img/1.jpg").unlink()
    put(root / "masks/2.png", face_mask(24, 20))
    put(root / "CelebA-HQ-img/9.jpg", np.zeros((8, 8, 3), np.uint8))
    put(root / "CelebAMask-HQ-mask-anno/1/00004_hair.png", np.zeros((8, 8), np.uint8))
    put(root / "again/00004_skin.png", np.zeros((8, 8), np.uint8))
    with pytest.raises(SomeFailed, match="4 samples or files"):
        there(root, "celebamask-hq", tmp_path / "out")
    put(root / "CelebAMask-HQ-mask-anno/0/00003_hair.png", np.zeros((8, 8), np.uint8))
    (root / "again/00004_skin.png").unlink()
    for path in (root / "masks/2.png", root / "CelebAMask-HQ-mask-anno/1/00004_hair.png"):
        path.unlink()
    put(root / "CelebA-HQ-img/1.jpg", np.zeros((48, 40, 3), np.uint8))
    (root / "CelebA-HQ-img/9.jpg").unlink()
    with pytest.raises(SomeFailed, match=r"train/3: its parts are of different sizes"):
        there(root, "celebamask-hq", tmp_path / "out")


def test_lapa_is_read_by_its_table(tmp_path: Path) -> None:
    values = np.arange(11, dtype=np.uint8).reshape(1, 11).repeat(3, 0)
    for split in ("train", "val", "test"):
        put(tmp_path / f"LaPa/{split}/images/{split}.jpg", np.zeros((3, 11, 3), np.uint8))
        put(tmp_path / f"LaPa/{split}/labels/{split}.png", values)
        (tmp_path / f"LaPa/{split}/landmarks").mkdir()
        (tmp_path / f"LaPa/{split}/landmarks/{split}.txt").write_text("106")
    out, notes = there(tmp_path / "LaPa", "lapa", tmp_path / "out")
    for split in ("train", "val", "test"):
        assert np.array_equal(mask_of(out, split, split), SOURCES["lapa"](values))
    assert notes.counts["files are of no use here and were left alone"] == 3
    assert {what.split(" ")[5] for what in notes.counts if "lapa value" in what} == {"0,", "8,"}


def test_names_stand_for_every_number_of_a_source() -> None:
    """The published order; a name more or less would shift all that follow."""
    for name, values in (("celebamask-hq", celebamask.VALUES), ("lapa", lapa.VALUES)):
        last = max(np.flatnonzero(SOURCES[name].table != 255))
        assert len(values) == last + 1
    assert celebamask.VALUES[18] == "cloth" and lapa.VALUES[10] == "hair"


def test_colours_are_read_by_the_table_and_nothing_else(tmp_path: Path) -> None:
    mask = face_mask(24, 20)
    table = colour_masks(tmp_path / "set", mask)
    out, notes = there(tmp_path / "set", "colour-masks", tmp_path / "out", How("val", table))
    assert np.array_equal(mask_of(out, "a", "val"), mask)
    rgb = CLASSES.colour(mask)
    rgb[0, :3] = 161, 221, 255  # all but skin
    put(tmp_path / "set/masks/a.png", rgb)
    out, notes = there(tmp_path / "set", "colour-masks", tmp_path / "odd", How("val", table))
    assert (mask_of(out, "a", "val")[0, :3] == 255).all()
    assert notes.counts["pixels have a colour that the table does not list: 255"] == 3


def test_colours_may_be_hexadecimal_in_json_and_unknown_on_purpose(tmp_path: Path) -> None:
    colour_masks(tmp_path / "set", np.array([[0, 1, 2]], np.uint8))
    table = tmp_path / "table.json"
    text = '{"#000000": "background", "df57bc": "unknown", "#A0DDFF": "skin"}'
    table.write_text(text, encoding="utf-8-sig")  # as some editors begin a file
    out, notes = there(tmp_path / "set", "colour-masks", tmp_path / "out", How(table=table))
    assert mask_of(out, "a").tolist() == [[0, 255, 2]]
    assert notes.counts["pixels have a colour that the table does not list: 255"] == 0


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("t.toml", "x = 1", r"'x' is 1, which is no class; classes: background, .*unknown"),
        ("t.toml", '"red" = "skin"', r"'red' is no colour; \"#a0ddff\" and"),
        ("t.toml", '"1, 2, 256" = "skin"', "is no colour"),
        ("t.toml", '"#010203" = "skin"\n"1,2,3" = "lips"', "lists the colour '1,2,3' twice"),
        ("t.toml", "x", "is not TOML"),
        ("t.json", "x", "is not JSON"),
        ("t.json", "[]", "is no table of lines such as"),
        ("t.json", "[" * 100_000, "is not JSON"),
        ("gone.toml", None, "the table cannot be read: No such file"),
    ],
)
def test_a_table_that_cannot_be_used_says_why(
    tmp_path: Path, name: str, text: str | None, message: str
) -> None:
    colour_masks(tmp_path / "set", face_mask(24, 20))
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(BadInput, match=message):
        there(tmp_path / "set", "colour-masks", tmp_path / "out", How(table=tmp_path / name))


def test_colour_masks_without_a_table_are_refused(tmp_path: Path) -> None:
    colour_masks(tmp_path / "set", face_mask(24, 20))
    with pytest.raises(BadInput, match="--table FILE"):
        there(tmp_path / "set", "colour-masks", tmp_path / "out")


@pytest.mark.parametrize("task", ["joint", "ps", "fp"])
def test_mmsegmentation_gets_the_values_of_the_task(tmp_path: Path, task: str) -> None:
    convert(source(tmp_path / "set"), tmp_path / "out", "easyportrait-v1", f"mmseg-{task}")
    for i, split in enumerate(("train", "train", "val", "val", "test", "test")):
        assert (tmp_path / f"out/img_dir/{split}/p{i}.jpg").exists()
        written = read_mask(tmp_path / f"out/ann_dir/{split}/p{i}.png")
        assert np.array_equal(written, to_task(task)(hard_masks()[i]))
