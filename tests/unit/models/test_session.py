"""Both runtimes behind the seam: the same answers, the same errors."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import easyportrait
from easyportrait.errors import BadInput, MissingExtra, ModelError
from easyportrait.models import session
from easyportrait.models.catalog import DEFAULT, EMBEDDED, find_model
from easyportrait.models.parity import Gap, frames, gap, noise
from easyportrait.models.session import (
    RUNTIMES,
    FakeSession,
    OnnxSession,
    OpenVinoSession,
    has_openvino,
    open_session,
)
from tests.unit.models.files import CARD, colour_model

needs_openvino = pytest.mark.skipif(not has_openvino(), reason="openvino is not installed")
BOTH = [pytest.param(name, marks=needs_openvino if name == "openvino" else ()) for name in RUNTIMES]


@needs_openvino
def test_openvino_answers_what_onnx_runtime_answers_at_three_sizes() -> None:
    path = find_model(EMBEDDED)
    ours, theirs = OnnxSession(path, threads=1), OpenVinoSession(path, threads=1)
    assert theirs.card == ours.card
    batches = [*noise(ours.card.multiple), *frames([easyportrait.demo_image()], ours.card)]
    assert len({batch.shape for batch in batches}) == 6
    found = gap(ours, theirs, batches)
    assert 0 < found.worst < 1e-4 and found.same > 0.9999


@needs_openvino
@pytest.mark.parametrize(("model", "alike"), [(EMBEDDED, 0.9999), (DEFAULT, 0.99)])
def test_openvino_parses_the_demo_alike(model: str, alike: float) -> None:
    """As int8, sums are rounded where each runtime sees fit."""
    ours, theirs = easyportrait.load(model), easyportrait.load(model, runtime="openvino")
    assert isinstance(ours.session, OnnxSession)
    assert isinstance(theirs.session, OpenVinoSession)
    image = easyportrait.demo_image()
    labels = [easyportrait.parse(image, model=parser).labels for parser in (ours, theirs)]
    assert (labels[0] == labels[1]).mean() > alike


FIRST_RUNS = """
import socket, sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
import numpy as np

def refuse(*_, **__):
    raise AssertionError("the network was asked")

socket.socket = socket.create_connection = refuse
from easyportrait.models.session import OpenVinoSession
net = OpenVinoSession(Path(sys.argv[1]), threads=1)
batches = [np.full((1, 3, 32, 32 + 8 * i), 20 * i, np.float32) for i in range(8)]
with ThreadPoolExecutor(4) as pool:
    together = [*pool.map(net.run, batches)]
assert all(np.array_equal(net.run(b), t) for b, t in zip(batches, together))
print([m for m in sys.modules if m.startswith("openvino_telemetry")])
"""


@needs_openvino
def test_openvino_serves_threads_from_the_first_run_on_and_reports_to_nobody(
    tmp_path: Path,
) -> None:
    """In a new process, since what it does once it does not do again."""
    path = colour_model(tmp_path / "net.onnx")
    command = [sys.executable, "-c", FIRST_RUNS, str(path)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert (run.returncode, run.stdout) == (0, "[]\n"), run.stderr


@pytest.mark.parametrize("runtime", BOTH)
def test_a_file_that_is_no_model_and_one_without_a_card_are_refused(
    runtime: str, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"no model")
    with pytest.raises(ModelError, match=r"broken\.onnx cannot be loaded as a model: \S") as caught:
        open_session(broken, runtime=runtime)
    assert "\n" not in str(caught.value)
    bare = colour_model(tmp_path / "bare.onnx", card=None)
    with pytest.raises(ModelError, match=r"bare\.onnx is a model without a card"):
        open_session(bare, runtime=runtime)


@pytest.mark.parametrize("runtime", BOTH)
def test_a_session_takes_any_size_and_leaves_its_input_alone(runtime: str, tmp_path: Path) -> None:
    net = open_session(colour_model(tmp_path / "net.onnx"), threads=2, runtime=runtime)
    assert net.card == CARD
    for shape in ((1, 3, 8, 8), (3, 3, 24, 40), (2, 3, 64, 16)):
        batch = np.full(shape, 100, np.float32)
        first, second = net.run(batch), net.run(batch + 100)
        assert first.shape == (shape[0], 9, *shape[2:]) and first.dtype == np.float32
        assert np.allclose(first.sum(1), 1, atol=1e-5) and (batch == 100).all()
        assert not np.array_equal(first, second)  # an answer is the caller's to keep


def test_without_openvino_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "has_openvino", lambda: False)
    easyportrait.core._load.cache_clear()
    with pytest.raises(MissingExtra, match=r'pip install "easyportrait\[openvino\]"'):
        easyportrait.load(runtime="openvino")


def test_an_unknown_runtime_lists_the_known() -> None:
    with pytest.raises(BadInput, match=r"no runtime 'tensorrt'; runtimes: onnx, openvino"):
        easyportrait.load(runtime="tensorrt")


def test_a_gap_sees_shapes_classes_and_what_is_no_number() -> None:
    def answering(*values: float, cells: int = 4) -> FakeSession:
        probs = np.zeros((1, 9, cells, 4), np.float32)
        probs[:, : len(values)] = np.array(values, np.float32)[:, None, None]
        return FakeSession(lambda _: probs)

    batches = [np.zeros((1, 3, 8, 8), np.float32)]
    assert gap(answering(0.75, 0.25), answering(0.75, 0.25), batches) == Gap(0, 1)
    assert gap(answering(0.75, 0.25), answering(0.25, 0.75), batches) == Gap(0.5, 0)
    assert gap(answering(1), answering(1, cells=8), batches) == Gap(np.inf, 0)
    assert gap(answering(1), answering(np.nan), batches).worst == np.inf


def test_a_parse_leaves_nothing_in_the_users_home(tmp_path: Path) -> None:
    """ONNX Runtime's identifier, for one, which it keeps to report to its makers."""
    code = "import easyportrait; easyportrait.parse(easyportrait.demo_image()).labels"
    env = {n: v for n, v in os.environ.items() if n != "ORT_DISABLE_TELEMETRY"}
    env |= {"HOME": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run([sys.executable, "-c", code], check=True, env=env)
    assert not [*tmp_path.rglob("*")]
