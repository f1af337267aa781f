import zipfile
from pathlib import Path

import pytest

from easyportrait.data.building.sources import Found, find
from easyportrait.data.building.tables import read_earlier, read_rows, read_users
from easyportrait.data.layout import V1, V2, write_dataset
from easyportrait.errors import BadInput
from tests.unit.data.drawn import drawn_entries


def heap(root: Path, *names: str) -> Path:
    """Empty files: nothing is read to pair them."""
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    return root


def reasons(found: Found) -> list[tuple[str, str]]:
    return [(left.name, left.faults[0].reason) for left in found.unusable]


def table(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


# -- files ---------------------------------------------------------------------------------


def test_pictures_and_masks_pair_by_name_wherever_they_lie(tmp_path: Path) -> None:
    heap(tmp_path / "p", "b.JPG", "trip/a.heic", "trip/deep/c.png", ".hidden/x.jpg")
    heap(tmp_path / "m", "x/c.png", "a.png", "b.png")
    found = find(tmp_path / "p", tmp_path / "m", None)
    assert [one.name for one in found.sources] == ["a", "b", "c"]
    assert [one.user for one in found.sources] == ["a", "b", "c"], "each is its own user"
    assert str(found.sources[2].photo).endswith("trip/deep/c.png")
    assert not found.unusable and not found.remarks and not found.has_users


@pytest.mark.parametrize("masks", ["masks", "annotations"])
def test_one_folder_may_hold_both(tmp_path: Path, masks: str) -> None:
    heap(tmp_path, "images/a.jpg", f"{masks}/a.png", "notes.txt")
    assert [one.name for one in find(tmp_path, None, None).sources] == ["a"]


def test_zips_will_do(tmp_path: Path) -> None:
    for name, member in (("p", "set/a.jpg"), ("m", "a.png")):
        with zipfile.ZipFile(tmp_path / f"{name}.zip", "w") as packed:
            packed.writestr(member, b"bytes")
    (one,) = find(tmp_path / "p.zip", tmp_path / "m.zip", None).sources
    assert one.photo.read() == b"bytes"


def test_what_does_not_pair_is_named(tmp_path: Path) -> None:
    heap(tmp_path, "images/a.jpg", "images/b.jpg", "masks/b.png", "masks/c.png")
    found = find(tmp_path, None, None)
    assert [one.name for one in found.sources] == ["b"]
    assert reasons(found) == [("a", "no-mask"), ("c", "no-photo")]
    assert "images/a.jpg: has no mask a.png" in str(found.unusable[0])


def test_of_two_of_one_name_neither_is_taken(tmp_path: Path) -> None:
    """The phone's two forms of a picture, two folders, and names that some disks take for one."""
    heap(tmp_path, "images/a.jpg", "images/a.heic", "images/x/b.jpg", "images/y/B.jpg")
    heap(tmp_path, "masks/a.png", "masks/b.png", "images/c.jpg", "masks/c.png")
    found = find(tmp_path, None, None)
    assert [one.name for one in found.sources] == ["c"]
    twice = [left for left in found.unusable if left.faults[0].reason == "name-twice"]
    assert sorted(left.name for left in twice) == ["B", "a", "a", "b"]
    assert all("has the name of" in str(left) for left in twice)
    assert len(found.unusable) == 4, "their masks are at no fault of their own"


@pytest.mark.parametrize("name", ["con", "a:b", "tab\there", "space "])
def test_a_name_that_no_archive_may_hold_is_refused(tmp_path: Path, name: str) -> None:
    heap(tmp_path, f"images/{name}.jpg", f"masks/{name}.png")
    assert reasons(find(tmp_path, None, None)) == [(name, "bad-name")]


def test_what_is_no_picture_is_left_alone_and_said(tmp_path: Path) -> None:
    heap(tmp_path, "images/a.jpg", "images/a.txt", "masks/a.png", "masks/a.json")
    remarks = find(tmp_path, None, None).remarks
    assert any("1 files were left alone: a.txt" in line for line in remarks)
    assert any("1 files were left alone: a.json" in line for line in remarks)


@pytest.mark.parametrize(
    ("made", "masks", "message"),
    [
        ((), None, "does not exist"),
        (("a.jpg",), None, "name the folder of masks with --masks"),
        (("images/a.jpg", "masks/a.png", "annotations/a.png"), None, "name the folder of masks"),
        (("images/a.txt", "masks/a.png"), None, "holds no picture; suffixes: .avif"),
        (("a.jpg",), "gone", "gone does not exist"),
    ],
)
def test_a_heap_of_nothing_is_refused(
    tmp_path: Path, made: tuple[str, ...], masks: str | None, message: str
) -> None:
    heap(tmp_path / "heap", *made)
    with pytest.raises(BadInput, match=message):
        find(tmp_path / "heap", Path(masks) if masks else None, None)


# -- tables --------------------------------------------------------------------------------


def test_users_come_from_a_table_and_who_has_none_is_named(tmp_path: Path) -> None:
    heap(tmp_path, *(f"{kind}/{n}" for n in "ab" for kind in ("images", "masks")))
    for path in [*tmp_path.rglob("?")]:
        path.rename(path.with_suffix(".jpg" if path.parent.name == "images" else ".png"))
    users = table(tmp_path / "users.tsv", "user\tname\n anna \ta.jpg\nbert\tz\n")
    found = find(tmp_path, None, users)
    assert [(one.name, one.user) for one in found.sources] == [("a", "anna")]
    assert reasons(found) == [("b", "no-user")] and found.has_users
    assert any("1 rows have no picture: z" in line for line in found.remarks)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("photo,user\na,u\n", "no column 'name' or 'attachment_id' or 'image_name'; it has photo"),
        ("name\na\n", "no column 'user' or 'user_id'"),
        ("name,user\n", "has no rows"),
        ("", "is empty"),
        ("name,user\na,u\nb,\n", "row 2: user is empty"),
        ("name,user\na\n", "row 1: user is empty"),
        ("name,user\na,u\na.jpg,v\n", "row 2: a is u in a row above, here v"),
    ],
)
def test_a_table_of_users_that_makes_no_sense_is_refused(
    tmp_path: Path, text: str, message: str
) -> None:
    with pytest.raises(BadInput, match=message):
        read_users(table(tmp_path / "users.csv", text))


def test_quotes_blank_lines_and_published_columns_are_read(tmp_path: Path) -> None:
    text = '\ufeffuser_id,image_name,note\r\n"u, the first",a,x\r\n\r\nu2,b.v2,\r\n'
    users = read_users(table(tmp_path / "users.csv", text))
    assert users == {"a": "u, the first", "b.v2": "u2"}
    with pytest.raises(BadInput, match="is not a table"):
        read_users(tmp_path)


def test_rows_have_numbers_where_there_are_columns(tmp_path: Path) -> None:
    text = "name,user,width,height,brightness\na,u,30,40,1.5\nb,v,,,\n"
    a, b = read_rows(table(tmp_path / "t.csv", text))
    assert a == {"name": "a", "user": "u", "width": 30, "height": 40, "brightness": 1.5}
    assert (b["width"], b["brightness"]) == (None, None)
    with pytest.raises(BadInput, match="row 1: width is 'wide', not a number"):
        read_rows(table(tmp_path / "t.csv", "name,user,width\na,u,wide\n"))
    (whole,) = read_rows(table(tmp_path / "t.csv", "name,user,width\na,u,640.0\n"))
    assert (whole["width"], type(whole["width"])) == (640, int)
    for cell, message in (("nan", "a number"), ("1e300", "a number"), ("1.5", "a whole")):
        with pytest.raises(BadInput, match=f"row 1: width is '{cell}', not {message}"):
            read_rows(table(tmp_path / "t.csv", f"name,user,width\na,u,{cell}\n"))
    with pytest.raises(BadInput, match="row 2: the name a is in a row above"):
        read_rows(table(tmp_path / "t.csv", "name,user\na,u\na,u\n"))


@pytest.mark.parametrize("layout", [V1, V2], ids=["v1", "v2"])
def test_a_split_is_read_from_a_dataset_and_from_its_table(tmp_path: Path, layout) -> None:
    write_dataset(drawn_entries(), tmp_path / "set", layout, archives=False)
    wanted = {"u0": "train", "u1": "val", "u2": "test"}
    for path in (tmp_path / "set", next((tmp_path / "set").rglob("meta.csv"))):
        earlier = read_earlier(path)
        assert earlier.users == wanted
        assert earlier.names == {f"p{i}": wanted[f"u{i // 2}"] for i in range(6)}


def test_a_split_is_read_from_a_table_of_ones_own(tmp_path: Path) -> None:
    earlier = read_earlier(table(tmp_path / "s.csv", "user,split\nu,train\nv,test\nu,train\n"))
    assert earlier.users == {"u": "train", "v": "test"} and earlier.names == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("user,split\nu,train\nu,val\n", "row 2: the user u is in train and in val"),
        ("user,split\nu,valid\n", "row 1: the split is 'valid', not train, val, test"),
        ("user\nu\n", "no column 'split' or 'set'"),
    ],
)
def test_a_split_that_is_none_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        read_earlier(table(tmp_path / "s.csv", text))
    with pytest.raises(BadInput, match="holds no dataset with a table"):
        read_earlier(tmp_path)
