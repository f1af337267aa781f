"""The documentation: reference as the code is, commands that exist, a site without warnings."""

import os
import shlex
import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest
import typer

from easyportrait.cli.app import app
from tests.end_to_end.test_docs import PAGES, ROOT, blocks


def loaded(path: Path) -> ModuleType:
    spec = spec_from_file_location(path.stem, path)
    assert spec and spec.loader
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


REFERENCE = loaded(ROOT / "docs" / "reference.py")
FLAGS = {
    name: {flag for p in command.params for flag in (*p.opts, *p.secondary_opts)} | {"--help"}
    for name, command in REFERENCE.commands(typer.main.get_command(app), "easyportrait")
}


@pytest.mark.parametrize("page", REFERENCE.PAGES)
def test_the_reference_is_as_the_code_is(page: str) -> None:
    kept = (ROOT / "docs" / "reference" / page).read_text(encoding="utf-8")
    assert kept == REFERENCE.PAGES[page](), "run python docs/reference.py"


def lines() -> list[tuple[Path, str]]:
    """Every line in README and docs that calls a command of ours."""
    found = []
    for page in PAGES:
        for block in [*blocks(page, "bash"), *blocks(page, "text")]:
            whole = block.replace("\\\n", " ")
            found += [(page, at) for at in whole.splitlines() if at.startswith("easyportrait ")]
    return found


@pytest.mark.parametrize(
    ("page", "line"), lines(), ids=lambda x: x.name if isinstance(x, Path) else x[:60]
)
def test_a_command_that_the_docs_show_exists(page: Path, line: str) -> None:
    words = shlex.split(line.split(" && ")[0].split(" | ")[0], comments=True)
    if words[1].startswith("-"):  # of the program itself
        return
    name = max((n for n in FLAGS if words[: len(n.split())] == n.split()), key=len, default=None)
    assert name, f"{page.name}: there is no {' '.join(words[:3])}"
    used = {word.split("=")[0] for word in words if word.startswith("--")}
    assert used <= FLAGS[name], f"{page.name}: {name} has no {used - FLAGS[name]}"


def test_the_site_is_built_without_warnings(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "-d", str(tmp_path / "site")]
    quiet = os.environ | {"NO_MKDOCS_2_WARNING": "1", "DISABLE_MKDOCS_2_WARNING": "true"}
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=quiet, check=False)
    assert done.returncode == 0, done.stderr
    start = (tmp_path / "site" / "index.html").read_text(encoding="utf-8")
    assert "what every pixel is out" in start
    assert not [word for word in start.split() if 'src="http' in word or "fonts.g" in word]
