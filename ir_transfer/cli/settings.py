"""Options from environment variables and a configuration file: command line > environment > file > default.

``IR_TRANSFER_CONVERT_STYLE`` sets ``--style`` of ``convert``, and so does the key ``style`` of the table ``[convert]``
in ``ir-transfer.toml``. An unknown variable or key is an error.
"""

import os
import shlex
import sys
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from ir_transfer.cli.result import Session
from ir_transfer.errors import InputError, MissingFileError, UnknownNameError

PREFIX = "IR_TRANSFER_"
CONFIG_VARIABLE = f"{PREFIX}CONFIG"
FILES = ("ir-transfer.toml", "pyproject.toml")
_TOOL = "ir-transfer"
_ORIGINS = "ir_transfer.origins"
_NOT_SETTINGS = {"--config", "--help", "--version"}

GetCommand = Callable[[str], click.Command | None]


@dataclass(frozen=True)
class Config:
    """A configuration file.

    Attributes:
        name: Its path, for errors and manifests.
        tables: Tables of options by command.
    """

    name: str
    tables: Mapping[str, Any]


def find_config(asked: Path | None) -> Config | None:
    """Return the file of ``--config``, else the one in the working directory; None if there is none.

    Raises:
        MissingFileError: The file of ``--config`` does not exist.
        InputError: A file is not TOML, or both files contain settings.
    """
    if asked is not None:
        return _read(asked) or Config(str(asked), {})
    found = [config for name in FILES if Path(name).is_file() and (config := _read(Path(name))) is not None]
    if len(found) > 1:
        raise InputError(
            f"expected settings in {found[0].name} or {found[1].name}, got both: move them into one, or select one "
            "with --config"
        )
    return found[0] if found else None


def _read(path: Path) -> Config | None:
    if not path.is_file():
        raise MissingFileError(f"expected a configuration file at {path}, found none: check --config")
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"expected {path} to be TOML, got: {error}") from error
    if path.name != "pyproject.toml":
        return Config(str(path), content)
    tables = content.get("tool", {}).get(_TOOL)
    if tables is None:
        return None
    if not isinstance(tables, dict):
        raise InputError(f"expected a table [tool.{_TOOL}] in {path}, got {tables!r}")
    return Config(str(path), tables)


def apply_settings(context: click.Context, config: Config | None, get: GetCommand, names: list[str]) -> None:
    """Set the defaults of all commands from environment variables and a configuration file.

    Args:
        context: The root context.
        config: The configuration file, if there is one.
        get: Returns a command by name.
        names: Names of all commands.

    Raises:
        UnknownNameError: An unknown variable or key.
        InputError: A value of the wrong type.
    """
    origins: dict[tuple[str, ...], str] = {}
    defaults: dict[str, Any] = {}
    if config is not None:
        for name, table in config.tables.items():
            if name not in names or (command := get(name)) is None:
                raise UnknownNameError.among(f"command in {config.name}", name, names)
            _merge(defaults, {name: _from_table(command, (name,), table, config.name, origins)})
    for variable, text in sorted(os.environ.items()):
        if variable.startswith(PREFIX) and variable != CONFIG_VARIABLE and text:
            path, parameter = _target(variable, get, names)
            origins[(*path, parameter.name or "")] = f"environment variable {variable}"
            nested: dict[str, Any] = {parameter.name or "": _from_text(parameter, text, variable)}
            for name in reversed(path):
                nested = {name: nested}
            _merge(defaults, nested)
    context.default_map = defaults
    context.meta[_ORIGINS] = origins


def origin(context: click.Context, parameter: click.Parameter) -> str | None:
    """Return the file or variable that provides the value of a parameter; None for the command line and defaults."""
    if context.get_parameter_source(parameter.name or "") != ParameterSource.DEFAULT_MAP:
        return None
    found: str | None = context.meta.get(_ORIGINS, {}).get((*_path(context), parameter.name or ""))
    return found


def setting_origin(context: click.Context, parameter: click.Parameter) -> str | None:
    """Return the file or variable that sets an option, even if the command line overrides it."""
    found: str | None = context.meta.get(_ORIGINS, {}).get((*_path(context), parameter.name or ""))
    return found


def used_settings() -> dict[str, dict[str, str]]:
    """Return the options of the current command that a file or variable sets, with ``value`` and ``from``."""
    context = click.get_current_context()
    found = {}
    for parameter in context.command.params:
        source = origin(context, parameter)
        if source is not None:
            value = (context.default_map or {})[parameter.name]
            text = shlex.join(value) if isinstance(value, list) else str(value)
            found[parameter.opts[-1]] = {"value": text, "from": source}
    return found


def typed_command() -> str:
    """Return the command line without secrets in URLs."""
    from ir_transfer.redaction import redact

    session = click.get_current_context().find_root().obj
    typed = session.args if isinstance(session, Session) else sys.argv[1:]
    return shlex.join(["ir-transfer", *map(redact, typed)])


def _path(context: click.Context) -> tuple[str, ...]:
    names: list[str] = []
    while context.parent is not None:
        names.append(context.info_name or "")
        context = context.parent
    return tuple(reversed(names))


def _merge(into: dict[str, Any], more: Mapping[str, Any]) -> None:
    for key, value in more.items():
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            _merge(into[key], value)
        else:
            into[key] = value


def _options(command: click.Command) -> dict[str, click.Option]:
    """Return the configurable options of a command by their longest name without dashes."""
    found = {}
    for parameter in command.params:
        if isinstance(parameter, click.Option) and not _NOT_SETTINGS & {*parameter.opts}:
            found[max(parameter.opts, key=len).lstrip("-")] = parameter
    return found


def _subcommands(command: click.Command) -> Mapping[str, click.Command]:
    return command.commands if isinstance(command, click.Group) else {}


def _from_table(
    command: click.Command, path: tuple[str, ...], table: Any, file: str, origins: dict[tuple[str, ...], str]
) -> dict[str, Any]:
    where = f"[{'.'.join(path)}] in {file}"
    if not isinstance(table, dict):
        raise InputError(f"expected a table of options at {where}, got {table!r}")
    options, below = _options(command), _subcommands(command)
    found: dict[str, Any] = {}
    for key, value in table.items():
        if key in options:
            name = options[key].name or ""
            found[name] = _from_toml(options[key], value, f"{key} of {where}")
            origins[(*path, name)] = file
        elif key in below:
            found[key] = _from_table(below[key], (*path, key), value, file, origins)
        else:
            raise UnknownNameError.among(f"option at {where}", key, [*options, *below])
    return found


def _from_toml(option: click.Option, value: Any, where: str) -> Any:
    if option.is_flag:
        if not isinstance(value, bool):
            raise InputError(f"expected true or false as {where}, got {value!r}")
        return _flag(option, on=value)
    items = value if isinstance(value, list) else [value]
    if not items or any(isinstance(item, bool | dict | list) for item in items):
        raise InputError(f"expected a string, a number or an array of these as {where}, got {value!r}")
    texts = [str(item) for item in items]
    return texts if option.multiple else ",".join(texts)


def _from_text(option: click.Option, text: str, variable: str) -> Any:
    if option.is_flag:
        known = {
            "1": True,
            "true": True,
            "yes": True,
            "on": True,
            "0": False,
            "false": False,
            "no": False,
            "off": False,
        }
        if text.lower() not in known:
            raise InputError(f"expected 1 or 0 in the environment variable {variable}, got {text!r}")
        return _flag(option, on=known[text.lower()])
    if not option.multiple:
        return text
    try:
        return shlex.split(text)
    except ValueError as error:
        raise InputError(
            f"expected space-separated values, quoted as in a shell, in the environment variable {variable}, got "
            f"{text!r}: {error}"
        ) from error


def _flag(option: click.Option, *, on: bool) -> bool:
    """Return the parameter value of a flag; an option that is only ``--no-...`` is true by default."""
    return on if option.secondary_opts or option.flag_value is not False else not on


def _target(variable: str, get: GetCommand, names: list[str]) -> tuple[tuple[str, ...], click.Option]:
    """Return the path of the command and the option that a variable sets."""
    known: dict[str, tuple[tuple[str, ...], click.Option]] = {}
    for name in names:
        if variable.startswith(f"{PREFIX}{_upper(name)}_") and (command := get(name)) is not None:
            known.update(_variables(command, (name,)))
    if variable in known:
        return known[variable]
    if known:
        raise UnknownNameError.among("environment variable", variable, known)
    raise UnknownNameError(
        f"unknown environment variable {variable!r}: expected {PREFIX}COMMAND_OPTION with a command of "
        f"{', '.join(names)}, or {CONFIG_VARIABLE}; unset it"
    )


def _variables(
    command: click.Command, path: tuple[str, ...]
) -> Iterator[tuple[str, tuple[tuple[str, ...], click.Option]]]:
    for name, option in _options(command).items():
        yield PREFIX + "_".join(map(_upper, (*path, name))), (path, option)
    for name, below in _subcommands(command).items():
        yield from _variables(below, (*path, name))


def _upper(name: str) -> str:
    return name.upper().replace("-", "_")
