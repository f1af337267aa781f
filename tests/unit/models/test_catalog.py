import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from easyportrait.errors import ModelError, UnknownModel
from easyportrait.models.catalog import DEFAULT, EMBEDDED, catalog, find_model, open_model
from easyportrait.taxonomy import CLASSES

packaged = pytest.mark.parametrize("name", [DEFAULT, EMBEDDED])


@packaged
def test_the_embedded_model_is_found_and_says_what_it_is(name: str) -> None:
    card = open_model(name).card
    assert card.name == EMBEDDED and card.classes == CLASSES.names
    assert card.sources and all(s.licence and s.pictures for s in card.sources)
    assert card.limits and card.recipe and card.licence
    assert find_model(name).stat().st_size < 8e6


def test_both_are_of_one_version_and_the_default_one_is_smaller() -> None:
    assert open_model().card.version == f"{open_model(EMBEDDED).card.version}-int8"
    assert find_model(DEFAULT).stat().st_size < 0.6 * find_model(EMBEDDED).stat().st_size


@packaged
def test_the_embedded_model_takes_any_size_of_its_multiple(name: str) -> None:
    session = open_model(name)
    for height, width in ((32, 32), (224, 384), (96, 640)):
        probs = session.run(np.zeros((1, 3, height, width), np.float32))
        assert probs.shape == (1, 9, height // 2, width // 2) and probs.dtype == np.float32
        assert np.allclose(probs.sum(1), 1, atol=1e-4)


def test_models_of_the_users_folder_have_names_and_paths_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EASYPORTRAIT_MODELS", str(tmp_path))
    shutil.copy(find_model(EMBEDDED), tmp_path / "mine.onnx")
    assert list(catalog()) == [DEFAULT, EMBEDDED, "mine"]
    assert open_model("mine").card == open_model(tmp_path / "mine.onnx").card


def test_a_home_that_may_not_be_entered_holds_no_models(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in containers that run as another user than the one whose home they have."""
    monkeypatch.setenv("EASYPORTRAIT_MODELS", str(tmp_path / "locked" / "models"))
    stat = os.stat

    def refused(path: Any, *args: Any, **more: Any) -> Any:
        if "locked" in str(path):
            raise PermissionError(13, "Permission denied", str(path))
        return stat(path, *args, **more)

    monkeypatch.setattr(os, "stat", refused)
    assert list(catalog()) == [DEFAULT, EMBEDDED]
    assert find_model(EMBEDDED).name == "embedded.onnx"
    with pytest.raises(UnknownModel):
        find_model(tmp_path / "locked" / "x.onnx")


def test_an_unknown_model_lists_the_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EASYPORTRAIT_MODELS", str(tmp_path))
    with pytest.raises(UnknownModel, match="Did you mean 'embedded'"):
        find_model("embeded")


def test_a_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.onnx"
    path.write_bytes(b"not a model")
    with pytest.raises(ModelError, match=r"x\.onnx cannot be loaded"):
        open_model(path)


def test_a_model_without_a_card_is_refused(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    value = onnx.helper.make_tensor_value_info("x", 1, [1])
    node = onnx.helper.make_node("Identity", ["x"], ["y"])
    out = onnx.helper.make_tensor_value_info("y", 1, [1])
    graph = onnx.helper.make_graph([node], "g", [value], [out])
    opset = [onnx.helper.make_opsetid("", 18)]
    onnx.save(onnx.helper.make_model(graph, opset_imports=opset, ir_version=9), tmp_path / "x.onnx")
    with pytest.raises(ModelError, match="without a card"):
        open_model(tmp_path / "x.onnx")
