from pathlib import Path

import cv2
import pytest

from easyportrait.data.repeats import repeats
from easyportrait.errors import BadInput
from tests.unit.data.drawn import as_file
from tests.unit.data.heap import put, save
from tests.unit.data.planted import FAULTS, scene, sound


def test_a_folder_is_searched_and_masks_are_no_photographs(tmp_path: Path) -> None:
    heap = put(tmp_path / "heap", range(3))
    image = cv2.resize(scene(1)[0], (300, 320), interpolation=cv2.INTER_CUBIC)
    (heap / "images/deep").mkdir()
    save(heap / "images/deep/large.png", as_file(image, "PNG"))
    save(heap / "images/bad.jpg", b"words")
    told: list[tuple[int, int]] = []
    found = repeats(heap, progress=lambda *n: told.append(n))
    ((large, small),) = found.groups
    assert (large.name, large.width, large.height) == ("images/deep/large.png", 300, 320)
    assert large.bits == 0 and small.name == "images/p1.jpg" and small.bits <= 4
    assert found.pictures == 5 and told == [(i, 5) for i in range(1, 6)]
    (line,) = found.unreadable
    assert "bad.jpg is not a picture" in line
    assert found.to_dict()["groups"][0][1]["name"] == "images/p1.jpg"


def test_a_dataset_tells_the_splits_too(tmp_path: Path) -> None:
    root = sound(tmp_path / "set")
    assert repeats(root).groups == []
    FAULTS["duplicate-across-splits"][0](root)
    ((copy, first),) = repeats(root).groups
    assert [(copy.name, copy.split), (first.name, first.split)] == [
        ("val/copy", "val"),
        ("train/p0", "train"),
    ]


@pytest.mark.parametrize(
    ("make", "bits", "message"),
    [(False, 4, "does not exist"), (True, 4, "holds no pictures"), (True, 33, "0 to 32 bits")],
)
def test_what_cannot_be_searched_is_said(
    tmp_path: Path, make: bool, bits: int, message: str
) -> None:
    if make:
        (tmp_path / "x/masks").mkdir(parents=True)
        save(tmp_path / "x/masks/a.png", b"")
    with pytest.raises(BadInput, match=message):
        repeats(tmp_path / "x", bits)
