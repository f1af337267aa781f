import base64
import io
import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pil

from easyportrait.data.evidence import Thresholds
from easyportrait.data.layout import LAYOUTS, Layout
from easyportrait.data.page import MARK, write_page
from easyportrait.data.verify import verify
from easyportrait.errors import BadInput
from easyportrait.image.io import read_mask, write_image
from tests.unit.data.drawn import FORMS, as_file, drawn
from tests.unit.data.planted import CHEEK, FAULTS, entry, rewrite, scene, sound, spotted


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sound(tmp_path_factory.mktemp("sound"))


@pytest.fixture
def root(clean: Path, tmp_path: Path) -> Path:
    shutil.copytree(clean, tmp_path / "data")
    return tmp_path / "data"


def kinds(root: Path, **thresholds: float) -> list[str]:
    return [finding.kind for finding in verify(root, Thresholds(**thresholds)).findings]


# -- what is looked at ---------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS.keys())
def test_sound_is_silent_in_every_shape(tmp_path: Path, layout: Layout, form: str) -> None:
    entries = [entry(i, split) for i, split in enumerate(("train", "val", "test"))]
    report = verify(drawn(tmp_path, layout, form, entries))
    assert report.findings == () and report.pictures == 3 and report.has_table


def test_without_a_table_files_are_looked_at_all_the_same(root: Path) -> None:
    (root / "annotations/meta.csv").unlink()
    report = verify(root)
    assert report.findings == () and not report.has_table


def test_faults_do_not_hide_each_other_and_come_in_the_order_of_the_table(root: Path) -> None:
    wanted = ["stray", "user-in-two-splits", "duplicate", "values", "sides"]
    for kind in reversed(wanted):
        FAULTS[kind][0](root)
    assert kinds(root) == wanted


def test_one_bad_mask_has_all_that_is_wrong_with_it_told(root: Path) -> None:
    spotted(8, 2, CHEEK)(root)
    spotted(77, 3, (4, 4))(root)
    FAULTS["sides"][0](root)
    found = verify(root).findings
    assert [f.kind for f in found] == ["values", "sides", "specks"]
    assert {(f.split, f.name) for f in found} == {("train", "p0")}
    assert found[0].details == {"values": {77: 9}, "boxes": [[4, 4, 7, 7]]}
    assert str(found[0]) == "train/p0: values that are no class 0..8: 77 (9 px)"


def test_a_long_list_of_one_split_does_not_hide_the_other(root: Path) -> None:
    FAULTS["user-in-two-splits"][0](root)

    def with_many(rows: list[dict[str, str]]) -> list[dict[str, str]]:
        more = [rows[0] | {"attachment_id": f"gone{i}"} for i in range(40)]
        return [*rows[:1], *more, *rows[1:]]

    rewrite(root, with_many)
    (found,) = verify(root, skip=["no-picture"]).findings
    assert found.details["pictures"][:3] == [["train", "p0"], ["val", "p2"], ["train", "gone0"]]
    assert found.details["count"] == 42 and len(found.details["pictures"]) == 20


def test_a_damaged_member_of_an_archive_is_one_finding(tmp_path: Path) -> None:
    entries = [entry(i, split) for i, split in enumerate(("train", "val", "test"))]
    root = drawn(tmp_path, LAYOUTS["v1"], "archives", entries)
    archive = root / "images.zip"
    data = bytearray(archive.read_bytes())
    data[1000] ^= 255
    archive.write_bytes(data)
    (found,) = verify(root).findings
    assert (found.kind, found.name) == ("unreadable", "p0")
    assert "images.zip/train/p0.jpg is damaged: it fails its checksum" in found.message


def test_rows_of_a_split_that_was_not_fetched_are_no_fault(root: Path) -> None:
    for kind in ("images", "annotations"):
        shutil.rmtree(root / kind / "test")
    assert kinds(root) == []


def test_a_picture_on_its_side_is_as_large_as_people_see_it(root: Path) -> None:
    picture, _ = scene(0)
    exif = Pil.Exif()
    exif[0x0112] = 6  # to be turned a quarter clockwise
    lying = np.ascontiguousarray(np.rot90(picture))
    (root / "images/train/p0.jpg").write_bytes(as_file(lying, "JPEG", quality=90, exif=exif))
    assert kinds(root) == []
    write_image(root / "annotations/train/p0.png", np.rot90(scene(0)[1]).copy())
    (found,) = verify(root).findings
    assert found.kind == "size" and "before its EXIF orientation?" in found.message


def test_palette_masks_are_sound(root: Path) -> None:
    path = root / "annotations/train/p0.png"
    palette = Pil.fromarray(read_mask(path), "L").convert("P")
    palette.putdata(read_mask(path).ravel().tolist())
    path.write_bytes(as_file(palette, "PNG"))
    assert kinds(root) == []


# -- thresholds ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "which", "thresholds"),
    [
        ("values", 1, {"allow_255": True}),
        ("brightness-in-table", 0, {"brightness": 200}),
        ("hash-in-table", 0, {"hash_bits": 64}),
        ("specks", 0, {"speck_px": 4}),
        ("holes", 0, {"hole_px": 26}),
        ("holes", 1, {"hole_share": 0.2}),
        ("sides", 0, {"sides_apart": 9}),
    ],
)
def test_a_threshold_moves_its_check(
    root: Path, kind: str, which: int, thresholds: dict[str, float]
) -> None:
    FAULTS[kind][which](root)
    assert kinds(root) == [kind]
    assert kinds(root, **thresholds) == []


def test_the_distance_of_duplicates_can_be_set(root: Path) -> None:
    assert kinds(root, distance=0) == []
    (found,) = verify(root, Thresholds(distance=32)).findings
    assert found.kind == "duplicate-across-splits" and found.details["count"] == 6


def test_thresholds_that_make_no_sense_are_refused() -> None:
    with pytest.raises(BadInput, match="speck_px must be 0 or more, got -1"):
        Thresholds(speck_px=-1)
    with pytest.raises(BadInput, match="brightness must be 0 or more, got nan"):
        Thresholds(brightness=float("nan"))
    with pytest.raises(BadInput, match="distance is 0 to 32 bits, got 33"):
        Thresholds(distance=33)


def test_an_unknown_kind_to_skip_is_refused_with_those_there_are(root: Path) -> None:
    with pytest.raises(BadInput, match=r"no check 'speck' to skip; checks: unpaired, .*holes$"):
        verify(root, skip=["speck"])


def test_a_folder_without_a_dataset_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no picture with a mask was found"):
        verify(tmp_path)


def test_progress_counts_to_the_end(root: Path) -> None:
    seen: list[tuple[int, int]] = []
    verify(root, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(i, 6) for i in range(1, 7)]


# -- reports -------------------------------------------------------------------------------


class Page(HTMLParser):
    """Tags with their attributes, and the text of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.tags if name == tag]


def page_of(root: Path, path: Path, **how: int) -> tuple[Page, str]:
    write_page(verify(root), path, **how)
    text = path.read_text("utf-8")
    return Page(text), text


def test_json_tells_everything(root: Path) -> None:
    FAULTS["values"][0](root)
    told = json.loads(verify(root).to_json())
    assert told["counts"] == {"values": 1} and told["pictures"] == 6
    assert told["thresholds"]["speck_px"] == 8
    assert told["findings"] == [
        {
            "kind": "values",
            "name": "p0",
            "split": "train",
            "message": "values that are no class 0..8: 9 (9 px)",
            "details": {"values": {"9": 9}, "boxes": [[60, 90, 63, 93]]},
        }
    ]


def test_the_page_shows_picture_and_mask_with_the_fault_framed(root: Path, tmp_path: Path) -> None:
    FAULTS["holes"][0](root)
    page, _ = page_of(root, tmp_path / "page.html")
    (image,) = page.all("img")
    assert image["alt"] == "train/p0"
    data = base64.b64decode(str(image["src"]).removeprefix("data:image/jpeg;base64,"))
    shown = np.asarray(Pil.open(io.BytesIO(data)).convert("RGB")).astype(int)
    assert shown.shape == (160, 300, 3)
    red = np.abs(shown - MARK).sum(2) < 150
    assert red[:, 150:].sum() > 20 > red[:, :150].sum()
    assert "holes" in page.text and "enclosed by the face" in page.text


@pytest.mark.parametrize("kind", ["unreadable", "size", "mask-mode", "duplicate", "half-split"])
def test_the_page_shows_what_can_be_read(root: Path, tmp_path: Path, kind: str) -> None:
    FAULTS[kind][0](root)
    page, _ = page_of(root, tmp_path / "page.html")
    wanted = {"duplicate": 2, "half-split": 0}.get(kind, 1)
    assert len(page.all("img")) == wanted


def test_the_page_needs_nothing_else(root: Path, tmp_path: Path) -> None:
    for kind in ("specks", "no-row", "duplicate"):
        FAULTS[kind][0](root)
    page, text = page_of(root, tmp_path / "page.html")
    assert not page.all("script") and not page.all("link") and not re.search(r"https?:|url\(", text)
    sources = [str(image["src"]) for image in page.all("img")]
    assert sources and all(source.startswith("data:image/jpeg;base64,") for source in sources)
    assert all(str(a["href"]).startswith("#") for a in page.all("a"))
    assert "default-src 'none'" in str(page.all("meta")[1]["content"])
    assert "prefers-color-scheme: dark" in text


def test_a_file_name_cannot_become_a_tag(root: Path, tmp_path: Path) -> None:
    """What a file may be called on disk: all but a slash, quotes and brackets too."""
    name = "<script>alert(1)<" + "\\" + 'script>" onerror="x'
    picture, mask = scene(9)
    mask[4:6, 4:6] = 1
    (root / f"images/train/{name}.jpg").write_bytes(as_file(picture, "JPEG", quality=90))
    (root / f"annotations/train/{name}.png").write_bytes(as_file(mask, "PNG"))
    (root / "images" / "<img src=x>.png").write_bytes(b"")
    page, text = page_of(root, tmp_path / "page.html")
    assert not page.all("script") and "<script" not in text
    assert {image["alt"] for image in page.all("img")} == {f"train/{name}"}
    assert not any("onerror" in attrs for _, attrs in page.tags)
    assert f"train/{name}" in page.text and "images/<img src=x>.png" in page.text


def test_a_file_name_that_is_no_text_is_written_all_the_same(root: Path, tmp_path: Path) -> None:
    try:
        (root / "images" / "caf\udce9.txt").write_bytes(b"")
    except OSError:
        pytest.skip("this file system takes text only")
    _, text = page_of(root, tmp_path / "page.html")
    assert "images/caf\\udce9.txt" in text
    assert json.loads(verify(root).to_json())["findings"][0]["name"] == "images/caf\udce9.txt"


def test_what_the_page_leaves_out_is_counted(root: Path, tmp_path: Path) -> None:
    rewrite(root, lambda rows: rows[5:])
    page, _ = page_of(root, tmp_path / "page.html", shown=2)
    assert len(page.all("li")) == 2 and "and 3 more, not listed here" in page.text


def test_a_sound_page_says_so(root: Path, tmp_path: Path) -> None:
    page, _ = page_of(root, tmp_path / "page.html")
    assert "Sound: nothing was found." in page.text and not page.all("li")
