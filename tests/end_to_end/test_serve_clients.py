"""The clients that the how-to shows, each run against a live server."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image as Pil

from easyportrait.assets import DEMO
from tests.end_to_end.test_docs import ROOT, blocks
from tests.end_to_end.test_serve import SOON, started

PAGE = ROOT / "docs" / "howto" / "serve.md"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with started(tmp_path_factory.mktemp("home")) as (address, _):
        yield address.rstrip("/")


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    for name in ("photo.jpg", "beach.jpg"):
        shutil.copy(DEMO, tmp_path / name)
    return tmp_path


def shown(language: str, address: str) -> list[str]:
    """The page's blocks in a language, for a server at another address."""
    return [block.replace("http://127.0.0.1:8000", address) for block in blocks(PAGE, language)]


def run(desk: Path, *command: str) -> str:
    done = subprocess.run(command, cwd=desk, capture_output=True, text=True, timeout=SOON)
    assert done.returncode == 0, done.stderr
    return done.stdout


def picture(path: Path) -> tuple[str | None, str, tuple[int, int]]:
    with Pil.open(path) as made:
        return made.format, made.mode, made.size


def test_clients_in_python_run(address: str, desk: Path) -> None:
    plain, patient = (run(desk, sys.executable, "-c", block) for block in shown("py", address))
    assert re.match(r"\[[\d., ]+\] \d+\n", plain) and patient == ""
    assert picture(desk / "cut.png") == ("PNG", "RGBA", picture(DEMO)[2])


@pytest.mark.skipif(shutil.which("node") is None, reason="there is no Node here")
def test_a_client_in_javascript_runs(address: str, desk: Path) -> None:
    (client,) = shown("js", address)
    run(desk, "node", "--input-type=module", "-e", client)
    assert picture(desk / "better.webp") == ("WEBP", "RGB", picture(DEMO)[2])


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl here")
def test_clients_in_the_shell_run(address: str, desk: Path) -> None:
    lines = re.findall(r"^curl (?:.*\\\n)*.*$", "\n".join(shown("bash", address)), re.MULTILINE)
    lines = [line for line in lines if address in line and "token" not in line]
    assert len(lines) == 4
    said = [run(desk, "bash", "-c", line.replace("curl ", "curl -sSf ", 1)) for line in lines]
    assert '"faces"' in said[1]
    size = picture(DEMO)[2]
    assert picture(desk / "labels.png") == ("PNG", "L", size)
    assert picture(desk / "better.jpg") == picture(desk / "beach.jpg") == ("JPEG", "RGB", size)
    assert (desk / "beach.jpg").read_bytes() != DEMO.read_bytes()


def test_the_unit_is_one_that_systemd_takes(tmp_path: Path) -> None:
    """With a program that is there in place of the one that is to be installed."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("there is no systemd here")
    text = (ROOT / "deploy" / "easyportrait.service").read_text()
    unit = tmp_path / "easyportrait.service"
    unit.write_text(text.replace("/opt/easyportrait/bin/easyportrait", sys.executable))
    done = subprocess.run(
        ["systemd-analyze", "verify", unit], capture_output=True, text=True, env=dict(os.environ)
    )
    assert done.returncode == 0 and done.stderr == "", done.stderr


def test_the_deployed_commands_have_options_that_there_are() -> None:
    """What the unit and the compose file pass to `serve` is taken by it."""
    from typer.testing import CliRunner

    from easyportrait.cli.app import app

    told = CliRunner().invoke(app, ["serve", "--help"], env={"COLUMNS": "200"}).output
    files = ("deploy/easyportrait.service", "docker/Dockerfile", "docker/compose.yaml")
    for file in files:
        lines = (ROOT / file).read_text().splitlines()
        passed = [
            line
            for line in lines
            if line.strip().startswith(("ExecStart", "ENTRYPOINT", "command"))
        ]
        assert passed
        for option in re.findall(r"--[a-z-]+", " ".join(passed)):
            assert option in told, f"{file}: {option}"
