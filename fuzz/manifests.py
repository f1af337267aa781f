"""The manifest of a folder that is trained on and scored: JSON, a line a portrait."""

import json
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import numpy as np

from easyportrait.data.portraits import PortraitFolder
from easyportrait.image.io import write_image

from .target import refused

WORDS = (
    b'"id"', b'"split"', b'"train"', b'"val"', b'"a"', b'"b"', b"null", b"NaN", b"{}", b"[]",
    b"\n", b"9" * 40, b"[[[[[[[[", b"\\ud800", b'{"id": "a"}\n',
)  # fmt: skip


@cache
def folder() -> tuple[tempfile.TemporaryDirectory[str], Path]:
    """Two portraits a, b; the folder goes with the process."""
    held = tempfile.TemporaryDirectory(prefix="fuzz-")
    root = Path(held.name)
    for name in ("a", "b"):
        write_image(root / "images" / f"{name}.jpg", np.zeros((8, 8, 3), np.uint8))
        write_image(root / "masks" / f"{name}.png", np.zeros((8, 8), np.uint8))
    return held, root


def check(data: bytes) -> None:
    _, root = folder()
    (root / "manifest.jsonl").write_bytes(data)
    for split in (None, "val"):

        def read(split: str | None = split) -> None:
            portraits = PortraitFolder(root, split)
            assert {portrait.id for portrait in portraits} <= {"a", "b"}

        refused(read)


def seeds() -> Mapping[str, bytes]:
    rows = [{"id": "a", "split": "train", "agreement": 0.9}, {"id": "b", "split": "val"}]
    whole = "\n".join(map(json.dumps, rows)).encode() + b"\n"
    return {
        "two.jsonl": whole,
        "blank.jsonl": b"\n\n" + whole,
        "half.jsonl": whole[:-9],
        "list.jsonl": b'["a"]\n',
        "nameless.jsonl": b'{"split": "val"}\n',
        "number.jsonl": b'{"id": 1}\n{"id": "a"}\n',
        "odd.jsonl": b'{"id": ["a"]}\n',
        "deep.jsonl": b"[" * 20_000,
        "latin.jsonl": b'{"id": "\xe9"}\n',
        "twice.jsonl": whole + whole,
        "up.jsonl": b'{"id": "../images/a"}\n',
        "empty.jsonl": b"",
    }
