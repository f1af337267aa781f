"""Which models there are, by name: those inside the package, and those in the user's folder."""

import os
from contextlib import suppress
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from ..errors import UnknownModel
from .session import OnnxSession

EMBEDDED = "embedded"  # as it was trained, for whoever trains on
DEFAULT = "embedded-int8"  # the same net: half the size, half as fast again, with equal scores


@dataclass(frozen=True, slots=True)
class Entry:
    """A model that can be named: where its file lies, and whether it came with the package."""

    name: str
    path: Path
    embedded: bool


def models_folder() -> Path:
    """Where imported models lie: `$EASYPORTRAIT_MODELS`, else the user's data folder."""
    if named := os.environ.get("EASYPORTRAIT_MODELS"):
        return Path(named)
    from platformdirs import user_data_path

    return user_data_path("easyportrait") / "models"


def catalog() -> dict[str, Entry]:
    """Every model that can be named, the default one first."""
    weights = Path(str(resources.files("easyportrait.models") / "weights"))
    found = {n: Entry(n, weights / f"{n}.onnx", True) for n in (DEFAULT, EMBEDDED)}
    folder, own = models_folder(), list[Path]()
    with suppress(OSError):  # a home that may not be entered holds no models
        own = sorted(folder.glob("*.onnx")) if folder.is_dir() else []
    for path in own:
        found.setdefault(path.stem, Entry(path.stem, path, False))
    return found


def find_model(name_or_path: str | Path) -> Path:
    """The file of a model, by name or path; a name wins over a file of the same name.

    Raises:
        UnknownModel: neither; the message lists the names.
    """
    entries = catalog()
    name = str(name_or_path)
    if name in entries:
        return entries[name].path
    path = Path(name_or_path).expanduser()
    with suppress(OSError):
        if path.is_file():
            return path
    raise UnknownModel(name, entries)


def open_model(name_or_path: str | Path = DEFAULT, *, threads: int | None = None) -> OnnxSession:
    """A session for a model, by name or path; no network is used.

    Raises:
        UnknownModel: there is none of that name.
        ModelError: its file is damaged or has no card.
    """
    return OnnxSession(find_model(name_or_path), threads=threads)
