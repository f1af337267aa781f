"""Models of every task, through the code that people run, against masks of nine classes."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from sklearn.metrics import f1_score, jaccard_score

from easyportrait.data.portraits import PortraitFolder, open_folder
from easyportrait.errors import BadInput, ModelError
from easyportrait.evaluate.run import evaluate
from easyportrait.models.parser import Parser
from easyportrait.models.session import FakeSession, cores, fake_card
from easyportrait.taxonomy import CLASSES, TASKS, to_task
from tests.conftest import BLOCK, by_colour, face_mask
from tests.unit.data.planted import cut, sound
from tests.unit.evaluate.nets import parser_of, portraits_of


@pytest.fixture
def coloured(tmp_path: Path) -> PortraitFolder:
    return portraits_of(tmp_path, {name: face_mask(320, 320) for name in "ab"})


def test_a_net_that_is_right_scores_high(colour_parser: Parser, coloured: PortraitFolder) -> None:
    seen = []
    scores = evaluate(colour_parser, coloured, progress=lambda: seen.append(1))
    assert scores.pictures == len(seen) == 2
    assert scores.iou["person_whole"] > 0.95 and scores.iou["skin"] > 0.8
    nine = [scores.iou[name] for name in CLASSES.names]
    assert scores.mean == pytest.approx(np.mean(nine), abs=1e-6)
    overall = scores.total.overall
    assert overall["accuracy"].value > 0.9 and overall["boundary_iou"].value > 0.2
    assert overall["mad"].value < 0.05 and overall["calibration_error"].value < 0.1


@pytest.mark.parametrize("task", TASKS)
def test_every_task_is_scored_against_masks_of_nine(task: str, coloured: PortraitFolder) -> None:
    """And is scikit-learn's, on the labels that `parse` gives."""
    parser = parser_of(task)
    scores = evaluate(parser, coloured)
    told = [to_task(task)(portrait.mask) for portrait in coloured]
    labels = [parser.parse(portrait.image).labels for portrait in coloured]
    t, p = (np.concatenate([one.ravel() for one in some]) for some in (told, labels))
    known = range(len(TASKS[task]))
    theirs = jaccard_score(t, p, labels=known, average=None)
    assert np.allclose([scores.iou[name] for name in TASKS[task].names], theirs, atol=1e-6)
    assert scores.total.tasks[task].value == pytest.approx(theirs.mean(), abs=1e-6)
    f1 = f1_score(t, p, labels=known, average="macro")
    assert scores.total.overall["mean_f1"].value == pytest.approx(f1, abs=1e-6)
    assert ("mad" in scores.total.overall) == (task != "fp")
    assert ("person_whole" in scores.iou) == (task == "joint")


def test_a_model_of_nine_is_scored_at_the_other_tasks_too(
    colour_parser: Parser, coloured: PortraitFolder
) -> None:
    nine = evaluate(colour_parser, coloured, looks=1).total
    assert set(nine.tasks) == {"joint", "ps", "fp"}
    for task in ("ps", "fp"):
        alone = evaluate(parser_of(task), coloured, looks=1).total
        assert nine.tasks[task].value == pytest.approx(alone.tasks[task].value, abs=0.02)


def test_classes_that_are_never_drawn_are_left_out(
    colour_parser: Parser, coloured: PortraitFolder
) -> None:
    for path in (coloured.root / "masks").glob("*.png"):
        mask = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        cv2.imwrite(str(path), np.where(np.isin(mask, [7, 5]), mask, 255))
    scores = evaluate(colour_parser, coloured, looks=1)
    assert set(scores.iou) == set(scores.total.classes) == {"left_eye", "lips"}
    assert scores.mean == pytest.approx(np.mean([*scores.iou.values()]), abs=1e-6)
    assert not {"sad", "mse"} & set(scores.total.overall) and set(scores.total.tasks) == {"joint"}


def test_a_mask_of_nothing_known_has_no_score(tmp_path: Path, colour_parser: Parser) -> None:
    unknown = np.full((64, 64), 255, np.uint8)
    scores = evaluate(colour_parser, portraits_of(tmp_path, {"a": unknown}), worst=3)
    assert np.isnan(scores.mean) and scores.iou == {} and scores.worst == ()


def test_a_teeth_less_set_does_not_blame_invented_teeth(
    tmp_path: Path, colour_parser: Parser
) -> None:
    drawn = face_mask(320, 320)
    folder = portraits_of(tmp_path, {"a": np.where(drawn == 8, 7, drawn)}, shown={"a": drawn})
    scores = evaluate(colour_parser, folder)
    assert "teeth" not in scores.iou and scores.iou["lips"] < 0.9


# -- people, kinds, the worst --------------------------------------------------------------


def test_intervals_are_over_users_where_they_are_known(tmp_path: Path) -> None:
    parser = parser_of("joint", frame_side=64)
    known = evaluate(parser, open_folder(sound(tmp_path / "d")), looks=1)
    assert known.total.users == 6 and {r.user for r in known.records} == {f"u{i}" for i in range(6)}
    value = known.total.overall["accuracy"]
    assert value.low is not None and value.low < value.value < value.high
    again = evaluate(parser, open_folder(tmp_path / "d"), looks=1)
    assert again.total == known.total
    one = evaluate(parser, open_folder(tmp_path / "d", "val"), looks=1)
    assert one.pictures == 2 and one.total.users == 2


def test_one_person_has_no_interval(tmp_path: Path, colour_parser: Parser) -> None:
    masks = {name: face_mask() for name in "abc"}
    folder = portraits_of(tmp_path, masks, rows={name: {"user": 7} for name in masks})
    scores = evaluate(colour_parser, folder, looks=1)
    assert scores.total.users == 1 and scores.records[0].user == "7"
    assert scores.total.overall["miou"].low is None


def test_kinds_of_pictures_are_scored_apart(tmp_path: Path, colour_parser: Parser) -> None:
    good = {f"good{i}": face_mask(320, 320) for i in range(4)}
    empty = {f"none{i}": np.zeros((320, 320), np.uint8) for i in range(3)}
    wrong = {name: np.full((320, 320), 1, np.uint8) for name in empty}
    scores = evaluate(colour_parser, portraits_of(tmp_path, good | empty, shown=wrong))
    by_name = {one.name: groups for one, groups in scores.by_group.items()}
    (none, bad), (one, fine) = by_name["faces"]
    assert (none.name, one.name) == ("none", "one") and (bad.pictures, fine.pictures) == (3, 4)
    assert bad.overall["accuracy"].value < 0.1 and fine.overall["accuracy"].value > 0.9
    assert set(bad.classes) == {"background"}
    assert "shorter_side" not in by_name  # all the same
    assert [group.name for group, _ in by_name["roll"]] == ["upright, under 10", "not known"]


def test_the_worst_are_kept_to_be_looked_at(tmp_path: Path, colour_parser: Parser) -> None:
    masks = {name: face_mask(320, 240) for name in "abcd"}
    shown = {"c": np.zeros((320, 240), np.uint8), "b": face_mask(320, 240) > 0}
    shown["b"] = shown["b"].astype(np.uint8)
    folder = portraits_of(tmp_path, masks, shown=shown)
    scores = evaluate(colour_parser, folder, looks=1, worst=2)
    assert [shot.record.name for shot in scores.worst] == ["c", "b"]
    shot = scores.worst[0]
    assert shot.image.shape == (240, 180, 3) and shot.truth.shape == shot.predicted.shape
    assert set(np.unique(shot.truth)) == set(range(9)) and shot.predicted.max() == 0
    assert evaluate(colour_parser, folder, looks=1).worst == ()


# -- what is wrong -------------------------------------------------------------------------


def test_a_bad_picture_is_named_and_the_rest_counts(colour_parser: Parser, tmp_path: Path) -> None:
    folder = portraits_of(tmp_path, {name: face_mask() for name in "abcde"})
    (tmp_path / "images/b.jpg").write_bytes(b"no picture")
    cv2.imwrite(str(tmp_path / "masks/c.png"), np.zeros((9, 9), np.uint8))
    strange = face_mask()
    strange[3, 3] = 77
    cv2.imwrite(str(tmp_path / "masks/d.png"), strange)
    seen: list[int] = []
    scores = evaluate(colour_parser, folder, looks=1, progress=lambda: seen.append(1))
    assert [record.name for record in scores.records] == ["a", "e"] and len(seen) == 5
    assert [failure.name for failure in scores.failures] == ["b", "c", "d"]
    messages = [str(failure) for failure in scores.failures]
    assert "b.jpg cannot be read" in messages[0] and "a mask is one uint8 channel" in messages[1]
    assert messages[2].startswith("d: the mask holds the value 77")


def test_a_bad_picture_of_a_dataset_is_named_too(tmp_path: Path) -> None:
    root = sound(tmp_path / "d")
    cut("images/train/p0.jpg")(root)
    scores = evaluate(parser_of("joint", frame_side=64), open_folder(root), looks=1)
    assert scores.pictures == 5 and scores.failures[0].name == "p0"
    assert "p0.jpg" in scores.failures[0].message


def test_where_nothing_can_be_scored_nothing_is_told(tmp_path: Path, colour_parser: Parser) -> None:
    folder = portraits_of(tmp_path, {"a": face_mask()})
    (tmp_path / "images/a.jpg").write_bytes(b"")
    with pytest.raises(BadInput, match="none of 1 pictures can be scored; the first, a: "):
        evaluate(colour_parser, folder)


def test_a_faulty_model_ends_it_at_once(coloured: PortraitFolder) -> None:
    net = Parser(FakeSession(lambda batch: by_colour(batch)[:, :5], fake_card()))
    with pytest.raises(ModelError, match="its card says"):
        evaluate(net, coloured)
    with pytest.raises(BadInput, match="looks is 1 or 2, got 3"):
        evaluate(net, coloured, looks=3)


def test_many_pictures_on_all_cores_are_in_order_and_as_one_by_one(tmp_path: Path) -> None:
    masks = {f"p{i:02}": face_mask(64 + 2 * i, 64) for i in range(2 * cores() + 3)}
    folder = portraits_of(tmp_path, masks)
    parser = parser_of("joint", frame_side=8 * BLOCK)
    scores = evaluate(parser, folder, looks=1)
    assert [record.name for record in scores.records] == [*masks]
    for record, portrait in zip(scores.records, folder, strict=True):
        labels = parser.parse(portrait.image, looks=1).labels
        assert np.diag(record.counts).sum() == (labels == portrait.mask).sum()
