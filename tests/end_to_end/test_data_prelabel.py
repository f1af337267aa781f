"""`easyportrait data prelabel` as annotators' helpers use it, with the net that is inside."""

import csv
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from easyportrait.assets import DEMO
from easyportrait.image.io import read_image, read_mask, read_notes, write_image
from tests.unit.data.foreign import mask_of, there


def run(*args: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "easyportrait", "data", "prelabel", *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("photos")
    (root / "more").mkdir()
    image = read_image(DEMO)
    write_image(root / "astronaut.jpg", image)
    write_image(root / "more/small.png", np.ascontiguousarray(image[::3, ::3]))
    (root / "broken.jpg").write_bytes(b"no picture")
    return root


def test_photos_become_files_that_annotators_correct_and_that_come_back(
    tmp_path: Path, photos: Path
) -> None:
    out = tmp_path / "pre"
    args = (photos, "-o", out, "--to", "cvat", "--to", "labelme", "--to", "masks")
    done = run(*args)
    assert done.returncode == 1 and "broken.jpg is not a picture" in done.stderr
    assert "Traceback" not in done.stderr and "1 of 3 failed" in done.stderr
    masks = {path.stem: read_mask(path) for path in (out / "masks").iterdir()}
    assert masks.keys() == {"astronaut", "more-small"}
    assert {1, 2, 5, 6, 7} <= set(np.unique(masks["astronaut"]))

    table = [*csv.DictReader((out / "least-sure-first.csv").read_text().splitlines())]
    assert {row["name"] for row in table} == masks.keys()
    assert 0.3 < float(table[0]["sure"]) <= float(table[1]["sure"]) < 1

    cvat, _ = there(out / "cvat", "cvat", tmp_path / "back")
    assert np.array_equal(mask_of(cvat, "more-small"), masks["more-small"])
    labelme, _ = there(out / "labelme", "labelme", tmp_path / "lines")
    same = mask_of(labelme, "astronaut") == masks["astronaut"]
    assert same.mean() > 0.98 and not same.all()  # simplified

    again = run(*args)
    assert again.returncode == 1 and masks.keys() == {p.stem for p in (out / "masks").iterdir()}
    (photos / "broken.jpg").unlink()
    (out / "labelme/train/astronaut.json").write_text("{}")
    shutil.copy(DEMO, photos / "new.jpg")
    more = run(*args)
    assert more.returncode == 1 and "somebody may have worked on it" in more.stderr
    assert (out / "labelme/train/astronaut.json").read_text() == "{}"
    assert "new.jpg" in (out / "cvat/annotations.xml").read_text()


def test_unsure_pixels_are_255_and_everything_is_told_on_success(tmp_path: Path) -> None:
    done = run(DEMO, "-o", tmp_path, "--unsure", 0.6, "--looks", 1)
    assert done.returncode == 0, done.stderr
    assert "least sure first" in done.stdout and "1 pre-labelled" in done.stderr
    (path,) = (tmp_path / "masks").iterdir()
    share = (read_mask(path) == 255).mean()
    (row,) = csv.DictReader((tmp_path / "least-sure-first.csv").read_text().splitlines())
    assert 0 < share < 0.1 and share == pytest.approx(float(row["unsure_pixels"]), abs=1e-5)
    assert "255 under 0.6" in read_notes(path)["easyportrait"]


def test_what_cannot_be_done_is_said_before_it_begins(tmp_path: Path) -> None:
    wrong = run(DEMO, "-o", tmp_path, "--to", "voc")
    assert wrong.returncode == 3 and "no format 'voc' that is written; there are masks, " in (
        wrong.stderr
    )
    stdin = run("-", "-o", tmp_path)
    assert stdin.returncode == 3 and "are files; name them instead of -" in stdin.stderr
    assert [*tmp_path.iterdir()] == []
