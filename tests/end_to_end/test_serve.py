"""`easyportrait serve`, started as users start it, with the real net."""

import importlib.util
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from typer.testing import CliRunner, Result

import easyportrait
from easyportrait.assets import DEMO
from easyportrait.cli.app import app
from easyportrait.cli.serve import parsers
from easyportrait.errors import BadInput, MissingExtra, UnknownModel
from easyportrait.models.catalog import EMBEDDED, find_model
from tests.unit.serve.asking import decoded

SOON = 60.0
BLUR = '{"background": "blur", "whiten-teeth": 0.6}'


def run(*args: object) -> Result:
    return CliRunner().invoke(app, ["serve", *map(str, args)])


@contextmanager
def started(folder: Path, *args: str, **env: str) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """A server whose working folder, home and temporary folder are `folder`."""
    inherited = {n: v for n, v in os.environ.items() if n != "ORT_DISABLE_TELEMETRY"}
    home = {name: str(folder) for name in ("HOME", "TMPDIR", "TMP", "TEMP", "XDG_DATA_HOME")}
    made = subprocess.Popen(
        [sys.executable, "-m", "easyportrait", "serve", "--port", "0", *args],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
        env=inherited | home | {"PYTHONDONTWRITEBYTECODE": "1"} | env,
    )
    try:
        assert made.stdout is not None
        yield made.stdout.readline().strip(), made
    finally:
        made.kill()
        made.communicate()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGTERM to hear")
def test_a_portrait_goes_in_and_what_python_gives_comes_out(tmp_path: Path) -> None:
    with started(tmp_path) as (address, server):
        assert urlsplit(address).hostname == "127.0.0.1"
        picture = DEMO.read_bytes()
        with httpx.Client(base_url=address, timeout=SOON) as asked:
            labels = asked.post("/v1/parse", content=picture)
            told = asked.post("/v1/parse?as=json", files={"picture": picture}).json()
            blurred = asked.post(
                "/v1/apply",
                files={"picture": picture},
                data={"effects": BLUR, "output": "png"},
            )
        parsing = easyportrait.parse(DEMO, model=easyportrait.load(threads=1))
        assert (decoded(labels.content) == parsing.labels).all()
        assert len(told["faces"]) == 1
        wanted = easyportrait.apply(parsing, background="blur", whiten_teeth=0.6)
        assert (decoded(blurred.content) == wanted).all()
        server.send_signal(signal.SIGTERM)
        rest, words = server.communicate(timeout=SOON)
    assert server.returncode in (0, -signal.SIGTERM, 128 + signal.SIGTERM) and rest == ""
    assert "Traceback" not in words and "this machine only" in words
    assert list(tmp_path.iterdir()) == []


def test_what_others_can_reach_needs_a_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EASYPORTRAIT_TOKEN", raising=False)
    result = run("--host", "0.0.0.0")
    assert isinstance(result.exception, BadInput)
    assert "--token-file" in str(result.exception)


def test_a_taken_port_and_an_unknown_model_are_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        result = run("--port", taken.getsockname()[1])
    assert isinstance(result.exception, BadInput) and "--port 0" in str(result.exception)
    assert isinstance(run("--port", 0, "-m", "none").exception, UnknownModel)
    result = run("--token-file", tmp_path / "none")
    assert isinstance(result.exception, BadInput)


def test_without_the_extra_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    result = run()
    assert isinstance(result.exception, MissingExtra)
    assert 'pip install "easyportrait[serve]"' in str(result.exception)


def test_models_go_by_their_names_never_by_their_paths() -> None:
    path = find_model(EMBEDDED)
    assert list(parsers([str(path)], "onnx", 1)) == [path.stem]
    assert list(parsers([EMBEDDED], "onnx", 1)) == [EMBEDDED]
