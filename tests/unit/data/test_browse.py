"""What the page's server knows: pictures in columns, comparisons, flags, and what is kept."""

import json
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from easyportrait import EasyPortrait
from easyportrait.data.browse.compare import Model, agreement
from easyportrait.data.browse.desk import Desk
from easyportrait.data.browse.findings import parsed, read_findings
from easyportrait.data.browse.flags import read_flags, write_flags
from easyportrait.data.browse.index import Pictures, Wish, look_at
from easyportrait.data.browse.jobs import Courtesy, Job
from easyportrait.data.browse.render import Kept, photograph, smaller, thumbnail
from easyportrait.data.browse.store import Store
from easyportrait.data.layout import V1
from easyportrait.data.verify import verify
from easyportrait.errors import BadInput, ImageUnreadable, OutputUnwritable, ShapeMismatch
from easyportrait.evaluate.confusion import Confusion
from easyportrait.image.io import encode, read_image, read_mask
from easyportrait.taxonomy import CLASSES, IGNORE
from tests.conftest import face_mask
from tests.unit.data.browsed import desk_of, fake_model, worked
from tests.unit.data.drawn import FORMS, as_file, drawn
from tests.unit.data.planted import FAULTS, entry, scene, sound, spotted


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sound(tmp_path_factory.mktemp("sound"))


@pytest.fixture
def root(clean: Path, tmp_path: Path) -> Path:
    shutil.copytree(clean, tmp_path / "data")
    return tmp_path / "data"


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def names(desk: Desk, query: str) -> list[str]:
    return [desk.dataset.entries[i].name for i in desk.pictures.which(Wish.read(query))]


# -- wishes --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "conditions"),
    [
        ("split=val", {"split": "val"}),
        ("split=train,test", {"split": ("train", "test")}),
        ("user=u3", {"user": "u3"}),
        ("user=nobody", {"user": "nobody"}),
        ("brightness=100..", {"brightness": (100, None)}),
        ("size=..150", {"size": (None, 150)}),
        ("size=150.5..", {"size": (150.5, None)}),
        (
            "split=train,val&brightness=90..130",
            {"split": ["train", "val"], "brightness": (90, 130)},
        ),
    ],
)
def test_what_the_dataset_can_choose_is_chosen_alike(
    clean: Path, query: str, conditions: dict[str, object]
) -> None:
    dataset = EasyPortrait(clean)
    wanted = [e.name for e in dataset.where(**conditions).entries]  # type: ignore[arg-type]
    pictures = Pictures(dataset)
    assert [dataset.entries[i].name for i in pictures.which(Wish.read(query))] == wanted


def test_a_mask_that_was_not_looked_at_neither_has_a_class_nor_lacks_it(clean: Path) -> None:
    dataset = EasyPortrait(clean)
    pictures = Pictures(dataset)
    pictures.take_look(2, look_at(dataset.entries[2]))
    assert pictures.which(Wish(has=("teeth",))) == [2]
    assert pictures.which(Wish(lacks=("teeth",))) == []
    assert pictures.which(Wish(lacks=("unknown",))) == [2]


def test_classes_are_found_once_masks_were_looked_at(root: Path, cache: Path) -> None:
    for name in ("train/p0", "val/p3"):
        path = root / f"annotations/{name}.png"
        mask = read_mask(path).copy()
        mask[mask == 8] = 7
        mask[:2] = IGNORE
        path.write_bytes(encode(mask, ".png"))
    desk = worked(desk_of(root, cache))
    assert names(desk, "lacks=teeth") == ["p0", "p3"]
    assert names(desk, "has=lips,teeth&split=train") == ["p1"]
    assert names(desk, "has=unknown") == ["p0", "p3"]
    assert desk.state()["classes"]["teeth"] == 4
    assert desk.picture(0)["counts"][8:] == [0, 2 * 150]
    desk.close()


def test_measures_that_the_table_lacks_are_taken(root: Path, cache: Path) -> None:
    full = EasyPortrait(root)
    (root / "annotations/meta.csv").unlink()
    desk = worked(desk_of(root, cache))
    assert [desk.row(i)["height"] for i in range(6)] == [160 + 4 * i for i in range(6)]
    middle = sorted(e.meta["brightness"] for e in full.entries)[3]
    wanted = full.where(brightness=(middle, None))
    assert len(wanted) == 3
    assert names(desk, f"brightness={middle}..") == [e.name for e in wanted.entries]
    desk.close()


def test_pictures_are_put_in_order_and_what_is_not_known_comes_last(clean: Path) -> None:
    pictures = Pictures(EasyPortrait(clean))
    pictures.brightness[:] = [50, 20, np.nan, 40, 20, 10]
    assert pictures.which(Wish(sort="brightness")) == [5, 1, 4, 3, 0, 2]
    assert pictures.which(Wish(sort="-brightness")) == [0, 3, 1, 4, 5, 2]
    assert pictures.which(Wish(sort="-name")) == [5, 4, 3, 2, 1, 0]
    pictures.users = ["b", "", "a", "b", "a", ""]
    assert pictures.which(Wish(sort="user")) == [2, 4, 0, 3, 1, 5]
    assert pictures.which(Wish(name="P3")) == [3]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("colour=red", "cannot be chosen by 'colour'; they can by split, has"),
        ("has=nose", "has is one of background, person"),
        ("split=holdout", "split is one of train, val, test, not 'holdout'"),
        ("size=big", "size is LEAST..MOST"),
        ("size=1..nan", "size is LEAST..MOST"),
        ("sort=hash", "sort is one of name, user"),
        ("flagged=maybe", "flagged is one of yes, no"),
        ("&".join(["name=a"] * 60), "asks for too much"),
    ],
)
def test_a_wish_that_makes_no_sense_is_refused_in_words(query: str, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        Wish.read(query)


# -- comparisons ---------------------------------------------------------------------------


def test_agreement_is_that_of_a_confusion_matrix() -> None:
    rng = np.random.default_rng(3)
    truth, predicted = rng.integers(0, 7, (2, 40, 50), dtype=np.uint8)
    truth[:5] = IGNORE
    confusion = Confusion(CLASSES)
    confusion.add(truth, predicted)
    mean, *each = agreement(truth, predicted)
    assert each == pytest.approx(list(confusion.iou().values()), nan_ok=True)
    assert np.isnan(each[7:]).all() and mean == pytest.approx(confusion.mean_iou())


def test_nothing_that_counts_has_no_score() -> None:
    nowhere = np.full((2, 2), IGNORE, np.uint8)
    assert np.isnan(agreement(nowhere, np.zeros((2, 2), np.uint8))).all()
    with pytest.raises(ShapeMismatch):
        agreement(nowhere, np.zeros((2, 3), np.uint8))


def test_a_model_of_fewer_classes_is_judged_by_what_it_can_tell() -> None:
    mask = np.array([[0, 1, 2, 8, IGNORE, 200]], np.uint8)
    faces = Model("", "", "fp", lambda image: np.array([[0, 0, 1, 7, 0, 0]], np.uint8))
    assert faces.tell(mask).tolist() == [[0, 0, 2, 8, IGNORE, IGNORE]]
    assert faces.labels(mask).tolist() == [[0, 0, 2, 8, 0, 0]]
    assert agreement(faces.tell(mask), faces.labels(mask))[0] == 1


def test_every_picture_is_compared_the_worst_first(clean: Path, cache: Path) -> None:
    desk = worked(desk_of(clean, cache, model=fake_model()))
    assert names(desk, "sort=score")[0] == "p1"
    assert names(desk, "score=..0.5") == ["p1"]
    assert names(desk, "score=..0&of=teeth") == ["p0", "p1", "p2", "p3", "p4", "p5"]
    scores = dict(zip(desk.about()["scores"], desk.row(0)["scores"], strict=True))
    assert scores["teeth"] == 0 and scores["skin"] == 1 and 0.5 < scores["lips"] < 1
    assert scores["mean"] == pytest.approx((7 + scores["lips"]) / 9, abs=1e-3)
    desk.close()


def test_a_picture_that_cannot_be_compared_says_why_and_the_rest_is(
    root: Path, cache: Path
) -> None:
    FAULTS["size"][0](root)
    FAULTS["unreadable"][0](root)
    shutil.copy(root / "images/val/p2.jpg", root / "images/val/p3.jpg")  # of another size
    desk = worked(desk_of(root, cache, model=fake_model()))
    assert desk.state()["scored"] == 4
    assert "damaged or cut short" in desk.row(0)["problems"][0]
    assert "they cannot be compared" in desk.row(3)["problems"][0]
    assert names(desk, "sort=score")[-2:] == ["p0", "p3"]
    desk.close()


# -- findings ------------------------------------------------------------------------------


def test_findings_of_a_file_are_put_to_their_pictures(root: Path, tmp_path: Path) -> None:
    FAULTS["user-in-two-splits"][0](root)
    FAULTS["stray"][0](root)
    FAULTS["duplicate"][0](root)
    spotted(9, 3, (90, 60))(root)
    path = tmp_path / "findings.json"
    path.write_text(verify(root).to_json())
    desk = desk_of(root, tmp_path / "cache", findings=read_findings(path))
    assert names(desk, "finding=values") == ["p0"]
    assert names(desk, "finding=user-in-two-splits") == ["p0", "p2"]
    assert names(desk, "finding=duplicate,values") == ["copy", "p0"]
    assert names(desk, "finding=any") == ["copy", "p0", "p2"]
    assert desk.state()["elsewhere"] == 1  # the stray
    it = desk.picture(desk.pictures.ids["p0"])
    about = {finding["kind"]: finding for finding in it["about"]}
    assert about["values"]["boxes"] == [[60, 90, 63, 93]]
    assert [other["name"] for other in about["duplicate"]["pictures"]] == ["copy"]
    assert it["findings"] == ["user-in-two-splits", "duplicate", "values"]
    desk.close()


def test_findings_can_be_had_on_the_spot_and_are_there_next_time(root: Path, cache: Path) -> None:
    spotted(IGNORE, 3, (4, 4))(root)
    FAULTS["sides"][0](root)
    desk = desk_of(root, cache)
    assert desk.state()["findings"] is None
    desk.verify()
    desk.jobs["verify"].join(30)
    assert desk.state()["findings"] == {"values": 1, "sides": 1}
    desk.close()
    again = desk_of(root, cache)
    assert again.state()["findings"] == {"values": 1, "sides": 1}
    again.close()
    lenient = desk_of(root, cache, allow_255=True)
    assert lenient.state()["findings"] is None  # other thresholds: not those
    lenient.close()
    FAULTS["specks"][0](root)
    changed = desk_of(root, cache)
    assert changed.state()["findings"] is None  # other files: not those
    changed.close()


@pytest.mark.parametrize(
    "text",
    ["no json", "[]", "{}", '{"findings": [{"kind": "sides"}]}',
     '{"findings": [{"kind": 1, "name": "", "split": "", "message": "", "details": {}}]}'],
)  # fmt: skip
def test_what_is_no_file_of_findings_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="here"):
        parsed(text, "here")


# -- what is kept --------------------------------------------------------------------------


def counted(do: Callable[[np.ndarray], np.ndarray]) -> tuple[Callable[..., np.ndarray], list[int]]:
    calls = [0]

    def call(image: np.ndarray) -> np.ndarray:
        calls[0] += 1
        return do(image)

    return call, calls


def test_a_second_start_asks_the_model_nothing_and_a_changed_mask_alone_again(
    root: Path, cache: Path
) -> None:
    fake = fake_model()
    predict, calls = counted(fake.predict)
    model = Model(fake.name, fake.key, fake.task, predict)
    first = worked(desk_of(root, cache, model=model))
    rows = [first.row(i) for i in range(6)]
    first.close()
    assert calls == [6]
    second = desk_of(root, cache, model=model)
    assert [second.row(i) for i in range(6)] == rows and second.state()["classes"]["teeth"] == 6
    assert np.array_equal(second.compare(0) == 7, scene(0)[1] >= 7)
    second.close()
    assert calls == [6]
    path = root / "annotations/train/p1.png"
    path.write_bytes(encode(np.zeros_like(read_mask(path)), ".png"))
    third = worked(desk_of(root, cache, model=model))
    assert calls == [7] and names(third, "lacks=skin") == ["p1"]
    assert third.row(1)["scores"][0] == 1  # nothing but background, and the model says so
    third.close()
    other = desk_of(root, cache, model=Model("", "another", "joint", predict))
    assert other.state()["scored"] == 0
    other.close()


@pytest.mark.parametrize("form", FORMS)
def test_datasets_of_every_form_are_kept_by_their_files(tmp_path: Path, form: str) -> None:
    entries = [entry(i, split) for i, split in enumerate(("train", "val", "test"))]
    root = drawn(tmp_path / "set", V1, form, entries)
    worked(desk_of(root, tmp_path / "cache")).close()
    again = desk_of(root, tmp_path / "cache")
    assert again.state()["classes"]["teeth"] == 3
    again.close()


def test_a_damaged_store_is_made_anew(clean: Path, cache: Path) -> None:
    store = Store(cache, clean)
    store.close()
    store.path.write_bytes(b"no database, but long enough to look at" * 100)
    again = Store(cache, clean)
    assert again.looks() == {}
    again.keep_note("a", "b")
    assert again.note("a") == "b"
    again.close()


def test_a_store_that_cannot_be_is_one_line(clean: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputUnwritable, match="--cache names another folder"):
        Store(tmp_path / "file", clean)


def test_things_are_kept_in_memory_as_far_as_there_is_room() -> None:
    kept, made = Kept(room=1000), []

    def thing(name: str, size: int = 240) -> bytes:
        return kept.get(name, lambda: made.append(name) or bytes(size))

    for name in "abcdabe":  # e drives out c, the one not asked for the longest
        thing(name)
    assert made == ["a", "b", "c", "d", "e"] and kept.taken <= 1000
    thing("a"), thing("c")
    assert made[5:] == ["c"]
    for _ in range(2):
        thing("huge", 600)
    assert made[6:] == ["huge", "huge"] and kept.taken <= 1000


def test_two_who_ask_for_one_thing_wait_for_one_making() -> None:
    kept, made = Kept(), []

    def slow() -> bytes:
        made.append(1)
        time.sleep(0.05)
        return b"x"

    threads = [threading.Thread(target=kept.get, args=("a", slow)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == [1]


# -- pictures ------------------------------------------------------------------------------


def test_a_smaller_mask_holds_no_label_that_was_not_there() -> None:
    mask = face_mask(1200, 900)
    small = smaller(mask)
    assert small.shape == (320, 240) and set(np.unique(small)) == set(range(9))
    assert smaller(mask[:200, :100]).shape == (200, 100)


def test_a_thumbnail_is_small_and_a_photograph_the_file_itself(root: Path) -> None:
    path = root / "images/train/p0.jpg"
    first = EasyPortrait(root).entries[0]
    assert photograph(first) == path.read_bytes()
    big = np.repeat(np.repeat(scene(0)[0], 4, 0), 4, 1)
    path.write_bytes(as_file(big, "JPEG"))
    assert read_image(thumbnail(first)).shape == (320, 300, 3)


def test_what_a_browser_would_show_otherwise_is_made_anew(root: Path) -> None:
    path = root / "images/train/p0.jpg"
    path.write_bytes(as_file(scene(0)[0], "PNG"))
    data = photograph(EasyPortrait(root).entries[0])
    assert data.startswith(b"\xff\xd8\xff")
    assert np.abs(read_image(data).astype(int) - scene(0)[0]).mean() < 6


def test_half_a_photograph_is_none(root: Path) -> None:
    FAULTS["unreadable"][0](root)
    with pytest.raises(ImageUnreadable, match=r"p0\.jpg is damaged or cut short"):
        photograph(EasyPortrait(root).entries[0])


def test_closing_ends_what_is_going_on_and_keeps_what_was_done(clean: Path, cache: Path) -> None:
    fake, begun = fake_model(), threading.Event()

    def slow(image: np.ndarray) -> np.ndarray:
        begun.set()
        time.sleep(0.1)
        return fake.predict(image)

    desk = desk_of(clean, cache, model=Model(fake.name, fake.key, fake.task, slow))
    desk.start()
    desk.verify()
    assert begun.wait(30)
    desk.close()
    assert not any(job.is_running or job.problem for job in desk.jobs.values())
    again = desk_of(clean, cache, model=fake)
    assert again.state()["scored"] == desk.state()["scored"]
    again.close()


# -- flags ---------------------------------------------------------------------------------


def test_flags_are_kept_without_a_file_too(clean: Path, cache: Path) -> None:
    desk = desk_of(clean, cache)
    assert desk.flag(3, True) == 1 and desk.flag(1, True) == 2 and desk.flag(3, False) == 1
    desk.close()
    again = desk_of(clean, cache)
    assert again.flagged == ["p1"] and names(again, "flagged=yes") == ["p1"]
    assert len(names(again, "flagged=no")) == 5
    again.close()


@pytest.mark.parametrize("suffix", [".txt", ".json"])
def test_a_file_of_flags_is_written_at_once_and_read_again(
    clean: Path, tmp_path: Path, suffix: str
) -> None:
    file = tmp_path / "kept" / f"flags{suffix}"
    desk = desk_of(clean, tmp_path / "cache", flags=file)
    desk.flag(4, True)
    desk.flag(0, True)
    text = file.read_text()
    assert text == "p0\np4\n" if suffix == ".txt" else json.loads(text) == {"flagged": ["p0", "p4"]}
    assert list(file.parent.iterdir()) == [file]
    desk.close()
    again = desk_of(clean, tmp_path / "cache", flags=file)
    assert again.flagged == ["p0", "p4"]
    again.close()


def test_names_of_another_dataset_stay_in_the_file(
    clean: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "flags.txt"
    write_flags(file, ["p0", "gone"])
    desk = desk_of(clean, tmp_path / "cache", flags=file)
    assert "1 names are not in" in caplog.text and "gone" in caplog.text
    desk.flag(2, True)
    assert read_flags(file) == ["p0", "p2", "gone"]
    desk.close()


def test_a_flag_that_cannot_be_kept_is_not_set(clean: Path, tmp_path: Path) -> None:
    desk = desk_of(clean, tmp_path / "cache", flags=tmp_path / "kept" / "flags.txt")
    (tmp_path / "kept").write_text("no folder")
    with pytest.raises(OutputUnwritable):
        desk.flag(0, True)
    assert desk.flagged == []
    desk.close()


@pytest.mark.parametrize("text", ["{", "[]", '{"flagged": [1]}'])
def test_json_that_holds_no_flags_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "flags.json"
    file.write_text(text)
    with pytest.raises(BadInput, match=r'not of the form {"flagged"'):
        read_flags(file)


# -- jobs ----------------------------------------------------------------------------------


def test_a_job_gives_way_to_requests_and_ends_when_asked() -> None:
    courtesy = Courtesy()
    steps: list[float] = []

    def work(job: Job) -> None:
        for i in range(10_000):
            steps.append(time.monotonic())
            job.step(i, 10_000)

    job = Job("test", work, courtesy)
    with courtesy.answering():
        job.start()
        time.sleep(0.1)
        assert len(steps) == 1  # it waits
    job.stop()
    job.join(5)
    assert not job.is_running and job.problem == "" and job.done < 10_000


def test_a_fault_in_a_job_is_told() -> None:
    def work(job: Job) -> None:
        raise ZeroDivisionError("by nought")

    job = Job("test", work, Courtesy())
    job.start()
    job.join(5)
    assert job.problem == "unexpected ZeroDivisionError: by nought; please report this"
