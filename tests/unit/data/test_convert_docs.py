"""docs/howto/convert.md states what each foreign number becomes; it must be what happens."""

import re
from pathlib import Path

import numpy as np
import pytest

from easyportrait.data.convert import FORMATS, READERS, WRITERS, celebamask, lapa
from easyportrait.data.convert.layers import PRECEDENCE
from easyportrait.taxonomy import CLASSES, IGNORE, SOURCES, TASKS

PAGE = Path(__file__).parents[3] / "docs" / "howto" / "convert.md"

# What a source calls its numbers
NAMES = {
    "celebamask-hq": celebamask.VALUES,
    "lapa": lapa.VALUES,
    "mmseg-ps": TASKS["ps"].names,
    "mmseg-fp": TASKS["fp"].names,
}


def table_of(source: str) -> str:
    """The page's table of a source: every number, and what stands for all others."""
    lines = [f"| `{source}` | theirs | ours |", "| ---: | --- | --- |"]
    for value, name in enumerate(NAMES[source]):
        ours = int(SOURCES[source].table[value])
        lines.append(f"| {value} | {name} | {'255' if ours == IGNORE else CLASSES.names[ours]} |")
    assert np.all(SOURCES[source].table[len(NAMES[source]) :] == IGNORE)
    return "\n".join([*lines, "| any other | | 255 |", ""])


@pytest.mark.parametrize("source", SOURCES)
def test_the_page_says_what_every_number_becomes(source: str) -> None:
    assert table_of(source) in PAGE.read_text()


@pytest.mark.parametrize("name", FORMATS)
def test_the_page_lists_every_format_as_the_table_has_it(name: str) -> None:
    ways = " ".join([*["read"] * (name in READERS), *["written"] * (name in WRITERS)])
    assert f"| `{name}` | {ways.replace(' ', ', ')} | `{FORMATS[name].lies}` |" in PAGE.read_text()


def test_the_page_says_which_class_wins_where_shapes_overlap() -> None:
    rows = [line.split(" | ") for line in PAGE.read_text().splitlines() if re.match(r"\| \d", line)]
    ranked = [(row[0], row[1]) for row in rows if row[1] in PRECEDENCE and row[0] != "| 0"]
    start = ranked.index(("| 1", "background"))
    wanted = [(f"| {rank}", name) for rank, name in enumerate(PRECEDENCE, 1)]
    assert ranked[start : start + len(PRECEDENCE)] == wanted
