"""A table that says which of our classes a foreign colour or category is.

TOML or JSON, flat; what stands on the right is a class of ours, or "unknown":

    "#a0ddff" = "skin"          # a colour, for colour-masks; "160, 221, 255" works too
    "upper lip" = "lips"        # a category, for coco and yolo-seg
    "hand" = "unknown"          # seen, and none of ours for certain: 255
    "*" = "unknown"             # every category that is not named here or by us
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ...errors import BadInput
from ...taxonomy import CLASSES, IGNORE
from ..registry import parse_toml

UNKNOWN = "unknown"
ANY = "*"
PERSON = CLASSES.index("person")


def read_class_table(path: Path) -> dict[str, int]:
    """A table's names on the left, with our mask values.

    Raises:
        BadInput: it cannot be read, is neither TOML nor JSON, is empty, or names a class
            that we do not have.
        MissingExtra: TOML, on a Python that cannot read it, without `tomli`.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise BadInput(f"{path}: the table cannot be read: {reason}") from error
    if path.suffix.lower() == ".json":
        try:
            table = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise BadInput(f"{path} is not JSON: {error}") from error
    else:
        table = parse_toml(text, str(path))
    if not isinstance(table, dict) or not table:
        raise BadInput(f'{path} is no table of lines such as "#a0ddff" = "skin"')
    return {key: _value(name, f"{path}: {key!r}") for key, name in table.items()}


def _value(name: object, where: str) -> int:
    if name == UNKNOWN:
        return IGNORE
    if name not in CLASSES.names:
        known = ", ".join(CLASSES.names)
        raise BadInput(f"{where} is {name!r}, which is no class; classes: {known}, {UNKNOWN}")
    return CLASSES.index(str(name))


def value_of(name: str, table: dict[str, int]) -> int:
    """The mask value of a category: by the table, else by being called as our class is."""
    if name in table:
        return table[name]
    return CLASSES.index(name) if name in CLASSES.names else table.get(ANY, IGNORE)


@dataclass(frozen=True, slots=True)
class Legend:
    """What the labels of a whole set mean.

    Attributes:
        values: our mask value of each label.
    """

    values: dict[str, int]

    @property
    def uncovered(self) -> int:
        """The mask value of pixels that no shape covers: background if persons are labelled
        at all, else nobody said so, and it is not known."""
        return CLASSES.index("background") if PERSON in self.values.values() else IGNORE


def legend(
    used: Iterable[str], table: dict[str, int], where: object, listed: Iterable[str] = ()
) -> Legend:
    """What each of the labels found in `where` is.

    Args:
        used: the labels of shapes.
        listed: labels that shapes might have; what they mean is asked for when one has.

    Raises:
        BadInput: a label is used that the table does not name, and that is no class of ours.
            Labels are not guessed, and not dropped: all such are listed, and what would work.
    """
    known = {*CLASSES.names, UNKNOWN, *table}
    used = sorted(set(used))
    if ANY not in table and (strange := [repr(name) for name in used if name not in known]):
        raise BadInput(
            f"{where} has labels that are none of our classes: {', '.join(strange)}. Ours: "
            f"{', '.join(CLASSES.names)}, {UNKNOWN}. Say what the others are in a table: "
            f'{strange[0]} = "skin", or all at once: "*" = "unknown" (--table FILE)'
        )
    return Legend({name: value_of(name, table) for name in (*used, *listed)})
