"""Shards that hold a set, against the set itself."""

import tarfile
from pathlib import Path

import numpy as np
import pytest

from easyportrait.data.convert import convert, webdataset
from easyportrait.data.portraits import EasyPortraitFolder, PortraitFolder, open_folder
from easyportrait.data.shards import ShardFolder
from easyportrait.errors import BadInput
from tests.unit.data.planted import sound


@pytest.fixture
def shards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(webdataset, "SHARD", 1)
    convert(sound(tmp_path / "set"), tmp_path / "shards", "easyportrait-v1", "webdataset")
    return tmp_path / "shards"


@pytest.mark.parametrize("split", [None, "train", "val"])
def test_shards_are_the_set_that_they_were_made_of(shards: Path, split: str | None) -> None:
    ours, theirs = open_folder(shards, split), open_folder(shards.parent / "set", split)
    assert isinstance(ours, ShardFolder) and isinstance(theirs, EasyPortraitFolder)
    by_id = {portrait.id: portrait for portrait in theirs}
    assert sorted(row["id"] for row in ours.rows) == sorted(by_id) and len(ours) == len(by_id)
    for portrait in ours:
        other = by_id[portrait.id]
        assert np.array_equal(portrait.image, other.image)
        assert np.array_equal(portrait.mask, other.mask)
        for key in ("user", "split", "width", "height"):
            assert portrait.meta[key] == other.meta[key]


def test_one_tar_is_enough_and_any_picture_is_read_first(shards: Path) -> None:
    one = open_folder(shards / "val-000001.tar")
    assert [row["id"] for row in one.rows] == ["p3"] and one.rows[0]["split"] == "val"
    assert open_folder(shards)[5].image.shape[2] == 3


def test_a_set_beside_a_tar_is_that_set(shards: Path) -> None:
    (shards.parent / "set/backup.tar").write_bytes(b"whatever")
    assert isinstance(open_folder(shards.parent / "set"), EasyPortraitFolder)


def test_what_is_wrong_with_shards_is_said(shards: Path) -> None:
    with pytest.raises(BadInput, match=r"no split 'vall'; it has test, train, val"):
        open_folder(shards, "vall")
    (shards / "train-000009.tar").write_bytes((shards / "train-000000.tar").read_bytes())
    with pytest.raises(BadInput, match="1 names come twice: train/p0"):
        open_folder(shards)
    (shards / "train-000009.tar").write_bytes(b"no tar" * 999)
    with pytest.raises(BadInput, match=r"train-000009\.tar is no whole, uncompressed tar"):
        open_folder(shards)
    with tarfile.open(shards / "train-000009.tar", "w") as lone:
        lone.add(shards.parent / "set/images/train/p0.jpg", "q.jpg")
    with pytest.raises(BadInput, match=r"'q' has no \.png"):
        open_folder(shards)
    with tarfile.open(shards.parent / "empty.tar", "w"):
        pass
    with pytest.raises(BadInput, match="hold no pictures with masks"):
        open_folder(shards.parent / "empty.tar")


def test_a_plain_folder_stays_one(portraits: Path) -> None:
    assert isinstance(open_folder(portraits), PortraitFolder)
