"""The studio: a page on which the net runs in the browser, as files.

    page/                    lies in the package: the page, its engine, ONNX Runtime's
                             WebAssembly build (vendor/, packed)
    model/model.onnx         the net
    model/model.json         its card, and the classes' colours
    effects.json             effects and their knobs, as /v1/effects has them
    demo.jpg                 the photograph that comes with the package

The server (app.py) has the rest beside the page; `build` writes all of it into a folder,
for a web server that knows nothing of this package.
"""

import gzip
import json
import os
import secrets
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from .. import __version__
from ..assets import DEMO
from ..errors import ModelError, OutputUnwritable
from ..models.card import Card
from ..models.catalog import EMBEDDED
from . import describe
from .headers import ALWAYS, FOR_PAGE, PAGE_ITSELF

PAGE = Path(__file__).parent / "page"
MODEL = EMBEDDED  # WebAssembly takes half as long again for its int8 form
PACKED = ".gz"
RECORD = "studio.json"  # what a build consists of, so that the next one may replace it
HEAD = '<meta charset="utf-8">'


def page_folder() -> Path | None:
    """The page's files, where this package has them."""
    return PAGE if (PAGE / "index.html").is_file() else None


def made(model: Path, card: Card) -> dict[str, bytes | Path]:
    """What the page needs besides its own files, by path: bytes, or a file as it is.

    Args:
        model: the file of the net that the page runs.
        card: what it says of itself.
    """
    return {
        "model/model.onnx": model,
        "model/model.json": as_json(described(card)),
        "effects.json": as_json(describe.effects()),
        "demo.jpg": DEMO,
    }


def described(card: Card) -> dict[str, object]:
    """The card, and how its classes are painted: `colours`, a #rrggbb each."""
    colours = ["#{:02x}{:02x}{:02x}".format(*label.rgb) for label in card.taxonomy.labels]
    return asdict(card) | {"colours": colours}


def as_json(what: object) -> bytes:
    return json.dumps(what, ensure_ascii=False).encode()


# -- a folder of it ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Built:
    """How many files a build has, and how many bytes."""

    files: int
    size: int


def build(folder: Path, model: Path, card: Card) -> Built:
    """Write the studio into a folder, whole or not at all; an older build there is replaced.

    Args:
        folder: where to: a new or empty one, or one that this wrote.
        model, card: as `made`.

    Raises:
        ModelError: this package came without the page.
        OutputUnwritable: the folder holds what this did not write, or cannot be written.
    """
    if page_folder() is None:
        raise ModelError(f"this package has no studio: {PAGE} is missing")
    folder = folder.resolve()  # "." has no name to write beside
    check_replaceable(folder)
    mark = f"{os.getpid()}-{secrets.token_hex(6)}"
    part, old = (folder.with_name(f".{folder.name}.{mark}.{kind}") for kind in ("part", "old"))
    try:
        size = {path: write(part / path, data) for path, data in contents(model, card).items()}
        record = {"easyportrait": __version__, "model": f"{card.name} {card.version}"}
        write(part / RECORD, as_json(record | {"files": sorted(size)}))
        if folder.exists():
            folder.rename(old)
        try:
            part.rename(folder)
        except OSError:
            if old.exists():
                old.rename(folder)
            raise
    except OSError as error:
        raise OutputUnwritable(f"{folder} cannot be written: {error.strerror or error}") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    shutil.rmtree(old, ignore_errors=True)
    return Built(len(size), sum(size.values()))


def check_replaceable(folder: Path) -> None:
    """Raises: OutputUnwritable: there is something that may be somebody's."""
    if not folder.exists():
        return
    if not folder.is_dir():
        raise OutputUnwritable(f"{folder} is a file; name a folder")
    ours = recorded(folder) | {RECORD}
    for path in folder.rglob("*"):
        if not path.is_dir() and path.relative_to(folder).as_posix() not in ours:
            raise OutputUnwritable(
                f"{folder} holds what is not the studio's: {path.relative_to(folder)}; "
                "name a new folder, or empty this one"
            )


def recorded(folder: Path) -> set[str]:
    """The files of the build that lies there; none if none does."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        return set(json.loads((folder / RECORD).read_text("utf-8"))["files"])
    return set()


def contents(model: Path, card: Card) -> Mapping[str, bytes]:
    """Every file of a build, by path."""
    out: dict[str, bytes] = {}
    for path in sorted(PAGE.rglob("*")):
        if path.is_dir() or "__pycache__" in path.parts:
            continue
        name, data = path.relative_to(PAGE).as_posix(), path.read_bytes()
        if path.suffix == PACKED:
            name, data = name.removesuffix(PACKED), gzip.decompress(data)
        out[name] = data
    for name, what in made(model, card).items():
        out[name] = what.read_bytes() if isinstance(what, Path) else what
    out["index.html"] = guarded(out["index.html"])
    out["_headers"] = headers_file().encode()
    return out


def guarded(page: bytes) -> bytes:
    """The page with the rules about what it may load in itself, as its server may set none."""
    rule = f'<meta http-equiv="Content-Security-Policy" content="{PAGE_ITSELF}">'
    text = page.decode()
    if HEAD not in text:
        raise ModelError(f"the studio's index.html has no {HEAD}")
    return text.replace(HEAD, f"{HEAD}\n{rule}", 1).encode()


def headers_file() -> str:
    """The server's own headers in the form that Cloudflare Pages and Netlify read."""
    headers = ALWAYS | {"cache-control": "no-cache", "content-security-policy": FOR_PAGE}
    lines = (f"  {name}: {value}\n" for name, value in headers.items())
    return "/*\n" + "".join(lines)


def write(path: Path, data: bytes) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return len(data)
