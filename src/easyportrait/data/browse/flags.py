"""Names that were flagged, as text (a name a line) or JSON."""

import json
from collections.abc import Iterable
from pathlib import Path

from ...errors import BadInput
from ...image.io import written


def as_text(names: Iterable[str]) -> bytes:
    # a file name may hold bytes that are no text
    return "".join(f"{name}\n" for name in names).encode("utf-8", "surrogateescape")


def as_json(names: Iterable[str]) -> bytes:
    return json.dumps({"flagged": [*names]}, indent=2).encode() + b"\n"


def read_flags(path: Path) -> list[str]:
    """The names in a file that `write_flags` wrote; none if there is no file yet.

    Raises:
        BadInput: it cannot be read, or is JSON of another shape.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror or error}") from error
    if path.suffix.lower() != ".json":
        lines = data.decode("utf-8", "surrogateescape").splitlines()
        return [line for line in lines if line.strip()]
    try:
        names = json.loads(data)["flagged"]
    except (ValueError, KeyError, TypeError):
        names = None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise BadInput(f'{path} is not of the form {{"flagged": ["NAME", ...]}}; name another file')
    return names


def write_flags(path: Path, names: Iterable[str]) -> None:
    """As JSON if the file is called so, else as text.

    Raises:
        OutputUnwritable: it cannot be written.
    """
    make = as_json if path.suffix.lower() == ".json" else as_text
    with written(path) as file:
        file.write(make(names))
