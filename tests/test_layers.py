"""The arrows of the house, checked: nothing imports from its right, torch lives in train/."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

SRC = Path(__file__).parents[1] / "src" / "easyportrait"

USE = [
    *("errors", "taxonomy", "image", "faces", "parsing", "summary"),
    *("models", "effects", "core", "assets"),
]
MAY_IMPORT = {
    "errors": set(),
    "taxonomy": {"errors"},
    "image": {"errors", "taxonomy"},
    "assets": {"image"},
    "faces": {"errors", "taxonomy", "image"},
    "parsing": {"errors", "taxonomy", "image", "faces"},
    "summary": {"parsing"},
    "models": {"errors", "taxonomy", "image", "faces", "parsing"},
    "effects": {"errors", "taxonomy", "image", "faces", "parsing"},
    "core": {"errors", "taxonomy", "image", "faces", "parsing", "models", "effects"},
    "data": {"errors", "taxonomy", "image", "faces"},
    "evaluate": {"errors", "taxonomy", "image", "parsing", "models", "data"},
    "train": {"errors", "taxonomy", "image", "data", "evaluate", "models"},
    "video": {*USE},
    "serve": {*USE},
    "scale": {*USE, "data"},
    "cli": {*USE, "data", "evaluate", "scale", "serve", "train", "video"},
    "__init__": {*USE, "data", "video"},
    "__main__": {"cli"},
}
HEAVY = {
    "torch": {"train"},
    "lightning": {"train"},
    "onnx": {"models", "train"},
    "onnxruntime": {"models"},
    "openvino": {"models"},
    "typer": {"cli"},
    "rich": {"cli"},
    "polars": {"data"},
    "ray": {"scale"},
    "fsspec": {"scale"},
    "pyarrow": {"scale"},
    "av": {"video"},
    "matplotlib": {"data"},
    "fastapi": {"serve"},
    "starlette": {"serve"},
    "uvicorn": {"serve"},
    "python_multipart": {"serve"},
    "prometheus_client": {"serve"},
}
# Of a folder that is plain otherwise, the files that may
FILES = {
    "onnx": {"models/onnxfile.py", "models/export.py", "models/quantize.py"},
    "onnxruntime": {"models/session.py", "models/quantize.py"},
    "openvino": {"models/session.py"},
}


def imported(path: Path) -> Iterator[str]:
    """Every module a file imports, anywhere in it, as an absolute name."""
    package = ("easyportrait", *path.relative_to(SRC).parts[:-1])
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module or ""
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1]
            if node.module:
                yield ".".join((*base, node.module))
            else:
                yield from (".".join((*base, alias.name)) for alias in node.names)


@pytest.mark.parametrize("path", sorted(SRC.rglob("*.py")), ids=lambda p: str(p.relative_to(SRC)))
def test_imports_point_one_way(path: Path) -> None:
    here = path.relative_to(SRC).parts[0].removesuffix(".py")
    assert here in MAY_IMPORT, f"{here} is new: say what it may import"
    for name in imported(path):
        top, *rest = name.split(".")
        if top in HEAVY:
            assert here in HEAVY[top], f"{path.name} imports {top}; only {HEAVY[top]} may"
            if here == "models":
                file = path.relative_to(SRC).as_posix()
                assert file in FILES[top], f"{file} imports {top}; only {FILES[top]} may"
        if top == "easyportrait" and rest and rest[0] != here and rest[0] != "__version__":
            assert rest[0] in MAY_IMPORT[here], f"{here} may not import {rest[0]}"


def fresh(code: str) -> str:
    """What a new interpreter prints."""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return run.stdout.strip()


def test_the_plain_import_loads_nothing_heavy() -> None:
    loaded = fresh(
        "import sys, easyportrait; print([m for m in ('torch', 'cv2', 'onnxruntime', 'onnx', "
        "'openvino', 'PIL', 'typer', 'rich', 'polars', 'fastapi') if m in sys.modules])"
    )
    assert loaded == "[]"


def test_parsing_a_picture_never_imports_what_extras_bring() -> None:
    assert (
        fresh(
            "import sys, easyportrait as e; e.parse(e.demo_image()).labels; "
            "print({'torch', 'polars', 'onnx', 'openvino'} & set(sys.modules))"
        )
        == "set()"
    )


def test_importing_costs_little_beyond_numpy() -> None:
    """Under 0.3 s more than numpy: measured best of three, since machines are busy."""
    code = (
        "import time, numpy; t = time.perf_counter(); import easyportrait; "
        "print(time.perf_counter() - t)"
    )
    assert min(float(fresh(code)) for _ in range(3)) < 0.3


def test_every_public_name_can_be_had_and_they_are_sorted() -> None:
    import easyportrait

    assert [*map(str.lower, easyportrait.__all__)] == sorted(map(str.lower, easyportrait.__all__))
    assert set(easyportrait.__all__) == set(easyportrait._HOMES) | {"__version__"}
    for name in easyportrait.__all__:
        assert getattr(easyportrait, name) is not None
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = easyportrait.no_such_name
