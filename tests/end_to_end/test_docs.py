"""What README and how-tos show is run."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from easyportrait.assets import DEMO
from tests.unit.video.films import film

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


NO_END = ("camera", "serve")  # there is no camera here, and a server goes on for ever


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page.read_text(), re.DOTALL)


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with what the pages speak of: photo.jpg, photos/ with two, and a film."""
    (tmp_path / "photos").mkdir()
    film(tmp_path / "talk.mp4")
    for name in ("photo.jpg", "photos/a.jpg", "photos/b.jpg"):
        shutil.copy(DEMO, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    "page", [p for p in PAGES if blocks(p, "python")], ids=lambda p: str(p.relative_to(ROOT))
)
def test_python_runs(page: Path, desk: Path) -> None:
    names: dict[str, object] = {}
    for block in blocks(page, "python"):
        exec(compile(block, str(page), "exec"), names)


def test_the_readmes_shell_lines_run(desk: Path) -> None:
    """Through a shell, with `easyportrait` found as an installed command would be."""
    lines = [
        line
        for block in blocks(ROOT / "README.md", "bash")
        for line in block.splitlines()
        if line.startswith("easyportrait ") and line.split()[1] not in NO_END
    ]
    assert len(lines) == 6
    command = desk / "bin" / "easyportrait"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m easyportrait "$@"\n')
    command.chmod(0o755)
    path = f"{command.parent}{os.pathsep}{os.environ['PATH']}"
    for line in lines:
        subprocess.run(["bash", "-c", line], check=True, env=os.environ | {"PATH": path})
    made = {str(p.relative_to(desk)) for p in desk.rglob("*.png")}
    assert {"out/photo.png", "out/a.png", "out/b.cutout.png", "labels.png", "alone.png"} <= made
    assert (desk / "out.mp4").exists()


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_to_files_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
        if not target.startswith("https://"):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_the_changelog_knows_this_version() -> None:
    from easyportrait import __version__

    assert f"## {__version__}\n" in (ROOT / "CHANGELOG.md").read_text()
