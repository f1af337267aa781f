"""The examples run. Where one needs a program that is not installed, the smallest thing that
answers in its place stands in."""

import runpy
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest

import easyportrait
from easyportrait.assets import DEMO
from easyportrait.taxonomy import CLASSES
from tests.conftest import face_mask
from tests.unit.video.films import film

EXAMPLES = Path(__file__).parents[2] / "examples"


def stands_in(monkeypatch: pytest.MonkeyPatch, name: str, **parts: Any) -> Any:
    module = ModuleType(name)
    vars(module).update(parts)
    monkeypatch.setitem(sys.modules, name, module)
    return module


@pytest.mark.parametrize("path", sorted(EXAMPLES.rglob("*.py")), ids=lambda p: p.stem)
def test_it_is_short_and_named_in_the_list(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) < 60
    listed = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    assert f"({path.relative_to(EXAMPLES).as_posix()})" in listed


def test_a_pipeline(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["pipeline.py", str(DEMO)])
    names = runpy.run_path(str(EXAMPLES / "pipeline.py"), run_name="__main__")
    assert "teeth" in capsys.readouterr().out
    pipeline = names["SegmentationPipeline"]()
    one, two = pipeline([str(DEMO), names["Image"].open(DEMO)])
    assert [part["label"] for part in one] == list(CLASSES.names)
    covered = sum(np.asarray(part["mask"]).astype(int) for part in one)
    assert (covered == 255).all()  # every pixel is in one of them
    assert [part["score"] for part in one] == [part["score"] for part in two]


def test_an_opencv_loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, out = film(tmp_path / "a.mp4", count=3), tmp_path / "b.mp4"
    monkeypatch.setattr(sys, "argv", ["opencv_loop.py", str(source), "-o", str(out)])
    runpy.run_path(str(EXAMPLES / "opencv_loop.py"), run_name="__main__")
    assert cv2.VideoCapture(str(out)).get(cv2.CAP_PROP_FRAME_COUNT) == 3


def test_a_gradio_page(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Any] = []

    def part(*args: Any, **more: Any) -> Any:
        made.append((args, more))
        return SimpleNamespace(args=args)

    parts = ("Slider", "Dropdown", "Textbox", "Checkbox", "Image", "Radio", "Interface")
    components = SimpleNamespace(Component=object)
    stands_in(monkeypatch, "gradio", components=components, **dict.fromkeys(parts, part))
    names = runpy.run_path(str(EXAMPLES / "gradio_app.py"))
    edited, inputs, *_ = names["page"]().args
    assert len(inputs) == 2 + 2 * len(names["EFFECTS"])
    picture = easyportrait.demo_image()
    nothing, all_of_them = [], []
    for effect in names["EFFECTS"].values():
        nothing += [False, None]
        all_of_them += [True, effect.knobs[0].default]
    assert edited(picture, "as it is", *nothing) is picture and edited(None, "blur") is None
    assert edited(picture, "remove", *all_of_them).shape == (512, 512, 4)


def test_fiftyone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Dataset(list):  # type: ignore[type-arg]
        def __init__(self, **_: Any) -> None:
            super().__init__()

        add_sample = list.append

    stands_in(monkeypatch, "fiftyone", Dataset=Dataset, Sample=dict, Segmentation=lambda mask: mask)
    for kind in ("images", "masks"):
        (tmp_path / kind).mkdir()
    mask = face_mask(96, 96)
    easyportrait.write_image(tmp_path / "masks" / "a.png", mask)
    easyportrait.write_image(tmp_path / "images" / "a.jpg", CLASSES.palette[mask].astype(np.uint8))
    names = runpy.run_path(str(EXAMPLES / "fiftyone_import.py"))
    dataset = names["dataset_of"](str(tmp_path), tmp_path / "media", None, "embedded-int8", 10)
    assert dataset.default_mask_targets[8] == "teeth"
    (sample,) = dataset
    assert Path(sample["filepath"]).exists() and sample["tags"] == ["all"]
    assert (sample["truth"] == mask).all() and sample["predicted"].shape == mask.shape


def test_a_virtual_camera(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = []

    class Camera:
        device = "a camera"

        def __init__(self, **wanted: Any) -> None:
            self.size = wanted["height"], wanted["width"], 3

        def __enter__(self) -> "Camera":
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def send(self, image: np.ndarray) -> None:
            assert image.shape == self.size and image.dtype == np.uint8
            sent.append(image)

    stands_in(monkeypatch, "pyvirtualcam", Camera=Camera)
    monkeypatch.setattr(sys, "argv", ["obs_camera.py", str(film(tmp_path / "a.mp4", count=3))])
    runpy.run_path(str(EXAMPLES / "obs_camera.py"), run_name="__main__")
    assert sent


def test_comfyui_nodes() -> None:
    torch = pytest.importorskip("torch")
    names = runpy.run_path(str(EXAMPLES / "comfyui_easyportrait" / "__init__.py"))
    image = torch.from_numpy(easyportrait.demo_image()[None].astype(np.float32) / 255)
    mask, effects = (node() for node in names["NODE_CLASS_MAPPINGS"].values())
    assert "teeth" in mask.INPUT_TYPES()["required"]["part"][0]
    (whole,) = mask.mask(image, "whole person")
    assert whole.shape == (1, 512, 512) and 0.2 < float(whole.mean()) < 0.9
    (same,) = effects.edit(image, whiten_teeth=0.0, smooth_skin=0.0)
    assert torch.equal(same, image)
    (edited,) = effects.edit(image, whiten_teeth=0.8)
    changed = (edited != image).any(-1).float().mean()
    assert edited.shape == image.shape and 0 < float(changed) < 0.05
