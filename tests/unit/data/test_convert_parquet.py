import re
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from easyportrait import EasyPortrait
from easyportrait.data.convert import convert, parquet
from easyportrait.errors import BadInput, MissingExtra, OutputUnwritable, SomeFailed
from tests.unit.data.drawn import as_file
from tests.unit.data.foreign import hard_masks, mask_of, source, there

PICTURE = as_file(np.zeros((24, 20, 3), np.uint8), "JPEG")
MASK = as_file(np.ones((24, 20), np.uint8), "PNG")


def rows(root: Path, table: dict[str, list], file: str = "data/validation-00000-of-00001") -> Path:
    path = root / f"{file}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    pl.DataFrame(table).write_parquet(path)
    return root


def test_files_hold_few_rows_and_say_that_they_hold_pictures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet, "SHARD", 1)
    convert(source(tmp_path / "set"), tmp_path / "out", "easyportrait-v1", "parquet")
    names = [f"{split}-0000{i}.parquet" for split in ("test", "train", "val") for i in (0, 1)]
    assert sorted(p.name for p in (tmp_path / "out/data").iterdir()) == names
    path = tmp_path / "out/data/train-00001.parquet"
    card = (tmp_path / "out/README.md").read_text()
    told = re.findall(r"  - name: (\w+)\n    dtype: (\w+)\n", card.split("---\n")[1])
    assert [name for name, _ in told] == pl.read_parquet(path).columns
    assert [name for name, kind in told if kind == "image"] == ["image", "mask"]
    assert pl.read_parquet(path)["image"].struct.field("path").to_list() == ["p1.jpg"]
    back, _ = there(tmp_path / "out", "parquet", tmp_path / "back")
    assert [s.meta["user"] for s in EasyPortrait(back)] == ["u0", "u0", "u1", "u1", "u2", "u2"]
    assert (mask_of(back, "p1") == hard_masks()[1]).all()


def test_what_others_wrote_is_read_by_its_paths(tmp_path: Path) -> None:
    count = 2 * parquet.TOGETHER + 3
    images = [{"bytes": PICTURE, "path": f"there/a{i}.jpg"} for i in range(count)]
    masks = [
        {"bytes": as_file(np.full((24, 20), i % 9, np.uint8), "PNG"), "path": None}
        for i in range(count)
    ]
    root = rows(tmp_path / "set", {"image": images, "mask": masks, "caption": ["x"] * count})
    out, _ = there(root, "parquet", tmp_path / "out")
    assert all((mask_of(out, f"a{i}", "val") == i % 9).all() for i in range(count))
    nameless = [{"bytes": PICTURE, "path": None}]
    rows(tmp_path / "bare", {"image": nameless, "mask": masks[:1]}, "rows")
    out, _ = there(tmp_path / "bare", "parquet", tmp_path / "bare-out")
    assert (mask_of(out, "rows-000000") == 0).all()


def test_pictures_that_lie_elsewhere_are_not_looked_for(tmp_path: Path) -> None:
    image = [{"bytes": None, "path": "a.jpg"}]
    root = rows(tmp_path / "set", {"image": image, "mask": [{"bytes": MASK, "path": "a.png"}]})
    with pytest.raises((BadInput, SomeFailed), match=r"row 1, image holds no bytes|column 'image'"):
        there(root, "parquet", tmp_path / "out")


def test_a_file_without_image_and_mask_says_what_it_has(tmp_path: Path) -> None:
    cell = [{"bytes": MASK, "path": "a.png"}]
    root = rows(tmp_path / "set", {"image": cell, "label": cell})
    with pytest.raises(BadInput, match=r"no column 'mask' of bytes and path; it has image, label"):
        there(root, "parquet", tmp_path / "out")
    rows(tmp_path / "text", {"image": ["a.jpg"], "mask": cell})
    with pytest.raises(BadInput, match="no column 'image' of bytes"):
        there(tmp_path / "text", "parquet", tmp_path / "out")


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    cell = [{"bytes": MASK, "path": "a.png"}]
    path = rows(tmp_path / "set", {"image": cell, "mask": cell}) / "data/validation-00000-of-00001"
    whole = path.with_suffix(".parquet").read_bytes()
    path.with_suffix(".parquet").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BadInput, match=r"validation-00000-of-00001\.parquet is no Parquet file"):
        there(tmp_path / "set", "parquet", tmp_path / "out")


def test_without_polars_the_extra_is_named_before_any_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    convert(source(tmp_path / "set"), tmp_path / "mmseg", "easyportrait-v1", "mmseg-joint")
    monkeypatch.setitem(sys.modules, "polars", None)
    with pytest.raises(MissingExtra, match=r"easyportrait\[data\]"):
        convert(tmp_path / "mmseg", tmp_path / "out", "mmseg-joint", "parquet")
    convert(tmp_path / "mmseg", tmp_path / "out", "mmseg-joint", "coco")  # needs none


def test_a_full_disk_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: object, **how: object) -> None:
        raise pl.exceptions.ComputeError("parquet: File too large (os error 27)")

    monkeypatch.setattr(pl.DataFrame, "write_parquet", full)
    with pytest.raises(OutputUnwritable, match=r"00000\.parquet cannot be written: .*too large"):
        convert(source(tmp_path / "set"), tmp_path / "out", "easyportrait-v1", "parquet")
    assert not [*(tmp_path / "out").iterdir()]
