import io
import sys
import zipfile

import numpy as np
import pytest
from PIL import Image as Pil

from easyportrait.assets import DEMO
from easyportrait.data.hashing import phash
from easyportrait.data.meta import (
    FIELDS,
    MEASURED,
    TABLES,
    brightness,
    completed,
    frame,
    read_table,
    table_bytes,
)
from easyportrait.errors import BadInput, ImageUnreadable, MissingExtra
from easyportrait.image.io import read_image
from tests.unit.data.drawn import Held, as_file

V1 = """attachment_id,user_id,data_hash,width,height,brightness,train,test,valid
de81,1b,e8f0,1440,1920,136,True,False,False
3c0c,64,df50,1440,1920,148,False,False,True
d17c,cf,a690,1920,1080,140,False,True,False
"""
V2 = """image_name,user_id,height,width,set,brightness
de81,1b,1920,1440,train,136
3c0c,64,1920,1440,val,148.25
d17c,cf,1080,1920,test,140
"""


def table(text: str, name: str = "meta.csv") -> Held:
    return Held(text.encode(), name)


def in_zip(**files: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name.replace("_csv", ".csv"), text)
    return buffer.getvalue()


def test_both_versions_read_as_one_schema() -> None:
    one, two = read_table(table(V1)), read_table(table(V2))
    assert one.columns == two.columns == list(FIELDS)
    assert one.schema == two.schema
    assert one.row(1, named=True) == {
        "name": "3c0c",
        "user": "64",
        "hash": "df50",
        "width": 1440,
        "height": 1920,
        "brightness": 148.0,
        "split": "val",
    }
    assert two["hash"].to_list() == [None] * 3
    assert two["brightness"].to_list() == [136.0, 148.25, 140.0]
    for field in ("name", "user", "width", "height", "split"):
        assert one[field].to_list() == two[field].to_list()


@pytest.mark.parametrize("text", [V1, V2])
def test_tabs_marks_index_columns_and_line_ends_do_not_matter(text: str) -> None:
    expected = read_table(table(text))
    numbered = [f"{',' if i == 0 else f'{i},'}{line}" for i, line in enumerate(text.splitlines())]
    for other in (
        text.replace(",", "\t"),
        "\ufeff" + text.replace("\n", "\r\n"),
        text.replace(",", " , "),
        text.replace("True", "true").replace("False", "0"),
        "\n".join(numbered),
    ):
        assert read_table(table(other)).equals(expected)


def test_it_is_found_in_a_zip() -> None:
    expected = read_table(table(V2))
    packed = in_zip(meta_csv=V2, readme="words")
    assert read_table(Held(packed, "meta.zip")).equals(expected)
    with pytest.raises(BadInput, match=r"meta\.zip holds 2 tables"):
        read_table(Held(in_zip(a_csv=V1, b_csv=V2), "meta.zip"))
    with pytest.raises(BadInput, match=r"meta\.zip holds 0 tables"):
        read_table(Held(in_zip(readme="words"), "meta.zip"))
    with pytest.raises(BadInput, match=r"meta\.zip is not a whole zip archive"):
        read_table(Held(packed[:60], "meta.zip"))
    with pytest.raises(BadInput, match=r"meta\.zip/meta\.csv has no rows"):
        read_table(Held(in_zip(meta_csv=V1.splitlines()[0] + "\n"), "meta.zip"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (V1.replace("user_id", "usr"), r"meta\.csv has no column 'user_id'; it has attachment_id"),
        (V1.replace(",valid", ",val"), r"has no column 'valid'"),
        (V2.replace(",set,", ",part,"), r"has no column 'set'"),
        (V1.replace("attachment_id", "id"), r"no column 'attachment_id' \(v1\) or 'image_name' \("),
        (V1.replace("True,False,False", "True,True,False"), r"row 1 \(de81\) is in train and test"),
        (V1.replace("True,False,False", "False,False,False"), r"row 1 \(de81\) is in no split"),
        (
            V1.replace("False,False,True", "False,False,maybe"),
            r"row 2 \(3c0c\): valid is 'maybe', not True or",
        ),
        (V1.replace("False,True,False", ",True,False"), r"row 3 \(d17c\): train is None"),
        (V2.replace("val,", "dev,"), r"row 2 \(3c0c\): set is 'dev', not train, val, test"),
        (V2.replace("test,", ","), r"row 3 \(d17c\): set is None"),
        (V2.replace("140", "light"), r"row 3 \(d17c\): brightness is 'light', not a number"),
        (V2.replace("140", "nan"), r"row 3 \(d17c\): brightness is 'nan', not a number"),
        (V2.replace("1080", "wide"), r"row 3 \(d17c\): height is 'wide', not a number"),
        (V2.replace("1080", "10.5"), r"height is 10\.5, not a whole number above 0"),
        (V1.replace("1080", "0"), r"height is 0, not a whole number above 0"),
        (V1.replace("1080", "1e300"), r"height is 1e\+300, not a whole number above 0 and up to"),
        (V1.replace("width", "height "), r"meta\.csv is no CSV table"),
        (V1.replace("3c0c", "de81"), r"the name 'de81' is in row 1 and row 2"),
        (V1.replace("3c0c", ""), r"row 2: attachment_id is empty"),
        (V1.replace("140", "140,1,2"), r"meta\.csv is no CSV table"),
        ("", r"meta\.csv is no CSV table"),
    ],
)
def test_a_bad_table_is_told_by_column_and_row(text: str, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        read_table(table(text))


def test_other_encodings_are_refused() -> None:
    with pytest.raises(BadInput, match=r"meta\.csv is not UTF-8 text.* at byte"):
        read_table(Held(V1.replace("1b", "\xe9").encode("latin-1"), "meta.csv"))


def test_measures_may_be_missing() -> None:
    bare = "image_name,user_id,set\na,u,train\nb,,val\n"
    rows = read_table(table(bare)).to_dicts()
    assert [row["user"] for row in rows] == ["u", None]
    assert all(rows[0][field] is None for field in MEASURED)


@pytest.mark.parametrize(("version", "text"), [("v1", V1), ("v2", V2)])
def test_a_table_is_written_as_it_was_read(version: str, text: str) -> None:
    rows = read_table(table(text)).to_dicts()
    assert table_bytes(rows, TABLES[version]).decode() == text


def test_what_is_not_known_is_written_empty() -> None:
    rows = [{"name": "a", "split": "val"}]
    text = table_bytes(rows, TABLES["v1"]).decode()
    assert text.splitlines()[1] == "a,,,,,,False,False,True"
    assert read_table(table(text)).equals(frame(rows))


def test_missing_measures_are_worked_out_and_known_ones_kept() -> None:
    photo = Held(DEMO.read_bytes())
    image = read_image(DEMO)
    full = completed({"name": "a", "brightness": 7.0}, photo)
    assert full == dict.fromkeys(FIELDS) | {
        "name": "a",
        "hash": phash(image),
        "width": 512,
        "height": 512,
        "brightness": 7.0,
    }
    assert completed({}, photo)["brightness"] == brightness(image)
    assert completed(full, Held(b"no picture")) == full
    with pytest.raises(ImageUnreadable, match=r"b\.jpg"):
        completed({}, Held(b"no picture", "b.jpg"))


def test_width_and_height_are_those_of_the_upright_picture() -> None:
    exif = Pil.Exif()
    exif[0x0112] = 6  # on its side
    lying = Held(as_file(np.zeros((30, 50, 3), np.uint8), "JPEG", exif=exif))
    for known in ({}, {"hash": "00", "brightness": 1.0}):
        full = completed(known, lying)
        assert (full["width"], full["height"]) == (30, 50)


def test_brightness_is_the_mean_of_bt601_luma() -> None:
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (64, 48, 3), np.uint8)
    exact = (image @ np.array([0.299, 0.587, 0.114])).mean()
    assert brightness(image) == pytest.approx(exact, abs=0.05)  # each pixel is rounded
    assert brightness(np.full((5, 5), 77, np.uint8)) == 77


def test_without_polars_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "polars", None)
    with pytest.raises(MissingExtra, match=r'pip install "easyportrait\[data\]"'):
        read_table(table(V1))
