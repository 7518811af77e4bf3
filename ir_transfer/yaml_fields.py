"""YAML files read into dataclasses; an unknown key or a wrong type is an error that names the key."""

import dataclasses
import types
import typing
from collections.abc import Hashable
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeVar

import yaml

from ir_transfer.errors import InputError, MissingFileError, UnknownNameError

T = TypeVar("T")
# libyaml is ten times as fast, but not part of every build of PyYAML.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_mapping(path: Path, what: str, remedy: str) -> dict[str, Any]:
    """Return the mapping in a YAML file.

    Args:
        path: The file.
        what: Kind of file, for errors, such as ``"recipe"``.
        remedy: What to do if the file is missing, for errors.

    Raises:
        MissingFileError: The file does not exist.
        InputError: The file is not YAML, or not a mapping.
    """
    if not path.is_file():
        raise MissingFileError(f"expected a {what} at {path}, found none: {remedy}")
    try:
        raw = yaml.load(path.read_text(encoding="utf-8"), Loader=_LOADER)
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"expected {path} to be YAML, got: {error}") from error
    if not isinstance(raw, dict):
        raise InputError(f"expected {path} to be a mapping, got {type(raw).__name__}")
    return raw


def fill(cls: type[T], raw: Any, where: str) -> T:
    """Return the dataclass ``cls`` with the values of a mapping.

    Args:
        cls: A dataclass with fields of plain types, literals, lists, dicts, optional types or dataclasses.
        raw: The mapping.
        where: Location for errors: the file and the keys of enclosing mappings.

    Raises:
        UnknownNameError: An unknown key; the message has the closest names.
        InputError: Not a mapping, a missing key, or a value of the wrong type.
    """
    if not isinstance(raw, dict):
        raise InputError(f"expected a mapping at {where}, got {raw!r}")
    hints = _hints(cls)  # type: ignore[arg-type]
    for key in raw:
        if key not in hints:
            raise UnknownNameError.among(f"key in {where}", str(key), hints)
    fields = dataclasses.fields(cls)  # type: ignore[arg-type]
    for entry in fields:
        required = entry.default is dataclasses.MISSING and entry.default_factory is dataclasses.MISSING
        if required and entry.name not in raw:
            raise InputError(f"expected the key {entry.name!r} in {where}, found none")
    return cls(**{key: _convert(hints[key], value, f"{where}: {key}") for key, value in raw.items()})


@cache
def _hints(cls: Hashable) -> dict[str, Any]:
    return typing.get_type_hints(cls)


def _convert(hint: Any, value: Any, where: str) -> Any:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return fill(hint, value, where)
    if origin is list and isinstance(value, list):
        return [_convert(arguments[0], item, f"{where}[{i}]") for i, item in enumerate(value)]
    if origin is dict and isinstance(value, dict):
        return {key: _convert(arguments[1], item, f"{where}.{key}") for key, item in value.items()}
    if origin in (types.UnionType, typing.Union):
        inner = next(a for a in arguments if a is not type(None))
        return None if value is None else _convert(inner, value, where)
    if origin is Literal and value in arguments:
        return value
    if hint is Any:
        return value
    if hint is float and isinstance(value, int | float | str) and not isinstance(value, bool):
        try:
            return float(value)  # YAML reads 1e-4 as a string
        except ValueError:
            pass
    elif isinstance(hint, type) and isinstance(value, hint) and not (hint is int and isinstance(value, bool)):
        return value
    raise InputError(f"expected {where} to be {_describe(hint)}, got {value!r}")


def _describe(hint: Any) -> str:
    if typing.get_origin(hint) is Literal:
        return f"one of {', '.join(repr(value) for value in typing.get_args(hint))}"
    return str(getattr(hint, "__name__", hint))
