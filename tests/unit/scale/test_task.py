import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pil
from typer.testing import CliRunner

import easyportrait
from easyportrait.assets import DEMO
from easyportrait.cli.app import app
from easyportrait.effects.chain import Chain
from easyportrait.errors import UnknownModel
from easyportrait.image.io import read_image, read_mask
from easyportrait.scale.task import Apply, Parse, Travelling


def sent(task: Any) -> Any:
    """A task as a worker gets it."""
    return pickle.loads(pickle.dumps(task))


def test_a_sent_task_gives_the_files_that_the_command_gives(tmp_path: Path) -> None:
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(DEMO.read_bytes())
    args = ["parse", str(photo), "-o", str(tmp_path / "out"), "--overlay", "--cutout", "--json"]
    assert CliRunner().invoke(app, args).exit_code == 0
    task = sent(Parse(Travelling("embedded-int8"), wants=(".overlay.jpg", ".cutout.png", ".json")))
    done = task(photo.read_bytes(), str(photo))
    assert done.row == {"width": 512, "height": 512, "faces": 1}
    for suffix, data in done.files.items():
        assert data == (tmp_path / f"out/photo{suffix}").read_bytes(), suffix
    assert len(done.files) == 4


def test_a_photo_beside_its_labels_is_upright(tmp_path: Path) -> None:
    exif = Pil.Exif()
    exif[0x0112] = 6
    with Pil.open(DEMO) as picture:
        lying = picture.convert("RGB").resize((300, 200))
    lying.save(tmp_path / "a.jpg", exif=exif)
    done = Parse(Travelling("embedded-int8"), photos=True)((tmp_path / "a.jpg").read_bytes(), "a")
    assert read_image(done.files[".jpg"]).shape == (300, 200, 3)
    (tmp_path / "a.png").write_bytes(done.files[".png"])
    assert read_mask(tmp_path / "a.png").shape == (300, 200)


def test_effects_travel(tmp_path: Path) -> None:
    wall = np.full((8, 8, 3), 200, np.uint8)
    chain = Chain.of({"background": wall, "whiten_teeth": 0.6, "eye_color": "green"})
    task = sent(Apply(Travelling("embedded-int8"), chain))
    assert json.dumps(task.described)
    done = task(DEMO.read_bytes(), "x/photo.png")
    wanted = easyportrait.apply(
        DEMO.read_bytes(), background=wall, whiten_teeth=0.6, eye_color="green"
    )
    assert np.array_equal(read_image(done.files[".png"]), wanted)


def test_a_model_that_is_not_there_is_missed_before_anything_is_sent() -> None:
    with pytest.raises(UnknownModel):
        Travelling("embeded")
