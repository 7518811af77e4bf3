"""Commands, options and extras that messages and documents suggest must exist."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import click

from ir_transfer.cli import COMMANDS, ir_transfer

ROOT = Path(__file__).parent.parent
SOURCES = [
    *sorted((ROOT / "ir_transfer").rglob("*.py")),
    *sorted((ROOT / "ir_transfer").rglob("*.md")),
    ROOT / "README.md",
]
COMMAND = re.compile(r"(?:^|[\s`'\"(])ir-transfer ([a-z]+(?: [^`\"\n]*)?)", re.MULTILINE)
EXTRA = re.compile(r"ir-transfer\[([a-z0-9,]+)\]")
PROSE = {"in", "raises", "do", "installed", "must"}  # the program's name in a sentence
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]+")


def advised() -> list[tuple[str, str]]:
    """Return the locations and texts of all commands; a backslash at the end continues a line."""
    found = []
    for path in SOURCES:
        text = re.sub(r"\\+\n\s*", " ", path.read_text(encoding="utf-8"))
        found += [(str(path.relative_to(ROOT)), match[1]) for match in COMMAND.finditer(text)]
    return found


def resolve(text: str) -> tuple[click.Command, str] | None:
    """Return the command that a text names, and the remaining text; None for ordinary words."""
    name, _, rest = text.partition(" ")
    context = click.Context(ir_transfer)
    command = ir_transfer.get_command(context, name)
    if isinstance(command, click.Group):
        first = rest.split(" ")[0].strip(".,:;)")
        default = {"dataset": "generate", "models": "list"}.get(name, "list")
        command = command.commands.get(first) or command.commands.get(default) or command
    return None if command is None else (command, rest)


def test_suggested_commands_and_options_exist() -> None:
    wrong = []
    commands = advised()
    for place, text in commands:
        name = text.split(" ")[0].strip(".,:;)")
        if name in PROSE:
            continue
        if name not in COMMANDS:
            wrong.append(f"{place}: ir-transfer {text}")
            continue
        found = resolve(text)
        assert found is not None
        command, rest = found
        known = {option for param in command.params for option in (*param.opts, *param.secondary_opts)} | {"--help"}
        # what follows a semicolon or a full stop is the rest of a sentence
        rest = re.split(r"[;.](?:\s|$)|\s#\s|, ", rest)[0]
        wrong += [f"{place}: {option} of ir-transfer {text}" for option in OPTION.findall(rest) if option not in known]
    assert len(commands) > 100
    assert wrong == []


def test_suggested_extras_exist() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    named = {
        (path.name, extra)
        for path in SOURCES
        for match in EXTRA.finditer(path.read_text(encoding="utf-8"))
        for extra in match[1].split(",")
    }
    assert named
    assert {extra for _, extra in named} <= project["optional-dependencies"].keys()
