"""int8 is kept where the score holds, and refused with the scores where it does not."""

from pathlib import Path

import pytest

from easyportrait.data.portraits import PortraitFolder
from easyportrait.errors import BadInput, ExportMismatch
from easyportrait.evaluate import int8 as module
from easyportrait.evaluate.int8 import export_int8, parted
from easyportrait.evaluate.run import evaluate
from easyportrait.models.onnxfile import precision, read_model
from easyportrait.models.parity import Gap
from easyportrait.models.parser import Parser
from easyportrait.models.session import OnnxSession
from tests.conftest import face_mask
from tests.unit.evaluate.nets import portraits_of
from tests.unit.models.files import CARD, colour_model


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> PortraitFolder:
    masks = {f"p{i}": face_mask(160, 136 + 8 * i) for i in range(7)}
    return portraits_of(tmp_path_factory.mktemp("faces"), masks)


def test_a_model_that_holds_its_score_is_written_with_both(
    faces: PortraitFolder, tmp_path: Path
) -> None:
    source, target = colour_model(tmp_path / "a.onnx"), tmp_path / "b.onnx"
    steps: list[int] = []
    made = export_int8(source, target, faces, about="faces", progress=steps.append)
    assert precision(read_model(target)) == "int8"
    assert made.before.mean > 0.7 and made.before.mean - made.after.mean <= 0.005
    assert made.calibrated == 2 and made.after.pictures == 5 and steps == [10] * 10
    assert all(0.95 <= gap.same <= 1 for gap in made.gaps.values()) and "onnx" in made.gaps
    session = OnnxSession(target)
    assert session.card.version == f"{CARD.version}-int8"
    scores = session.card.scores
    assert list(scores) == ["faces, 5 pictures, int8", "faces, 5 pictures, before"]
    assert [row["mean"] for row in scores.values()] == [
        round(made.after.mean, 4),
        round(made.before.mean, 4),
    ]
    assert "2 pictures of faces" in session.card.limits[-1]
    _, rest = parted(faces, None)
    assert evaluate(Parser(session), rest).mean == made.after.mean  # as `evaluate` scores it


def test_a_model_that_does_not_is_refused_with_the_scores(
    faces: PortraitFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A channel a thousand times brighter than the rest leaves eight bits nothing for them."""
    source = colour_model(tmp_path / "a.onnx", outlier=1000)
    target = tmp_path / "b.onnx"
    target.write_bytes(b"the old one")
    with pytest.raises(ExportMismatch, match=r"gives .*% of pixels the class"):
        export_int8(source, target, faces, about="faces")
    monkeypatch.setattr("easyportrait.models.export.SAME", 0.0)
    with pytest.raises(ExportMismatch) as caught:
        export_int8(source, target, faces, about="faces")
    assert "mean IoU 0.0" in str(caught.value) and "5 pictures" in str(caught.value)
    assert "Worst: " in str(caught.value) and "more than 0.005" in str(caught.value)
    assert target.read_bytes() == b"the old one"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.onnx", "b.onnx"]
    export_int8(source, target, faces, about="faces", lose=1)
    assert precision(read_model(target)) == "int8"


def test_a_runtime_that_answers_otherwise_is_refused(
    faces: PortraitFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "compared", lambda *_: {"openvino": Gap(0.9, 0.8)})
    with pytest.raises(ExportMismatch, match=r"in openvino b\.onnx gives 80\.0% of pixels"):
        export_int8(colour_model(tmp_path / "a.onnx"), tmp_path / "b.onnx", faces, about="faces")
    assert not (tmp_path / "b.onnx").exists()


def test_pictures_that_calibrate_are_not_scored(faces: PortraitFolder) -> None:
    calibration, scored = parted(faces, None)
    assert not set(calibration.places) & set(scored.places)
    assert sorted([*calibration.places, *scored.places]) == list(range(7))
    assert [row["id"] for row in scored.rows] == [portrait.id for portrait in scored]
    few, rest = parted(faces, 3)
    assert (len(few), len(rest)) == (1, 2) and {*few.places, *rest.places} == {0, 3, 6}


def test_two_pictures_are_too_few_and_int8_is_not_made_twice(
    faces: PortraitFolder, tmp_path: Path
) -> None:
    source = colour_model(tmp_path / "a.onnx")
    with pytest.raises(BadInput, match="at least 3 pictures"):
        export_int8(source, tmp_path / "b.onnx", faces, about="faces", limit=2)
    export_int8(source, tmp_path / "b.onnx", faces, about="faces", limit=3)
    with pytest.raises(BadInput, match="is int8 already"):
        export_int8(tmp_path / "b.onnx", tmp_path / "c.onnx", faces, about="faces")
