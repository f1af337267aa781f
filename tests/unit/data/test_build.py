import csv
import io
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from easyportrait import EasyPortrait, demo_image
from easyportrait.data import build as module
from easyportrait.data.build import build
from easyportrait.data.building import pictures
from easyportrait.data.building.how import How
from easyportrait.data.building.report import Report
from easyportrait.data.quality import Limits
from easyportrait.data.verify import verify
from easyportrait.errors import BadInput, OutputUnwritable, SomeFailed
from tests.unit.data.drawn import as_file
from tests.unit.data.heap import LAX, built, noise, put, save, splits_in, told, tree
from tests.unit.data.planted import scene
from tests.unit.data.test_build_pictures import Finder, turned

HALVES = {"train": 0.5, "test": 0.5}


def twin(heap: Path, of: int, name: str, *, side: int = 200) -> None:
    """A picture once more, smaller or larger, under another name."""
    picture, mask = scene(of)
    size = (side, side * picture.shape[0] // picture.shape[1])
    image = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    small = cv2.resize(mask, size, interpolation=cv2.INTER_NEAREST)
    save(heap / f"images/{name}.jpg", as_file(image, "JPEG", quality=80))
    save(heap / f"masks/{name}.png", as_file(small, "PNG"))


# -- what is written -----------------------------------------------------------------------


@pytest.mark.parametrize("version", ["v1", "v2"])
@pytest.mark.parametrize("archives", [True, False], ids=["zips", "folders"])
def test_a_heap_becomes_a_sound_dataset(tmp_path: Path, version: str, archives: bool) -> None:
    heap = put(tmp_path / "heap", range(12), users=2)
    report = built(heap, tmp_path / "out", version=version, archives=archives)
    assert verify(tmp_path / "out").findings == ()
    dataset = EasyPortrait(tmp_path / "out")
    assert (
        len(dataset) == 12
        and report.is_written
        and set(report.splits) == {f"p{i}" for i in range(12)}
    )
    for entry in dataset.entries:
        assert entry.image_file.read() == (heap / f"images/{entry.name}.jpg").read_bytes()
        assert entry.mask_file.read() == (heap / f"masks/{entry.name}.png").read_bytes()
        assert entry.meta["user"] == f"u{int(entry.name[1:]) // 2}"
        assert report.splits[entry.name] == entry.split
    assert told(tmp_path / "out")["is_written"] is True
    names = {path.name for path in (tmp_path / "out").iterdir()} - {".build", "build.json"}
    suffix = ".zip" if archives else ""
    home = {"meta" + (".zip" if archives else ".csv")} if version == "v2" else set()
    assert names == {f"images{suffix}", f"annotations{suffix}"} | home


def test_each_kind_of_picture_and_mask_comes_out_the_same(tmp_path: Path) -> None:
    heap = put(tmp_path / "heap", range(2))
    for i, (suffix, data) in enumerate((("jpg", turned(6)), ("png", as_file(scene(0)[0], "PNG")))):
        save(heap / f"images/q{i}.{suffix}", data)
        save(heap / f"masks/q{i}.png", as_file(scene(0)[1], "PNG"))
    report = built(heap, tmp_path / "out", duplicates="keep")
    assert "2 photographs were not upright RGB JPEG and are now, at quality 92" in report.remarks
    skip = {"duplicate", "duplicate-across-splits"}
    assert verify(tmp_path / "out", skip=skip).findings == ()
    q0, q1 = (e for e in EasyPortrait(tmp_path / "out") if e.name.startswith("q"))
    assert np.array_equal(q0.mask, q1.mask) and q0.image.shape == q1.image.shape


def test_255_is_taken_and_said(tmp_path: Path) -> None:
    heap = put(tmp_path / "heap", range(3))
    mask = scene(9)[1]
    mask[:3, :3] = 255
    save(heap / "images/p9.jpg", as_file(scene(9)[0], "JPEG"))
    save(heap / "masks/p9.png", as_file(mask, "PNG"))
    report = built(heap, tmp_path / "out")
    assert any("1 masks have pixels that are 255" in line for line in report.remarks)


# -- what is left out ----------------------------------------------------------------------


def test_each_picture_that_is_left_out_is_named_with_reason_and_value(tmp_path: Path) -> None:
    heap = put(tmp_path / "heap", range(4))
    picture, mask = scene(8)
    photo = demo_image()
    spoilt = {
        "dark": (picture // 16, mask),
        "soft": (cv2.GaussianBlur(photo, (0, 0), 4), np.ones(photo.shape[:2], np.uint8)),
        "tiny": (picture[:90, :90], mask[:90, :90]),
    }
    for name, (image, labels) in spoilt.items():
        save(heap / f"images/{name}.jpg", as_file(np.ascontiguousarray(image), "JPEG", quality=95))
        save(heap / f"masks/{name}.png", as_file(np.ascontiguousarray(labels), "PNG"))
    report = built(heap, tmp_path / "out", shares=HALVES)
    reasons = {one.name: one.faults[0].reason for one in report.left}
    assert reasons == {"dark": "too-dark", "soft": "blurred", "tiny": "too-small"}
    assert set(splits_in(tmp_path / "out")) == {"p0", "p1", "p2", "p3"}
    rows = {row["name"]: row for row in told(tmp_path / "out")["pictures"]}
    assert rows["tiny"]["value"] == 90 and rows["tiny"]["limit"] == 100
    assert rows["dark"]["outcome"] == "left out" and rows["dark"]["value"] < 20
    assert rows["dark"]["message"] == f"the mean luma is {rows['dark']['value']:g}, under 20"
    assert rows["p0"]["outcome"] == "taken" and rows["p0"]["sharpness"] > 10
    table = list(csv.DictReader(io.StringIO(report.to_csv())))
    assert [row["name"] for row in table if row["reason"] == "blurred"] == ["soft"]
    assert {row["name"] for row in table if row["outcome"] == "taken"} == set(report.splits)


def test_faces_are_looked_for_if_there_is_something_to_find_them(tmp_path: Path) -> None:
    heap = put(tmp_path / "heap", range(3))
    how = How(limits=Limits(min_side=0, min_face=40), shares=HALVES)
    with pytest.raises(BadInput, match=r"not one picture is good enough, .*tallest face is 39 px"):
        build(heap, tmp_path / "out", how=how, finder=Finder(39))
    assert not (tmp_path / "out" / "images.zip").exists()
    assert build(heap, tmp_path / "out", how=how, finder=Finder(12, 80)).left == []
    report = build(heap, tmp_path / "blind", how=how)
    assert any("nobody looked for them" in line for line in report.remarks)


# -- duplicates ----------------------------------------------------------------------------


@pytest.fixture
def twins(tmp_path: Path) -> Path:
    """Twelve users with a picture each; p0 once more by u20, who has another, and u21's."""
    heap = put(tmp_path / "heap", range(12))
    twin(heap, 0, "p20", side=300)
    twin(heap, 13, "p21")
    rows = [f"p{i},u{i}" for i in range(12)] + ["p20,u20", "p21,u20"]
    (heap / "users.csv").write_text("name,user\n" + "\n".join(rows) + "\n")
    return heap


def test_of_duplicates_the_largest_stays_unless_one_was_there_before(
    tmp_path: Path, twins: Path
) -> None:
    report = built(twins, tmp_path / "out")
    (left,) = report.left
    assert (left.name, left.faults[0].reason, left.faults[0].value) == ("p0", "duplicate", "p20")
    assert "it looks like p20" in str(left) and report.groups == [["p0", "p20"]]
    assert verify(tmp_path / "out").findings == ()
    first = put(tmp_path / "first", range(12))
    shutil.copy(twins / "users.csv", first)
    built(first, tmp_path / "grown")
    assert [one.name for one in built(twins, tmp_path / "grown").left] == ["p20"]


@pytest.mark.parametrize("seed", range(8))
def test_grouped_they_share_a_split_with_all_their_users_pictures(
    tmp_path: Path, twins: Path, seed: int
) -> None:
    report = built(twins, tmp_path / "out", duplicates="group", seed=seed, dry_run=True)
    assert report.left == [] and len(report.splits) == 14
    assert len({report.splits[name] for name in ("p0", "p20", "p21")}) == 1


def test_kept_they_may_be_parted(tmp_path: Path, twins: Path) -> None:
    reports = [
        built(twins, tmp_path / "out", duplicates="keep", seed=seed, dry_run=True)
        for seed in range(8)
    ]
    assert all(len(report.splits) == 14 and report.groups for report in reports)
    assert any(report.splits["p0"] != report.splits["p20"] for report in reports)


def test_two_who_have_their_splits_and_share_a_picture_keep_them_and_it_goes(
    tmp_path: Path, twins: Path
) -> None:
    """Nobody moves; the new picture that would lie in two splits is left out and named."""
    table = tmp_path / "split.csv"
    table.write_text("name,user,split\np0,u0,train\np21,u20,test\n")
    report = built(twins, tmp_path / "out", duplicates="group", keep_split=table)
    (left,) = report.left
    assert (left.name, left.faults[0].reason) == ("p20", "duplicate-across-splits")
    assert report.splits["p0"] == "train" and report.splits["p21"] == "test"
    assert verify(tmp_path / "out").findings == ()


# -- users and splits ----------------------------------------------------------------------


def test_more_pictures_and_users_move_nobody(tmp_path: Path) -> None:
    heap = put(tmp_path / "heap", range(20), users=2)
    built(heap, tmp_path / "out")
    before = splits_in(tmp_path / "out")
    put(heap, range(20, 24), users=2)
    twin(heap, 30, "p99")  # one more of somebody who is there
    users = heap / "users.csv"
    users.write_text(users.read_text() + "p99,u0\n")
    report = built(heap, tmp_path / "out")
    after = splits_in(tmp_path / "out")
    assert len(after) == 25 and {name: after[name] for name in before} == before
    assert after["p99"] == after["p0"]
    assert "10 of 12 users had a split and keep it" in report.remarks
    assert verify(tmp_path / "out").findings == ()


def test_another_dataset_may_say_who_has_which_split(tmp_path: Path) -> None:
    first = put(tmp_path / "first", range(12), users=2)
    built(first, tmp_path / "one", seed=3)
    second = put(tmp_path / "second", [*range(0, 12, 2), 20, 21], users=2)
    built(second, tmp_path / "two", keep_split=tmp_path / "one")
    one, two = splits_in(tmp_path / "one"), splits_in(tmp_path / "two")
    assert all(two[name] == one[name] for name in two.keys() & one.keys())


def test_two_that_contradict_each_other_are_refused_and_one_may_be_forgotten(
    tmp_path: Path,
) -> None:
    heap = put(tmp_path / "heap", range(6))
    built(heap, tmp_path / "out")
    split = splits_in(tmp_path / "out")["p0"]
    other = "val" if split == "train" else "train"
    table = tmp_path / "split.csv"
    table.write_text(f"user,split\np0,{other}\n")
    with pytest.raises(BadInput, match=f"the user p0 is in {split} .* and in {other}"):
        built(heap, tmp_path / "out", keep_split=table)
    report = built(heap, tmp_path / "out", keep_split=table, resplit=True)
    assert report.splits["p0"] == splits_in(tmp_path / "out")["p0"] == other


def test_users_under_new_names_are_no_silent_change(tmp_path: Path) -> None:
    heap = put(tmp_path / "heap", range(20))
    built(heap, tmp_path / "out")
    put(heap, range(20), users=4)
    report = built(heap, tmp_path / "out")
    assert any("pictures change their split, since they have other" in r for r in report.remarks)


def test_without_a_table_each_picture_is_a_user_and_that_is_said(tmp_path: Path) -> None:
    report = built(put(tmp_path / "heap", range(4)), tmp_path / "out")
    assert any("each picture counts as its own user" in line for line in report.remarks)
    assert {e.meta["user"] for e in EasyPortrait(tmp_path / "out").entries} == set(report.splits)


def test_a_split_that_nobody_is_left_for_is_said(tmp_path: Path) -> None:
    report = built(put(tmp_path / "heap", range(2)), tmp_path / "out")
    assert any("is empty: there are too few users" in line for line in report.remarks)


# -- what is at fault ----------------------------------------------------------------------


def test_photographs_without_masks_are_refused_by_name_before_any_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heap = put(tmp_path / "heap", range(4))
    (heap / "masks/p2.png").unlink()
    report = Report()
    with monkeypatch.context() as patch:
        patch.setattr(module, "look", None)
        with pytest.raises(SomeFailed, match=r"nothing was written.*p2\.jpg: has no mask p2\.png"):
            build(heap, tmp_path / "out", how=How(limits=LAX), report=report)
    assert [one.name for one in report.unusable] == ["p2"] and not (tmp_path / "out").exists()
    with pytest.raises(SomeFailed, match="the other 3 are in"):
        built(heap, tmp_path / "out", partial=True)
    assert set(splits_in(tmp_path / "out")) == {"p0", "p1", "p3"}
    rows = {row["name"]: row for row in told(tmp_path / "out")["pictures"]}
    assert (rows["p2"]["outcome"], rows["p2"]["reason"]) == ("unusable", "no-mask")


def test_damaged_files_are_all_named_and_what_was_measured_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heap = put(tmp_path / "heap", range(5))
    (heap / "images/p1.jpg").write_bytes(b"words")
    (heap / "masks/p3.png").write_bytes(as_file(scene(3)[1][1:], "PNG"))
    with pytest.raises(SomeFailed, match=r"nothing was written.*2 pictures, the first being.*p1"):
        built(heap, tmp_path / "out")
    assert tree(tmp_path / "out") == {}
    looked = counted(monkeypatch)
    with pytest.raises(SomeFailed, match="the other 3 are in"):
        built(heap, tmp_path / "out", partial=True)
    assert sorted(looked) == ["p1", "p3"]


def test_a_file_is_named_once(tmp_path: Path) -> None:
    heap = put(tmp_path / "heap", range(2))
    (heap / "images/p1.jpg").write_bytes(b"words")
    report = Report()
    with pytest.raises(SomeFailed):
        build(heap, tmp_path / "out", how=How(limits=LAX), report=report)
    assert str(report.unusable[0]).count("p1.jpg") == 1


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"version": "v3"}, "no version 'v3'; versions: v1, v2"),
        ({"duplicates": "burn"}, "duplicates are drop, group, keep, got 'burn'"),
        ({"distance": 40}, "0 to 32 bits, got 40"),
        ({"shares": {"train": 0.5}}, "together 1"),
    ],
)
def test_what_cannot_be_asked_for_is_refused(asked: dict, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        How(**asked)


def test_a_dataset_inside_the_heap_is_refused(tmp_path: Path) -> None:
    heap = put(tmp_path / "heap", range(2))
    for out in (heap, heap / "out"):
        with pytest.raises(BadInput, match="name a folder outside of it"):
            built(heap, out)


def test_pictures_that_are_there_and_not_given_are_not_lost_by_accident(tmp_path: Path) -> None:
    built(put(tmp_path / "one", range(4)), tmp_path / "out")
    before = tree(tmp_path / "out")
    other = put(tmp_path / "two", range(3, 9))
    with pytest.raises(OutputUnwritable, match="3 pictures that are not given now: p0, p1, p2"):
        built(other, tmp_path / "out")
    assert tree(tmp_path / "out") == before
    built(other, tmp_path / "out", replace=True)
    assert set(splits_in(tmp_path / "out")) == {f"p{i}" for i in range(3, 9)}


# -- again ---------------------------------------------------------------------------------


def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the pictures that are looked at from now on."""
    looked: list[str] = []

    def look(source, reading, finder):
        looked.append(source.name)
        return pictures.look(source, reading, finder)

    monkeypatch.setattr(module, "look", look)
    return looked


def test_the_same_again_reads_and_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heap = put(tmp_path / "heap", range(4))
    built(heap, tmp_path / "out")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*.jpg")}
    looked = counted(monkeypatch)
    report = built(heap, tmp_path / "out")
    assert looked == [] and report.is_written
    assert any("holds just this dataset already" in line for line in report.remarks)
    assert all(path.stat().st_mtime_ns == then for path, then in before.items())
    built(heap, tmp_path / "out", archives=True)  # another form is another dataset
    assert (tmp_path / "out/images.zip").exists() and not (tmp_path / "out/images").exists()
    assert looked == []


def test_the_same_heap_gives_the_same_bytes(tmp_path: Path) -> None:
    heap = put(tmp_path / "heap", range(6), users=2)
    for out in ("one", "two"):
        built(heap, tmp_path / out, archives=True)
    one, two = tree(tmp_path / "one"), tree(tmp_path / "two")
    assert one == two


@pytest.mark.parametrize("doing", ["looking", "writing"])
def test_a_run_that_is_stopped_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, doing: str
) -> None:
    heap = put(tmp_path / "heap", range(6))

    def stop(what: str, done: int, total: int) -> None:
        assert total == 6
        if (what, done) == (doing, 3):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build(heap, tmp_path / "out", how=How(limits=LAX), progress=stop)
    assert tree(tmp_path / "out") == {}
    looked = counted(monkeypatch)
    build(heap, tmp_path / "out", how=How(limits=LAX))
    assert len(looked) == (3 if doing == "looking" else 0)
    build(heap, tmp_path / "straight", how=How(limits=LAX))
    assert tree(tmp_path / "out") == tree(tmp_path / "straight")


def test_a_trial_measures_and_writes_no_dataset(tmp_path: Path) -> None:
    heap = put(tmp_path / "heap", range(4))
    report = built(heap, tmp_path / "out", dry_run=True)
    assert len(report.splits) == 4 and not report.is_written
    assert tree(tmp_path / "out") == {}
    assert built(heap, tmp_path / "out").splits == report.splits


def test_no_more_than_a_few_pictures_are_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a hundred files that are made ready to be written, few are held at a time."""
    heap = tmp_path / "heap"
    for kind in ("images", "masks"):
        (heap / kind).mkdir(parents=True)
    photo, mask = (as_file(noise(0, (40, 40)), "JPEG"), as_file(np.ones((40, 40), "u1"), "PNG"))
    for i in range(100):
        save(heap / f"images/p{i}.jpg", photo)
        save(heap / f"masks/p{i}.png", mask)
    alive = most = 0

    class Counted(module.Bytes):
        def __init__(self, data: bytes) -> None:
            nonlocal alive, most
            super().__init__(data)
            alive += 1
            most = max(most, alive)

        def __del__(self) -> None:
            nonlocal alive
            alive -= 1

    monkeypatch.setattr(module, "Bytes", Counted)
    limits = Limits(min_side=0, min_face=0, min_sharpness=0)
    built(heap, tmp_path / "out", limits=limits, duplicates="keep")
    assert len(splits_in(tmp_path / "out")) == 100 and most <= 2 * (2 * module.AT_ONCE)


def test_a_link_that_leads_nowhere_is_named_and_the_rest_is_built(tmp_path: Path) -> None:
    heap = put(tmp_path / "heap", range(3))
    (heap / "images/p3.jpg").symlink_to(tmp_path / "gone.jpg")
    shutil.copy(heap / "masks/p2.png", heap / "masks/p3.png")
    with pytest.raises(SomeFailed, match=r"the other 3 are in.*p3\.jpg cannot be read: No such"):
        built(heap, tmp_path / "out", partial=True)
    assert set(splits_in(tmp_path / "out")) == {"p0", "p1", "p2"}
