"""Standard JSON: errors name the file, and numbers that are not finite are written as null."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ir_transfer.errors import DecodeError, InputError, MissingFileError
from ir_transfer.regular_files import read_regular


def parse_json(text: str | bytes, name: str) -> Any:
    """Return the value of a JSON text.

    Args:
        text: The text; bytes are UTF-8.
        name: Name of the file for errors.

    Raises:
        InputError: Not standard JSON, or nested too deeply.

    Example:
        >>> parse_json('{"a": [1, 2.5]}', "a.json")
        {'a': [1, 2.5]}
    """
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        raise InputError(
            f"{name}: expected JSON, got {error.msg.lower()} in line {error.lineno}: check the file"
        ) from error
    except RecursionError as error:
        raise InputError(f"{name}: expected JSON, got too deeply nested values: check the file") from error
    except ValueError as error:  # bytes that are not UTF-8, a constant such as NaN, an integer of thousands of digits
        raise InputError(f"{name}: expected standard JSON, got: {error}: check the file") from error


def read_json(path: Path) -> Any:
    """Return the value of a JSON file; see :func:`parse_json`.

    Raises:
        MissingFileError: The file does not exist.
        DecodeError: It cannot be read.
        InputError: Not standard JSON.
    """
    try:
        data = read_regular(path)
    except FileNotFoundError:
        raise MissingFileError(f"{path}: expected a JSON file, found none: check the path") from None
    except OSError as error:
        raise DecodeError(f"{path}: expected a readable file, got: {error.strerror}: check its permissions") from error
    return parse_json(data.decode("utf-8-sig", errors="surrogateescape"), str(path))


def json_text(value: Any, *, indent: int | None = None, sort_keys: bool = False, ensure_ascii: bool = True) -> str:
    """Return a value as standard JSON; numbers that are not finite become ``null``.

    Raises:
        TypeError: A value without a JSON type.

    Example:
        >>> json_text({"mean": float("nan"), "count": 2})
        '{"mean": null, "count": 2}'
    """
    options: dict[str, Any] = {"indent": indent, "sort_keys": sort_keys, "ensure_ascii": ensure_ascii}
    try:
        return json.dumps(value, allow_nan=False, **options)
    except ValueError:
        return json.dumps(_finite(value), allow_nan=False, **options)


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {key: _finite(one) for key, one in value.items()}
    return [_finite(one) for one in value] if isinstance(value, (list, tuple)) else value


def _refuse_constant(name: str) -> None:
    raise ValueError(f"the number {name}")
