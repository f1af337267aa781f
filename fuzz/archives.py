"""Archives: nothing is written beyond the folder, and nothing half-written stays in it."""

import io
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

from easyportrait.data.archives import Limits, extract
from easyportrait.data.files import files_in

from .target import refused

LIMITS = Limits(max_members=200, max_bytes=1 << 20, max_ratio=200)
WORDS = (
    b"PK\3\4", b"PK\1\2", b"PK\5\6", b"PK\6\6", b"PK\6\7", b"\1\0\20\0", b"../", b"/", b"..\\",
    b"images/", b"a.png", b"\0", b"\xff\xff\xff\xff", b"\xff\xff", b"con", b"\x0a\0", b"\x0c\0",
    b"\x0e\0", b"__MACOSX/", b"up\1\0",
)  # fmt: skip


def check(data: bytes) -> None:
    with tempfile.TemporaryDirectory(prefix="fuzz-") as name:
        top = Path(name)
        (archive := top / "it.zip").write_bytes(data)
        was_refused = refused(lambda: extract(archive, top / "out" / "it", limits=LIMITS))
        assert {path.name for path in top.iterdir()} <= {"it.zip", "out"}
        assert {path.name for path in (top / "out").glob("*")} <= {"it"}
        files = [path for path in top.rglob("*") if path.is_file()]
        assert not any(path.is_symlink() or path.name.endswith(".part") for path in files)
        if not was_refused:  # and again: all of it is there, and is the same
            assert extract(archive, top / "out" / "it", limits=LIMITS).new == 0

        def read() -> None:
            for _, file in files_in(archive):
                refused(file.read)

        refused(read)


def seeds() -> Mapping[str, bytes]:
    plain = {"images/a.txt": b"abc" * 50, "images/b.txt": b"", "c/": b""}
    made = {
        "stored.zip": zipped(plain, zipfile.ZIP_STORED),
        "deflated.zip": zipped(plain),
        "top.zip": zipped({f"it/{name}": data for name, data in plain.items()}),
        "up.zip": zipped({"../a": b"a"}),
        "twins.zip": zipped({"a": b"a", "A": b"b"}),
        "mac.zip": zipped({"a": b"a", "__MACOSX/._a": b"b", ".DS_Store": b"c"}),
        "lzma.zip": zipped(plain, zipfile.ZIP_LZMA),
        "long.zip": zipped({"a" * 300: b"a"}),
        "empty.zip": zipped({}),
        "empty": b"",
    }
    made["cut.zip"] = made["deflated.zip"][:-30]
    made["prefixed.zip"] = b"#!/bin/sh\n" + made["deflated.zip"]
    return made


def zipped(files: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name), data, compress_type=method)
    return file.getvalue()
