import shutil
from pathlib import Path

import pytest

from easyportrait.data.portraits import PortraitFolder
from easyportrait.errors import BadInput, ImageUnreadable


@pytest.fixture
def own(portraits: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(portraits, tmp_path / "own"))


def test_pairs_are_matched_by_name_and_split_by_the_manifest(portraits: Path) -> None:
    assert len(PortraitFolder(portraits)) == 8
    val = PortraitFolder(portraits, "val")
    assert [p.id for p in val] == ["p6", "p7"]
    assert all(p.image.shape[:2] == p.mask.shape for p in val)
    assert val[0].meta["licence"] == "CC0-1.0"


def test_without_a_manifest_every_pair_is_a_row(own: Path) -> None:
    (own / "manifest.jsonl").unlink()
    assert [row["id"] for row in PortraitFolder(own).rows] == [f"p{i}" for i in range(8)]


def test_losses_are_named(own: Path) -> None:
    (own / "masks" / "p3.png").unlink()
    with pytest.raises(BadInput, match="1 names have a picture or a mask but not both: p3"):
        PortraitFolder(own)
    (own / "images" / "p3.jpg").unlink()
    with pytest.raises(BadInput, match="1 pictures that are not there"):
        PortraitFolder(own)


def test_what_is_missing_is_said(own: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"no row with split 'test'"):
        PortraitFolder(own, "test")
    with pytest.raises(BadInput, match=r"holds no \.jpg files"):
        PortraitFolder(tmp_path)
    (own / "images" / "p0.jpg").write_bytes(b"")
    with pytest.raises(ImageUnreadable, match=r"p0\.jpg"):
        PortraitFolder(own)[0]
