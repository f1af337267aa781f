"""A table that says which of our classes a foreign colour or category is.

TOML or JSON, flat; what stands on the right is a class of ours, or "unknown":

    "#a0ddff" = "skin"          # a colour, for colour-masks; "160, 221, 255" works too
    "upper lip" = "lips"        # a category, for coco and yolo-seg
    "hand" = "unknown"          # seen, and none of ours for certain: 255
"""

import json
from pathlib import Path

from ...errors import BadInput
from ...taxonomy import CLASSES, IGNORE
from ..registry import parse_toml

UNKNOWN = "unknown"


def read_class_table(path: Path) -> dict[str, int]:
    """A table's names on the left, with our mask values.

    Raises:
        BadInput: it cannot be read, is neither TOML nor JSON, is empty, or names a class
            that we do not have.
        MissingExtra: TOML, on a Python that cannot read it, without `tomli`.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise BadInput(f"{path}: the table cannot be read: {reason}") from error
    if path.suffix.lower() == ".json":
        try:
            table = json.loads(text)
        except ValueError as error:
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
    return CLASSES.index(name) if name in CLASSES.names else IGNORE
