"""`easyportrait data convert` as scripts use it."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np

from easyportrait.image.io import read_mask
from tests.conftest import face_mask
from tests.unit.data.foreign import celebamask, mask_of, other_side, put


def run(*args: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "easyportrait", "data", "convert", *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_celebamask_is_converted_and_what_was_changed_is_counted(tmp_path: Path) -> None:
    celebamask(tmp_path / "celeba", face_mask(60, 50), 1)
    celebamask(tmp_path / "celeba", face_mask(60, 50), 2, rename=other_side)
    args = (tmp_path / "celeba", "-o", tmp_path / "out", "--from", "celebamask-hq")
    done = run(*args, "--to", "easyportrait-v2", "--folders", "--mend-sides", "--split", "val")
    assert done.returncode == 0 and done.stdout == "", done.stderr
    assert "1 masks had left and right brow the wrong way round: mended" in done.stderr
    assert "pixels are not known: 255" in done.stderr
    assert "2 pictures with masks are in" in done.stderr
    assert np.array_equal(
        mask_of(tmp_path / "out", "1", "val"), mask_of(tmp_path / "out", "2", "val")
    )
    again = run(*args, "--to", "coco")
    assert again.returncode == 6 and "not empty; name another folder" in again.stderr


def test_every_loss_is_named_and_the_status_tells(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        put(tmp_path / f"set/val/images/{name}.jpg", np.zeros((60, 50, 3), np.uint8))
        put(tmp_path / f"set/val/labels/{name}.png", face_mask(60, 50 + (name == "b")))
    (tmp_path / "set/val/labels/c.png").write_bytes(b"no picture")
    args = (tmp_path / "set", "-o", tmp_path / "out", "--from", "lapa", "--to", "yolo-seg")
    done = run(*args)
    assert done.returncode == 1 and "nothing was written" in done.stderr
    assert "Traceback" not in done.stderr and not any((tmp_path / "out").iterdir())
    assert "val/b: the picture is (60, 50)" in done.stderr and "labels/c.png is not" in done.stderr
    partial = run(*args, "--partial")
    assert partial.returncode == 1 and "the other 1 samples are in" in partial.stderr
    assert (tmp_path / "out/labels/val/a.txt").exists()
    assert run(*args[:4], "coco").returncode == 2


def test_polygons_are_simplified_and_their_order_counts_on_request(tmp_path: Path) -> None:
    mask = face_mask(240, 200)
    mask[100:104, 60:140] = 1  # glasses
    put(tmp_path / "set/img_dir/val/a.jpg", np.zeros((240, 200, 3), np.uint8))
    put(tmp_path / "set/ann_dir/val/a.png", mask)
    to_labelme = (
        tmp_path / "set",
        "-o",
        tmp_path / "out",
        "--from",
        "mmseg-joint",
        "--to",
        "labelme",
    )
    done = run(*to_labelme, "--simplify", 1)
    assert done.returncode == 0, done.stderr
    path = tmp_path / "out/val/a.json"
    shapes = json.loads(path.read_text())["shapes"]
    assert sum(len(shape["points"]) for shape in shapes) < 300
    path.write_text(path.read_text().replace(json.dumps(shapes[0]["label"]), '"teeth"', 1))
    back = (tmp_path / "out", "--from", "labelme", "--to", "mmseg-joint")
    for out, options in (("class", ()), ("order", ("--later-wins",))):
        assert run(*back, "-o", tmp_path / out, *options).returncode == 0
    by_class, by_order = (
        read_mask(tmp_path / out / "ann_dir/val/a.png") for out in ("class", "order")
    )
    assert (by_class == 2).sum() == 0 and (by_order == 2).sum() > 1000
