"""Write docs/reference/: the commands from the command line itself, the names from the package.

python docs/reference.py
"""

import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

import easyportrait
from easyportrait.cli.app import app

HERE = Path(__file__).parent / "reference"
MADE = "<!-- written by docs/reference.py -->"


def commands(command: Any, name: str) -> Iterator[tuple[str, Any]]:
    """Each command that does something, by its full name. Typer's own classes differ between
    its versions; what is used here does not."""
    inner = getattr(command, "commands", None)
    if inner is None:
        yield name, command
        return
    for part in sorted(inner):
        yield from commands(inner[part], f"{name} {part}")


def row(parameter: Any) -> str:
    """One line of a command's table."""
    flags = [*parameter.opts, *parameter.secondary_opts]
    is_option = flags[0].startswith("-")
    told = ", ".join(flags) if is_option else parameter.metavar or parameter.name.upper()
    value = parameter.metavar or "" if is_option else ""
    default = parameter.default
    if getattr(parameter, "is_flag", False) or callable(default) or default in (None, ()):
        default = ""
    cells = [f"`{told}`", f"`{value}`" if value else "", f"`{default}`" if default != "" else ""]
    words = " ".join((parameter.help or "").split()).replace("\\[", "[")
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in [*cells, words]) + " |"


def described(name: str, command: Any) -> str:
    hidden = {"help", "install_completion", "show_completion"}
    shown = (p for p in command.params if p.name not in hidden and not getattr(p, "hidden", 0))
    rows = [row(parameter) for parameter in shown]
    table = ["| | value | without it | |", "| --- | --- | --- | --- |", *rows] if rows else []
    return "\n".join([f"## {name}", "", inspect.cleandoc(command.help or ""), "", *table])


def command_line() -> str:
    parts = [described(*found) for found in commands(typer.main.get_command(app), "easyportrait")]
    head = "Every command, as `easyportrait COMMAND --help` says it."
    return "\n\n".join(["# The command line", MADE, head, *parts]) + "\n"


def names() -> str:
    """What `import easyportrait` gives; mkdocstrings puts each one's docstring in its place."""
    parts = []
    for name in sorted(easyportrait.__all__, key=str.lower):
        home = easyportrait._HOMES.get(name)
        if home is not None:
            parts.append(f"::: easyportrait.{home}.{name}")
    head = "What `import easyportrait` gives, with shapes, ranges and errors."
    return "\n\n".join(["# Python", MADE, head, *parts]) + "\n"


PAGES = {"command-line.md": command_line, "python.md": names}


def main() -> None:
    HERE.mkdir(exist_ok=True)
    for name, write in PAGES.items():
        (HERE / name).write_text(write(), encoding="utf-8")


if __name__ == "__main__":
    main()
