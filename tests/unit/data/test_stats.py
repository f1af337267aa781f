import json
import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from easyportrait.data.layout import LAYOUTS, V1, write_dataset
from easyportrait.data.measures import Measures
from easyportrait.data.plots import MARKS, SPLIT_COLOURS, load_matplotlib
from easyportrait.data.stats import ALL, Stats, stats
from easyportrait.data.stats_page import SPREADS, overview, page, verdicts, write_page
from easyportrait.errors import BadInput, MissingExtra
from easyportrait.taxonomy import CLASSES
from tests.unit.data.drawn import FORMS, drawn
from tests.unit.data.numbers import measured
from tests.unit.data.planted import cut, entry, masked, removed, scene, sound, spotted


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures 0 and 1 in train, 2 and 3 in val, 4 and 5 in test."""
    return sound(tmp_path_factory.mktemp("sound"))


@pytest.fixture(scope="module")
def found(clean: Path) -> Stats:
    return stats(clean)


@pytest.fixture
def root(clean: Path, tmp_path: Path) -> Path:
    shutil.copytree(clean, tmp_path / "data")
    return tmp_path / "data"


# -- numbers -------------------------------------------------------------------------------


def test_every_picture_is_in_its_split_and_in_all(found: Stats) -> None:
    assert {group: [p.name for p in ps] for group, ps in found.groups.items()} == {
        "train": ["p0", "p1"],
        "val": ["p2", "p3"],
        "test": ["p4", "p5"],
        "all": ["p0", "p1", "p2", "p3", "p4", "p5"],
    }
    assert found.users == {"train": 2, "val": 2, "test": 2, "all": 6}
    assert found.failures == () and found.left_out == ()


def test_classes_are_counted_over_the_pixels_of_a_group(found: Stats) -> None:
    masks = [scene(i)[1] for i in range(6)]
    for group, some in (("val", masks[2:4]), (ALL, masks)):
        pixels = np.concatenate([mask.ravel() for mask in some])
        for index, name in enumerate(CLASSES.names):
            count = found.classes[name][group]
            assert count.pixels == (pixels == index).sum()
            assert count.share == pytest.approx((pixels == index).mean())
            assert (count.masks, count.masks_share) == (len(some), 1)
        assert found.classes["unknown"][group].pixels == 0


def test_a_class_that_some_masks_lack_and_values_of_no_class_are_told(root: Path) -> None:
    masked(lambda mask: np.where(mask == 8, 7, mask).astype(np.uint8))(root)
    spotted(255, 3, (0, 0))(root)
    spotted(77, 2, (10, 0))(root)
    classes = stats(root).classes
    assert (classes["teeth"]["train"].masks, classes["teeth"][ALL].masks) == (1, 5)
    assert classes["teeth"]["train"].masks_share == 0.5
    assert (classes["unknown"][ALL].pixels, classes["no class"][ALL].pixels) == (9, 4)
    assert sum(counts[ALL].share for counts in classes.values()) == pytest.approx(1)


def test_sizes_are_counted_the_commonest_first(tmp_path: Path) -> None:
    entries = [entry(0, "train", name=f"n{i}") for i in range(3)] + [entry(1, "train")]
    write_dataset(entries, tmp_path / "d", V1)
    assert stats(tmp_path / "d").sizes["train"] == ((150, 160, 3), (150, 164, 1))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS.keys())
def test_it_reads_every_shape_of_dataset(tmp_path: Path, layout: object, form: str) -> None:
    entries = [entry(i, split) for i, split in enumerate(("train", "val", "test"))]
    found = stats(drawn(tmp_path, layout, form, entries))  # type: ignore[arg-type]
    assert [p.name for p in found.pictures] == ["p0", "p1", "p2"] and found.users[ALL] == 3


def test_without_a_table_nobody_is_known(root: Path) -> None:
    (root / "annotations/meta.csv").unlink()
    found = stats(root)
    assert len(found.pictures) == 6 and set(found.users.values()) == {0}
    assert found.quantities["user_pictures"][ALL].n == 0
    assert not [d for d in found.differences if d.quantity == "user_pictures"]
    assert "no table tells whose they are" in page(found)


def test_splits_can_be_chosen(clean: Path) -> None:
    found = stats(clean, splits=["val", "test"])
    assert found.splits == ("val", "test") and len(found.pictures) == 4
    assert {(d.first, d.second) for d in found.differences} == {("val", "test")}
    assert stats(clean, splits=["val"]).differences == ()
    with pytest.raises(BadInput, match="no split 'vall'; it has train, val, test"):
        stats(clean, splits=["vall"])


def test_progress_counts_to_the_end(clean: Path) -> None:
    seen: list[tuple[int, int]] = []
    stats(clean, splits=["val"], progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 2), (2, 2)]


# -- what is wrong -------------------------------------------------------------------------


def test_a_bad_file_is_named_and_the_rest_counts(root: Path) -> None:
    cut("images/train/p0.jpg")(root)
    (root / "annotations/val/p2.png").write_bytes(b"no picture")
    found = stats(root)
    assert [p.name for p in found.pictures] == ["p1", "p3", "p4", "p5"]
    assert [(f.split, f.name) for f in found.failures] == [("train", "p0"), ("val", "p2")]
    assert str(found.failures[0]).startswith("train/p0: ") and "p0.jpg" in str(found.failures[0])
    assert json.loads(found.to_json())["failures"][1]["name"] == "p2"
    assert "2 could not be measured" in page(found) and "val/p2: " in page(found)


def test_where_nothing_can_be_measured_nothing_is_told(root: Path) -> None:
    for path in root.glob("images/*/*.jpg"):
        path.write_bytes(b"")
    with pytest.raises(BadInput, match="none of 6 pictures can be measured; the first, train/p0: "):
        stats(root)


def test_what_has_no_partner_is_told(root: Path) -> None:
    removed("annotations/train/p0.png")(root)
    found = stats(root)
    assert len(found.pictures) == 5
    assert "files have no partner of the same name and split: images/train/p0" in found.left_out[0]
    assert "images/train/p0.jpg" in page(found)


# -- JSON ----------------------------------------------------------------------------------


def test_json_tells_every_number(found: Stats, clean: Path) -> None:
    told = json.loads(found.to_json())
    assert told["root"] == str(clean) and told["pictures"]["all"] == 6
    assert told["classes"]["skin"]["val"]["pixels"] == found.classes["skin"]["val"].pixels
    light = told["quantities"]["brightness"]
    assert sum(light["all"]["counts"]) == 6 == light["all"]["n"]
    assert len(light["edges"]) == len(light["val"]["counts"]) + 1
    assert light["val"]["mean"] == pytest.approx(
        np.mean([p.brightness for p in found.groups["val"]])
    )
    assert len(told["differences"]) == 3 * 17
    assert {"quantity", "first", "second", "distance", "chance", "is_telling"} == set(
        told["differences"][0]
    )
    each = told["each"][2]
    assert (each["name"], each["split"], each["user"]) == ("p2", "val", "u2")
    assert each["pixels"]["teeth"] == (scene(2)[1] == 8).sum()
    assert each["faces"][0]["height"] == found.pictures[2].faces[0].height


# -- words and the page --------------------------------------------------------------------


def several(split: str, light: float, users: int) -> list[Measures]:
    rng = np.random.default_rng(users)
    return [
        measured(f"{split}{i}", f"{split}{i}", rng.normal(light, 20), split=split)
        for i in range(users)
    ]


def test_splits_that_differ_are_told_in_what() -> None:
    pictures = [*several("train", 90, 200), *several("val", 160, 100), *several("test", 90, 150)]
    told = dict(verdicts(Stats(Path("d"), tuple(pictures))))
    assert re.fullmatch(r"differ in brightness \(0\.\d\d\)", told["train", "val"])
    assert told["train", "test"].startswith("alike: none of ")
    few = [*several("train", 90, 2), *several("val", 160, 2)]
    assert verdicts(Stats(Path("d"), tuple(few))) == [(("train", "val"), "too few users to tell")]


def test_the_overview_has_a_cell_for_each_group(found: Stats) -> None:
    rows = {name: cells for name, *cells in overview(found)}
    assert rows["pictures"] == ["2", "2", "2", "6"]
    assert rows["shorter side, pixels"] == ["150 (150 to 150)"] * 4
    assert rows["pictures without a face"] == ["0 %"] * 4
    assert all(len(cells) == 4 for cells in rows.values())


def test_the_page_needs_nothing_else_and_shows_every_plot(found: Stats, tmp_path: Path) -> None:
    write_page(found, tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text("utf-8")
    assert not re.search(r"https?:|//|<script|<link|<image|@import|src=", text)
    assert all(target in text for target in re.findall(r'(?:href="|url\()#(\w+)', text))
    assert set(re.findall(r"url\((.)", text)) <= {"#"}
    assert "default-src 'none'" in text and "prefers-color-scheme: dark" in text
    assert text.count("<svg") == 4 + len(SPREADS) == text.count("<figure")
    assert "0a0b0" not in text  # each stand-in has become a colour of the page
    for label in CLASSES.labels:
        assert "#{:02x}{:02x}{:02x}".format(*label.rgb) in text
    for split in ("train", "val", "test"):
        assert text.count(SPLIT_COLOURS[split]) > len(SPREADS)
    for mark in MARKS.values():
        assert mark.letter in text
    assert len(text) < 400_000


def test_a_page_of_one_split_compares_nothing(clean: Path) -> None:
    text = page(stats(clean, splits=["val"]))
    assert "Do the splits look alike?" not in text
    assert text.count("<svg") == 3 + len(SPREADS)


def test_a_page_of_masks_without_faces_has_no_plots_of_them(root: Path) -> None:
    for path in root.glob("annotations/*/*.png"):
        masked_all = masked(np.zeros_like)
        if path.stem == "p0":
            masked_all(root)
        else:
            path.unlink()
    found = stats(root)
    assert found.quantities["roll"][ALL].n == 0
    text = page(found)
    assert "roll of a face</h3>" not in text and "brightness</h3>" in text
    assert ["roll of a face, degrees", "-", "-"] in overview(found)


def test_a_file_name_cannot_become_a_tag(root: Path) -> None:
    name = "<script>alert(1)<" + "\\" + 'script>" onerror="x'
    (root / f"images/train/{name}.jpg").write_bytes(b"\xff\xd8\xff")
    (root / f"annotations/train/{name}.png").write_bytes(b"")
    assert "<script>" not in page(stats(root))


def test_without_matplotlib_the_page_says_what_it_needs(
    found: Stats, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingExtra, match=r"needs matplotlib.*easyportrait\[data\]"):
        load_matplotlib()
    with pytest.raises(MissingExtra):
        page(found)
