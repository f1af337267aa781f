"""Every command, by being in the table: it explains itself, and refuses nonsense in one line."""

import pytest
import typer
from typer.testing import CliRunner

from easyportrait.cli.app import app


def commands(group: typer.Typer, *path: str) -> list[tuple[str, ...]]:
    found = [
        (*path, c.name or c.callback.__name__) for c in group.registered_commands if c.callback
    ]
    for sub in group.registered_groups:
        assert sub.typer_instance is not None
        found += commands(sub.typer_instance, *path, str(sub.name))
    return found


@pytest.mark.parametrize("path", commands(app), ids=" ".join)
def test_a_command_has_help(path: tuple[str, ...]) -> None:
    result = CliRunner().invoke(app, [*path, "--help"])
    assert result.exit_code == 0
    assert path[-1] in result.output and len(result.output.splitlines()) > 5


@pytest.mark.parametrize("path", commands(app), ids=" ".join)
def test_an_unknown_option_is_a_usage_error(path: tuple[str, ...]) -> None:
    result = CliRunner().invoke(app, [*path, "--no-such-option"])
    assert result.exit_code == 2 and "no-such-option" in result.output
