"""What every format that is written promises; a new one is tested by standing in the table."""

from pathlib import Path

import numpy as np
import pytest

from easyportrait import EasyPortrait
from easyportrait.data.convert import FORMATS, READERS, WRITERS, convert
from easyportrait.data.convert.samples import How, Notes
from easyportrait.errors import OutputUnwritable, SomeFailed
from tests.unit.data.drawn import as_file
from tests.unit.data.foreign import hard_masks, source, source_entries

DOC = Path(__file__).parents[2] / "docs" / "howto" / "convert.md"

every_writer = pytest.mark.parametrize("name", WRITERS)


def tree(root: Path) -> dict[str, bytes]:
    return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()}


@pytest.fixture
def original(tmp_path: Path) -> Path:
    return source(tmp_path / "source")


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_is_read_or_written_and_explained(name: str) -> None:
    assert name in READERS or name in WRITERS
    assert f"`{name}`" in DOC.read_text() and FORMATS[name].about and FORMATS[name].lies


@every_writer
def test_there_and_back_gives_the_same_masks_and_pictures(
    tmp_path: Path, original: Path, name: str
) -> None:
    assert name in READERS, f"{name} is written and cannot be checked by reading it again"
    assert convert(original, tmp_path / "there", "easyportrait-v1", name) == 6
    notes = Notes()
    folders = How(archives=False)
    convert(tmp_path / "there", tmp_path / "back", name, "easyportrait-v1", folders, notes=notes)
    back = EasyPortrait(tmp_path / "back")
    for sample, entry, mask in zip(back, source_entries(), hard_masks(), strict=True):
        assert (sample.name, sample.split) == (entry.name, entry.split)
        assert sample.image_file.read() == entry.image_file.read()
        assert np.array_equal(sample.mask, FORMATS[name].back(mask)), sample
        assert (sample.meta["height"], sample.meta["width"]) == mask.shape
    unknown = sum(int((FORMATS[name].back(mask) == 255).sum()) for mask in hard_masks())
    assert notes.counts["pixels are not known: 255"] == unknown


@every_writer
def test_the_same_source_gives_the_same_files(tmp_path: Path, original: Path, name: str) -> None:
    for out in ("once", "twice"):
        convert(original, tmp_path / out, "easyportrait-v1", name)
    assert tree(tmp_path / "once") == tree(tmp_path / "twice")


@every_writer
def test_a_folder_that_holds_something_is_refused(
    tmp_path: Path, original: Path, name: str
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "thesis.txt").write_text("words")
    with pytest.raises(OutputUnwritable, match="not empty; name another folder"):
        convert(original, out, "easyportrait-v1", name)
    assert tree(out) == {"thesis.txt": b"words"}


@every_writer
def test_a_bad_sample_is_named_and_nothing_is_left(
    tmp_path: Path, original: Path, name: str
) -> None:
    (original / "annotations/test/p4.png").write_bytes(b"no picture")
    (original / "annotations/val/p2.png").write_bytes(as_file(np.zeros((3, 4), "u1"), "PNG"))
    (original / "images/train/p1.jpg").write_bytes(b"")
    notes = Notes()
    with pytest.raises(SomeFailed, match=r"nothing was written.*3 samples.*train/p1"):
        convert(original, tmp_path / "out", "easyportrait-v1", name, notes=notes)
    assert tree(tmp_path / "out") == {}
    one, two, three = notes.lost
    assert "train/p1" in one and "not a picture" in one
    assert "val/p2" in two and "its mask (3, 4)" in two
    assert "test/p4" in three and "p4.png" in three


@every_writer
def test_the_rest_is_taken_on_request_and_the_loss_still_counts(
    tmp_path: Path, original: Path, name: str
) -> None:
    (original / "images/train/p0.jpg").write_bytes(b"")
    with pytest.raises(SomeFailed, match="the other 5 samples are in"):
        convert(original, tmp_path / "out", "easyportrait-v1", name, partial=True)
    back = How(archives=False)
    assert convert(tmp_path / "out", tmp_path / "back", name, "easyportrait-v1", back) == 5


@every_writer
def test_progress_counts_every_sample(tmp_path: Path, original: Path, name: str) -> None:
    told: list[tuple[int, int]] = []
    convert(original, tmp_path / "out", "easyportrait-v1", name, progress=lambda *n: told.append(n))
    assert told == [(i, 6) for i in range(1, 7)]
