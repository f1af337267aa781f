"""The same through the door of files: a folder with hostile ones in it."""

import re
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest

from easyportrait.errors import ImageTooLarge, ImageUnreadable
from easyportrait.image.io import read_image
from tests.attacks import made
from tests.unit.serve.asking import photo

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL")  # as the command line has it

HOSTILE = {
    "pixels.png": made.claims(60_000, 60_000),
    "row.png": made.claims(70_000, 1),
    "frame.gif": made.frame_bomb(),
    "note.png": made.text_bomb(),
    "profile.png": made.profile_bomb(),
    "scans.jpg": made.scans(3_000),
    "segments.jpg": made.segments(2_000_000),
    "page.jpg": made.SVG,
    "pipe.png": made.MAGICK,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_picture_is_one_line_and_soon(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(HOSTILE[name])
    began = time.process_time()
    with pytest.raises((ImageTooLarge, ImageUnreadable), match=re.escape(name)) as refusal:
        read_image(path)
    assert "\n" not in str(refusal.value)
    assert time.process_time() - began < 2


def test_a_folder_goes_on_after_them_and_names_each(tmp_path: Path) -> None:
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    for name, data in (HOSTILE | {"good.png": photo()}).items():
        (folder / name).write_bytes(data)
    done = subprocess.run(
        [sys.executable, "-m", "easyportrait", "parse", folder, "-o", out],
        capture_output=True,
        text=True,
    )
    assert done.returncode != 0 and "Traceback" not in done.stderr
    assert [path.name for path in out.iterdir()] == ["good.png"]
    lines = done.stderr.splitlines()
    for name in HOSTILE:
        assert sum(name in line for line in lines) == 1
    assert len(lines) == len(HOSTILE) + 1  # and how many failed


def test_the_scans_of_honest_encoders_are_few_enough() -> None:
    assert read_image(made.scans(60)).shape == (1_000, 1_000, 3)
    for kind in (".jpg", ".png", ".webp"):
        assert read_image(photo(kind)).shape == (120, 90, 3)


def test_xml_opens_no_files_and_does_not_grow(tmp_path: Path) -> None:
    """CVAT's and Label Studio's are read by Python's parser."""
    secret = tmp_path / "secret"
    secret.write_text("a secret")
    opening = f'<!DOCTYPE l [<!ENTITY x SYSTEM "{secret.as_uri()}">]><l>&x;</l>'
    with pytest.raises(ElementTree.ParseError):
        ElementTree.fromstring(opening)
    names = "abcdefghij"
    laughs = "".join(f'<!ENTITY {b} "{f"&{a};" * 20}">' for a, b in pairwise(names))
    with pytest.raises(ElementTree.ParseError, match="amplification"):
        ElementTree.fromstring(f'<!DOCTYPE l [<!ENTITY a "{"ha" * 50}">{laughs}]><l>&j;</l>')


def test_every_attack_that_is_promised_is_there() -> None:
    text = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    named = re.findall(r"`((?:tests|benchmarks)/[\w/.]+\.py)(?:::(\w+))?`", text)
    assert len(named) > 20
    for file, test in named:
        code = (ROOT / file).read_text(encoding="utf-8")
        assert not test or f"def {test}(" in code, f"{file}::{test}"
    attacks = {path.name for path in (ROOT / "tests" / "attacks").glob("test_*.py")}
    assert attacks == {Path(file).name for file, _ in named if file.startswith("tests/attacks/")}
