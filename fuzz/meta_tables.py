"""Tables of what is known of each picture: what is read can be written, and is the same."""

import io
import zipfile
from collections.abc import Mapping

from easyportrait.data.meta import TABLES, read_table, table_bytes

from .target import refused

WORDS = (
    b"attachment_id", b"user_id", b"data_hash", b"width", b"height", b"brightness", b"train",
    b"test", b"valid", b"image_name", b"set", b"val", b"True", b"False", b"1e9", b"nan", b"inf",
    b'"', b'""', b"\r\n", b"\t", b"\0", b"PK\3\4", b"PK\1\2", b"PK\5\6", b"meta.csv",
    b"\xef\xbb\xbf",
)  # fmt: skip


class Held:
    """A file that is nowhere but in memory."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def __str__(self) -> str:
        return "meta"

    def read(self) -> bytes:
        return self.data


def check(data: bytes) -> None:
    def read() -> None:
        table = read_table(Held(data))
        rows = table.to_dicts()
        assert rows and all(row["name"] and row["split"] for row in rows)
        for how in TABLES.values():
            again = read_table(Held(table_bytes(rows, how))).to_dicts()
            assert [row["name"] for row in again] == [row["name"] for row in rows]

    refused(read)


V1 = (
    b"attachment_id,user_id,data_hash,width,height,brightness,train,test,valid\n"
    b"a,u1,00ff00ff00ff00ff,640,480,136,True,False,False\n"
    b"b,u2,,,,99.5,False,True,False\n"
)
V2 = b"image_name,user_id,height,width,set,brightness\na,u1,480,640,train,136\nb,,,,val,\n"


def seeds() -> Mapping[str, bytes]:
    made = {
        "v1.csv": V1,
        "v2.csv": V2,
        "v2.tsv": V2.replace(b",", b"\t"),
        "windows.csv": b"\xef\xbb\xbf" + V2.replace(b"\n", b"\r\n"),
        "quoted.csv": V2.replace(b"b,", b'"b, or ""c""",'),
        "columns.csv": V2.replace(b"height,width", b"width, width"),
        "short.csv": V2.replace(b"b,,,,val,", b"b"),
        "huge.csv": V2.replace(b"480", b"1e400"),
        "empty": b"",
        "line": b"\n",
    }
    for method, kind in ((zipfile.ZIP_DEFLATED, "zip"), (zipfile.ZIP_LZMA, "lzma.zip")):
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w", method) as archive:
            archive.writestr(zipfile.ZipInfo("meta.csv"), V1, compress_type=method)
        made[f"v1.{kind}"] = file.getvalue()
    whole = made["v1.lzma.zip"]
    made["damaged.lzma.zip"] = whole[:50] + bytes(20) + whole[70:]
    return made
