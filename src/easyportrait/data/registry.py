"""Which archives a release of the dataset has: a TOML file, read into frozen values.

The file that comes with the package (registry.toml) says what each key means. Keys that
are missing or unknown are refused by name: a misspelt `sha256` must not mean "unchecked".
"""

import re
import sys
from collections.abc import Collection
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from ..errors import BadInput, MissingExtra
from .download import address

HASH = re.compile("[0-9a-fA-F]{64}")


@dataclass(frozen=True, slots=True)
class Archive:
    """One file of a release.

    Attributes:
        name: of the file, without folders.
        urls: its mirrors, http or https, in the order they are tried.
        size: in bytes; None where it is not known.
        sha256: 64 lower-case hexadecimal digits; None where it is not known.
        inner: names of archives inside it that are extracted as well.
        only_if_named: it is passed over unless it is asked for by name.
    """

    name: str
    urls: tuple[str, ...]
    size: int | None = None
    sha256: str | None = None
    inner: tuple[str, ...] = ()
    only_if_named: bool = False


@dataclass(frozen=True, slots=True)
class Release:
    """One version of the dataset."""

    name: str
    about: str
    licence: str
    archives: tuple[Archive, ...]

    def choose(self, only: Collection[str] = ()) -> tuple[Archive, ...]:
        """The archives named in `only`, or all that are not `only_if_named`.

        Raises:
            BadInput: it has no archive of that name; the message lists those it has.
        """
        known = [archive.name for archive in self.archives]
        for name in only:
            if name not in known:
                raise BadInput(f"{self.name} has no archive {name!r}; it has {', '.join(known)}")
        return tuple(a for a in self.archives if (a.name in only if only else not a.only_if_named))


def read_registry(path: Path | None = None) -> dict[str, Release]:
    """The releases of a registry file, by name.

    Args:
        path: of the file; None is the one that comes with the package.

    Raises:
        BadInput: it does not exist, is not TOML, or does not state just what it must.
        MissingExtra: Python is older than 3.11 and `tomli` is not installed.
    """
    where = "registry.toml" if path is None else str(path)
    try:
        source = resources.files(__package__) / "registry.toml" if path is None else path
        text = source.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise BadInput(f"{where}: the registry cannot be read: {reason}") from error
    tables = parse_toml(text, where)
    if not tables:
        raise BadInput(f"{where} names no release; the one in the package shows how")
    return {name: as_release(name, table, f"{where}: {name}") for name, table in tables.items()}


def find_release(name: str, registry: Path | None = None) -> Release:
    """A release by name; errors as `read_registry`.

    Raises:
        BadInput: there is none of that name; the message lists them.
    """
    releases = read_registry(registry)
    if name not in releases:
        raise BadInput(f"there is no release {name!r}. Releases: {', '.join(sorted(releases))}")
    return releases[name]


def parse_toml(text: str, where: str) -> dict[str, Any]:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        try:
            import tomli as tomllib
        except ImportError:
            raise MissingExtra("data", "tomli") from None
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadInput(f"{where} is not TOML: {error}") from error


def as_release(name: str, table: Any, where: str) -> Release:
    check_keys(table, where, needed={"about", "licence", "archives"})
    if not isinstance(table["archives"], list) or not table["archives"]:
        raise BadInput(f"{where}: archives is a list of tables, got {table['archives']!r}")
    archives = [as_archive(t, f"{where}: archives[{i}]") for i, t in enumerate(table["archives"])]
    names = [archive.name for archive in archives]
    if len({n.casefold() for n in names}) != len(names):
        raise BadInput(f"{where} repeats an archive: {', '.join(names)}")
    return Release(
        name, string(table, "about", where), string(table, "licence", where), tuple(archives)
    )


def as_archive(table: Any, where: str) -> Archive:
    optional = {"size", "sha256", "inner", "only_if_named"}
    check_keys(table, where, needed={"name", "urls"}, optional=optional)
    name = file_name(string(table, "name", where), f"{where}: name")
    where = f"{where} ({name})"
    size, sha256 = table.get("size"), table.get("sha256")
    if size is not None and (type(size) is not int or size < 1):
        raise BadInput(f"{where}: size is a whole number of bytes above 0, got {size!r}")
    if sha256 is not None and not (isinstance(sha256, str) and HASH.fullmatch(sha256)):
        raise BadInput(f"{where}: sha256 is 64 hexadecimal digits in quotes, got {sha256!r}")
    only_if_named = table.get("only_if_named", False)
    if type(only_if_named) is not bool:
        raise BadInput(f"{where}: only_if_named is true or false, got {only_if_named!r}")
    return Archive(
        name,
        tuple(address(url) for url in strings(table, "urls", where)),
        size,
        sha256 and sha256.lower(),
        tuple(file_name(n, f"{where}: inner") for n in strings(table, "inner", where)),
        only_if_named,
    )


def check_keys(table: Any, where: str, needed: set[str], optional: Collection[str] = ()) -> None:
    if not isinstance(table, dict):
        raise BadInput(f"{where} is a table, got {table!r}")
    missing, unknown = sorted(needed - table.keys()), sorted(table.keys() - needed - {*optional})
    if missing or unknown:
        raise BadInput(
            f"{where}: missing {', '.join(missing) or 'nothing'}; "
            f"unknown {', '.join(unknown) or 'nothing'}"
        )


def string(table: dict[str, Any], key: str, where: str) -> str:
    value = table[key]
    if not isinstance(value, str) or not value:
        raise BadInput(f"{where}: {key} is a text, got {value!r}")
    return value


def strings(table: dict[str, Any], key: str, where: str) -> list[str]:
    value = table.get(key, [])
    if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
        raise BadInput(f"{where}: {key} is a list of texts, got {value!r}")
    return value


def file_name(name: str, where: str) -> str:
    """`name`, if it is that of a zip file and leads into no folder: registries come from
    strangers too."""
    if not re.fullmatch(r"\w[\w.+-]*\.zip", name, re.ASCII):
        raise BadInput(
            f"{where} is that of a .zip file, of letters, digits and . _ + -, got {name!r}"
        )
    return name
