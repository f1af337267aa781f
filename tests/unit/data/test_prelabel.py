import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from easyportrait.data.convert.folders import SAME
from easyportrait.data.convert.samples import Found, How, Notes, indices
from easyportrait.data.files import File
from easyportrait.data.prelabel import (
    Sureness,
    as_nine,
    deliver,
    doubted,
    judged,
    least_sure_first,
    write_order,
)
from easyportrait.errors import OutputUnwritable, SomeFailed
from easyportrait.image.io import read_mask, write_image
from easyportrait.taxonomy import CLASSES, FACE_PARSING, PORTRAIT_SEGMENTATION
from tests.conftest import face_mask, one_hot
from tests.unit.data.foreign import mask_of, put, there


def judge(probs: np.ndarray) -> tuple[Sureness, np.ndarray]:
    labels = probs.argmax(0).astype(np.uint8)
    return judged(labels, lambda name: probs[CLASSES.index(name)].copy(), CLASSES)


# -- how sure ------------------------------------------------------------------------------


def test_a_net_that_knows_is_sure_and_its_mask_is_as_good_as_it_says() -> None:
    told, best = judge(one_hot(face_mask()))
    assert told.sure == told.least_sure == 1 and told.unsure_pixels == 0 and (best == 1).all()


def test_the_figure_is_the_iou_to_be_expected() -> None:
    """Half the eyes that are drawn are none: six of ten, beside the four in the skin."""
    probs = np.zeros((9, 1, 20), np.float32)
    probs[5, 0, :10], probs[2, 0, :10] = 0.6, 0.4
    probs[2, 0, 10:], probs[5, 0, 10:] = 0.8, 0.2
    told, best = judge(probs)
    eye, skin = 6 / (10 + 2), 8 / (10 + 4)
    assert told.least_class == "left_eye" and told.least_sure == pytest.approx(eye, abs=1e-4)
    assert told.sure == pytest.approx((eye + skin) / 2, abs=1e-4)
    assert best[0].tolist() == pytest.approx([0.6] * 10 + [0.8] * 10)


def test_a_class_half_seen_counts_though_no_pixel_is_its() -> None:
    probs = one_hot(face_mask())
    probs[:, 90:110, 70:90] = 0
    probs[7, 90:110, 70:90], probs[8, 90:110, 70:90] = 0.7, 0.3  # a mouth, perhaps with teeth
    there_are, _ = judge(probs)
    assert there_are.least_class == "teeth" and there_are.least_sure == 0


def test_classes_that_hardly_anything_speaks_for_do_not_count() -> None:
    told, _ = judge(one_hot(np.zeros((40, 40), int), sure=0.93))
    assert told.least_class == "background" and told.sure == pytest.approx(0.93, abs=1e-4)


def test_pixels_are_unsure_below_the_threshold_and_can_be_255() -> None:
    probs = one_hot(np.array([[1, 2], [0, 0]]), sure=0.55)
    probs[:, 1] = one_hot(np.zeros((1, 2), int), sure=0.9)[:, 0]
    told, best = judge(probs)
    assert told.unsure_pixels == 0.5
    mask = probs.argmax(0).astype(np.uint8)
    assert doubted(mask, best, 0.6).tolist() == [[255, 255], [0, 0]]
    assert doubted(mask, best, 0.5).tolist() == mask.tolist()


def test_the_tasks_are_told_in_our_nine_classes() -> None:
    assert as_nine(np.array([[0, 1, 7]], np.uint8), FACE_PARSING).tolist() == [[0, 2, 8]]
    assert as_nine(np.array([[0, 1]], np.uint8), PORTRAIT_SEGMENTATION).tolist() == [[0, 1]]


def test_a_sureness_survives_as_text_and_other_text_is_none() -> None:
    told = Sureness(0.5, "teeth", 0.25, 0.125)
    assert Sureness.from_json(told.to_json()) == told
    for text in ("", "[]", "1", "{}", '{"sure": 1}'):
        assert Sureness.from_json(text) is None


def test_the_least_sure_come_first(tmp_path: Path) -> None:
    rows = [
        (Path(f"in/{name}.jpg"), name, Sureness(sure, "lips", sure / 2, 0.0))
        for name, sure in (("b", 0.9), ("c", 0.2), ("a", 0.9))
    ]
    assert [row[1] for row in least_sure_first(rows)] == ["c", "a", "b"]
    write_order(tmp_path / "order.csv", rows)
    table = [*csv.DictReader((tmp_path / "order.csv").read_text().splitlines())]
    assert [row["photo"] for row in table] == ["in/c.jpg", "in/a.jpg", "in/b.jpg"]
    assert table[0] == {
        "photo": "in/c.jpg", "name": "c", "sure": "0.2", "least_class": "lips",
        "least_sure": "0.1", "unsure_pixels": "0.0",
    }  # fmt: skip


# -- formats -------------------------------------------------------------------------------


def made(root: Path, names: str = "ab") -> list[Found]:
    """Photographs with masks, as files."""
    found = []
    for name in names:
        put(root / f"photos/{name}.jpg", np.zeros((60, 50, 3), np.uint8))
        put(root / f"masks/{name}.png", face_mask(60, 50))
        mask = indices(File(root / f"masks/{name}.png"), SAME)
        found.append(Found(name, "train", File(root / f"photos/{name}.jpg"), mask, {"sure": 0.5}))
    return found


def test_what_is_delivered_is_read_again_and_written_once(tmp_path: Path) -> None:
    found, out = made(tmp_path), tmp_path / "labelme"
    assert deliver(found, out, "labelme", How(), Notes())
    back, _ = there(out, "labelme", tmp_path / "back")
    assert np.array_equal(mask_of(back, "b"), face_mask(60, 50))
    assert not deliver(found, out, "labelme", How(), Notes())
    assert deliver(found, out, "labelme", How(simplify=1), Notes())  # asked for something else
    assert deliver(made(tmp_path, "abc"), out, "labelme", How(simplify=1), Notes())  # more of them
    assert (out / "train/c.json").exists()
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith(".")) == []


@pytest.mark.parametrize("what", ["changed", "added", "removed", "foreign"])
def test_what_somebody_has_worked_on_is_not_written_over(tmp_path: Path, what: str) -> None:
    found, out = made(tmp_path), tmp_path / "labelme"
    deliver(found, out, "labelme", How(), Notes())
    path = out / "train/a.json"
    if what == "changed":
        path.write_text(json.dumps(json.loads(path.read_text()) | {"flags": {"done": True}}))
    elif what == "added":
        shutil.copy(path, out / "train/z.json")
    elif what == "removed":
        path.unlink()
    else:
        shutil.rmtree(out)
        out.mkdir()
        (out / "thesis.txt").write_text("words")
    before = {p: p.read_bytes() for p in out.rglob("*") if p.is_file()}
    with pytest.raises(OutputUnwritable, match=r"somebody may have worked on it.*move .*labelme"):
        deliver(made(tmp_path, "abc"), out, "labelme", How(), Notes())
    assert {p: p.read_bytes() for p in out.rglob("*") if p.is_file()} == before


def test_photographs_that_are_gone_are_named_and_the_rest_is_written(tmp_path: Path) -> None:
    found = made(tmp_path, "abc")
    (tmp_path / "photos/b.jpg").write_bytes(b"no picture")
    notes = Notes()
    with pytest.raises(SomeFailed, match="1 of 3 photos are not in"):
        deliver(found, tmp_path / "cvat", "cvat", How(), notes)
    assert "train/b" in notes.lost[0]
    assert sorted(p.name for p in (tmp_path / "cvat").rglob("*.jpg")) == ["a.jpg", "c.jpg"]


def test_a_run_that_was_killed_leaves_nothing_in_the_way(tmp_path: Path) -> None:
    found, out = made(tmp_path), tmp_path / "cvat"
    for left_over in (".cvat.part", ".cvat.old"):
        (tmp_path / left_over).mkdir()
        (tmp_path / left_over / "half").write_text("half")
    assert deliver(found, out, "cvat", How(), Notes())
    assert not (tmp_path / ".cvat.part").exists() and not (tmp_path / ".cvat.old").exists()


def test_masks_are_work_too_where_a_format_has_nothing_else(tmp_path: Path) -> None:
    out = tmp_path / "mmseg"
    deliver(made(tmp_path), out, "mmseg-joint", How(), Notes())
    assert deliver(made(tmp_path, "abc"), out, "mmseg-joint", How(), Notes())  # nobody was at it
    path = out / "ann_dir/train/a.png"
    write_image(path, np.full((60, 50), 3, np.uint8))
    with pytest.raises(OutputUnwritable, match=r"a\.png is not as it was written"):
        deliver(made(tmp_path, "abcd"), out, "mmseg-joint", How(), Notes())
    assert (read_mask(path) == 3).all()
