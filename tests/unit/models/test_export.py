"""A model file at another precision: answers alike, card inside, or not there at all."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest

import easyportrait
from easyportrait.errors import BadInput, ExportMismatch, ModelError
from easyportrait.models import export as module
from easyportrait.models.catalog import EMBEDDED, find_model
from easyportrait.models.export import export_model
from easyportrait.models.onnxfile import precision, read_model, rewrite_card, widen
from easyportrait.models.parity import Gap, gap, noise
from easyportrait.models.quantize import quantise, shown, spared
from easyportrait.models.session import OnnxSession, has_openvino
from tests.unit.models.files import CARD, colour_model

RUNTIMES = {"onnx", "openvino"} if has_openvino() else {"onnx"}


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The embedded model with weights of float32."""
    path = tmp_path_factory.mktemp("wide") / "wide.onnx"
    gaps = export_model(find_model(EMBEDDED), path, half=False)
    assert set(gaps) == RUNTIMES and gaps["onnx"].worst < 1e-6
    return path


def test_there_and_back_is_the_same_net(wide: Path, tmp_path: Path) -> None:
    source, back = find_model(EMBEDDED), tmp_path / "back.onnx"
    export_model(wide, back, half=True)
    assert [precision(read_model(p)) for p in (source, wide, back)] == [
        "float16",
        "float32",
        "float16",
    ]
    assert wide.stat().st_size > 1.9 * back.stat().st_size
    assert OnnxSession(wide).card == OnnxSession(back).card == OnnxSession(source).card
    assert gap(OnnxSession(source), OnnxSession(back), noise(32)).worst == 0
    assert not any(n.op_type == "Cast" and n.input[0].endswith(".half") for n in nodes(wide))
    onnx.checker.check_model(str(wide), full_check=True)


def nodes(path: Path) -> list[onnx.NodeProto]:
    return list(read_model(path).graph.node)


def test_without_a_wish_it_is_copied(tmp_path: Path) -> None:
    source = find_model(EMBEDDED)
    export_model(source, tmp_path / "new" / "copy.onnx")
    assert (tmp_path / "new" / "copy.onnx").read_bytes() == source.read_bytes()


def test_one_value_behind_two_casts_is_widened_twice(tmp_path: Path) -> None:
    model = read_model(find_model(EMBEDDED))
    cast = next(n for n in model.graph.node if n.input[0].endswith(".half"))
    twin = model.graph.node.add()
    twin.CopyFrom(cast)
    twin.output[0], twin.name = "twin", "twin"
    widen(model)
    stored = {w.name: onnx.numpy_helper.to_array(w) for w in model.graph.initializer}
    assert np.array_equal(stored["twin"], stored[cast.output[0]])
    assert stored["twin"].dtype == np.float32 and cast.input[0] not in stored


def test_what_answers_otherwise_is_refused_and_the_old_file_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "net.onnx"
    target.write_bytes(b"the old one")
    source = colour_model(tmp_path / "source.onnx")

    def spoil(model: onnx.ModelProto) -> None:
        bias = next(w for w in model.graph.initializer if w.name == "blast")
        bias.CopyFrom(onnx.numpy_helper.from_array(np.zeros(9, np.float32), bias.name))

    monkeypatch.setattr(module, "narrow", spoil)
    with pytest.raises(ExportMismatch, match=r"in onnx net\.onnx answers up to .* was not kept"):
        export_model(source, target, half=True)
    assert target.read_bytes() == b"the old one"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["net.onnx", "source.onnx"]


def test_a_runtime_that_answers_otherwise_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    far = {"onnx": Gap(0, 1), "openvino": Gap(0.5, 0.9)}
    monkeypatch.setattr(module, "compared", lambda *_: far)
    with pytest.raises(ExportMismatch, match="in openvino"):
        export_model(colour_model(tmp_path / "a.onnx"), tmp_path / "b.onnx")
    assert not (tmp_path / "b.onnx").exists()


def test_a_card_can_be_given_its_scores_later(tmp_path: Path) -> None:
    path = colour_model(tmp_path / "net.onnx")
    batch = np.full((1, 3, 16, 16), 90, np.float32)
    before = OnnxSession(path).run(batch)
    rewrite_card(path, scores={"val": {"mean": 0.5}})
    session = OnnxSession(path)
    assert session.card == replace(CARD, scores={"val": {"mean": 0.5}})
    assert np.array_equal(session.run(batch), before)


def test_names_and_files_that_are_no_models_are_refused(tmp_path: Path) -> None:
    good = colour_model(tmp_path / "a.onnx")
    for source, target in ((tmp_path / "last.ckpt", good), (good, tmp_path / "b.xml")):
        with pytest.raises(BadInput, match=r"not named as a model file, \*\.onnx"):
            export_model(source, target)
    (tmp_path / "broken.onnx").write_bytes(b"no model")
    with pytest.raises(ModelError, match=r"broken\.onnx cannot be loaded"):
        export_model(tmp_path / "broken.onnx", tmp_path / "b.onnx")


def test_calibration_sees_what_parsing_shows() -> None:
    """Whole frames and faces from near, normalised as the card says."""
    session = OnnxSession(find_model(EMBEDDED), threads=1)
    frame, face = shown(session, [easyportrait.demo_image()])
    card = session.card
    assert frame.shape == (1, 3, card.frame_side, card.frame_side)
    assert face.shape == (1, 3, card.face_side, card.face_side)
    assert frame.min() >= (0 - 127) / min(card.std) and not np.array_equal(frame, face)


def test_int8_leaves_entrance_and_head_as_they_are(wide: Path, tmp_path: Path) -> None:
    model = read_model(wide)
    weighed = [n.name for n in model.graph.node if n.op_type == "Conv"]
    assert spared(model) == [*weighed[:3], weighed[-1]]
    path = tmp_path / "int8.onnx"
    rng = np.random.default_rng(0)
    quantise(model, path, [rng.normal(size=(1, 3, 64, 96)).astype(np.float32) for _ in range(2)])
    made = read_model(path)
    assert precision(made) == "int8" and path.stat().st_size < 0.35 * wide.stat().st_size
    int8 = [w for w in made.graph.initializer if w.data_type == onnx.TensorProto.INT8]
    values = [onnx.numpy_helper.to_array(w) for w in int8]
    assert max(abs(v.astype(int)).max() for v in values if v.ndim == 4) == 64  # seven bits
    assert sum(v.ndim == 4 for v in values) == len(weighed) - 4
    assert OnnxSession(path).card == OnnxSession(wide).card
    for reason in (True, False):
        with pytest.raises(BadInput, match="is int8 already"):
            export_model(path, tmp_path / "again.onnx", half=reason)
    export_model(path, tmp_path / "copy.onnx")


def test_products_of_two_activations_stay_float32() -> None:
    make = onnx.helper.make_node
    info = [onnx.helper.make_tensor_value_info(n, 1, [1, 4, 4]) for n in ("x", "y")]
    stored = [onnx.numpy_helper.from_array(np.eye(4, dtype=np.float32), f"w{i}") for i in range(6)]
    chain = [make("MatMul", [f"h{i}", f"w{i}"], [f"h{i + 1}"], f"m{i}") for i in range(6)]
    chain[0].input[0] = "x"
    attention = make("MatMul", ["h4", "h4"], ["a"], "attention")
    chain[4].input[0], chain[5].output[0] = "a", "y"
    nodes = [*chain[:4], attention, *chain[4:]]
    graph = onnx.helper.make_graph(nodes, "g", info[:1], info[1:], stored)
    assert spared(onnx.helper.make_model(graph)) == ["m0", "m1", "m2", "attention", "m5"]
