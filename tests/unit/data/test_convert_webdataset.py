import json
import tarfile
from pathlib import Path

import numpy as np
import pytest

from easyportrait import EasyPortrait
from easyportrait.data.convert import convert, webdataset
from easyportrait.errors import BadInput, SomeFailed
from tests.unit.data.foreign import hard_masks, mask_of, put, source, there


def test_a_split_is_cut_into_shards_of_three_files_a_sample(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webdataset, "SHARD", 1)
    convert(source(tmp_path / "set"), tmp_path / "out", "easyportrait-v1", "webdataset")
    names = [f"{split}-00000{i}.tar" for split in ("test", "train", "val") for i in (0, 1)]
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == names
    with tarfile.open(tmp_path / "out/train-000001.tar") as shard:
        assert shard.getnames() == ["p1.jpg", "p1.png", "p1.json"]
        meta = shard.extractfile("p1.json")
        assert meta is not None and json.load(meta)["user"] == "u0"
    back, _ = there(tmp_path / "out", "webdataset", tmp_path / "back")
    assert [s.meta["user"] for s in EasyPortrait(back)] == ["u0", "u0", "u1", "u1", "u2", "u2"]
    assert (mask_of(back, "p1") == hard_masks()[1]).all()


def packed(tmp_path: Path, *names: str, shard: str = "shard.tar") -> Path:
    """A shard of one picture of 24 x 20 pixels and its mask, under these names."""
    root = tmp_path / "shards"
    root.mkdir(exist_ok=True)
    with tarfile.open(root / shard, "w") as archive:
        for i, name in enumerate(names):
            path = tmp_path / "files" / f"{i}{Path(name).suffix}"
            shape = (24, 20, 3) if path.suffix == ".jpg" else (24, 20)
            put(path, np.ones(shape, np.uint8))
            archive.add(path, name)
    return root


def test_what_others_wrote_is_read_without_json_and_with_folders(tmp_path: Path) -> None:
    root = packed(tmp_path, "here/a.jpg", "here/a.png", "here/a.cls.png")
    out, notes = there(root, "webdataset", tmp_path / "out")
    assert (mask_of(out, "a") == 1).all()
    assert notes.counts["files are of no use here and were left alone"] == 1


def test_a_sample_that_is_not_whole_is_named(tmp_path: Path) -> None:
    root = packed(tmp_path, "a.jpg", "a.png", "b.jpg", "c.png")
    with pytest.raises(SomeFailed, match=r"2 samples or files.*shard\.tar: 'b' has no \.png"):
        there(root, "webdataset", tmp_path / "out")


def test_a_tar_that_is_cut_short_or_none_is_refused(tmp_path: Path) -> None:
    root = packed(tmp_path, "a.jpg", "a.png")
    whole = (root / "shard.tar").read_bytes()
    (root / "shard.tar").write_bytes(whole[:700])
    with pytest.raises((BadInput, SomeFailed), match=r"shard\.tar"):
        there(root, "webdataset", tmp_path / "out")
    (root / "shard.tar").write_bytes(b"no tar")
    with pytest.raises(BadInput, match="is no whole, uncompressed tar"):
        there(root, "webdataset", tmp_path / "out")


def test_a_name_with_a_dot_is_refused(tmp_path: Path) -> None:
    put(tmp_path / "set/img_dir/val/a.b.jpg", np.zeros((24, 20, 3), np.uint8))
    put(tmp_path / "set/ann_dir/val/a.b.png", np.zeros((24, 20), np.uint8))
    with pytest.raises(BadInput, match=r"val/a\.b: WebDataset cuts names at a dot"):
        convert(tmp_path / "set", tmp_path / "out", "mmseg-joint", "webdataset")
    assert not any((tmp_path / "out").iterdir())
