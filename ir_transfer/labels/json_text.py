"""Byte-preserving edits of JSON: values are read with their positions, and only those that must change are replaced.

Hand-written on top of ``json.JSONDecoder.raw_decode``, because parsing and dumping changes the notation of numbers,
white space and repeated keys, and would hold all objects of a file of 1 GiB in memory.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ir_transfer.errors import InputError
from ir_transfer.labels.text_io import quoted

_SPACE = re.compile(r"[ \t\n\r]*")


class Value(NamedTuple):
    """A decoded value with start and end of its text."""

    value: Any
    start: int
    end: int


def skip_space(text: str, at: int) -> int:
    """Return the position of the next character that is not white space."""
    found = _SPACE.match(text, at)
    return found.end() if found else at


def value_at(text: str, start: int) -> Value:
    """Return the value whose text starts here.

    Raises:
        InputError: The text at this position is not standard JSON.
    """
    try:
        value, end = _DECODER.raw_decode(text, start)
    except json.JSONDecodeError as error:
        raise syntax_error(text, error.pos) from error
    except RecursionError as error:
        raise InputError("expected JSON, got lists nested too deeply") from error
    except _ConstantError as constant:
        raise InputError(
            f"expected standard JSON, got {constant} in the value {quoted(text[start : start + 60])} of line "
            f"{_line(text, start)}: write a number or null instead"
        ) from constant
    return Value(value, start, end)


def key_at(text: str, at: int) -> tuple[str, int]:
    """Return the key that starts here and where its value starts.

    Raises:
        InputError: No key with a value.
    """
    if text[at : at + 1] != '"':
        raise syntax_error(text, at)
    key = value_at(text, at)
    at = skip_space(text, key.end)
    if text[at : at + 1] != ":":
        raise syntax_error(text, at)
    return str(key.value), skip_space(text, at + 1)


def members(text: str) -> Iterator[tuple[str, Value]]:
    """Yield the keys of the object that the text holds, with their values.

    Raises:
        InputError: Not a JSON object.
    """
    at = open_bracket(text, 0, "{")
    while text[at : at + 1] != "}":
        key, at = key_at(text, at)
        value = value_at(text, at)
        yield key, value
        at = next_item(text, value.end, "}")


def for_each_element(text: str, start: int, take: Callable[[Value], None]) -> int:
    """Call ``take`` with each value of the list that starts here, and return the end of its text.

    Raises:
        InputError: Not a JSON list.
    """
    at = open_bracket(text, start, "[")
    while text[at : at + 1] != "]":
        value = value_at(text, at)
        take(value)
        at = next_item(text, value.end, "]")
    return at + 1


def open_bracket(text: str, start: int, bracket: str) -> int:
    """Return where the first item after an opening bracket starts, or the closing one.

    Raises:
        InputError: Another character was found.
    """
    if text[start : start + 1] != bracket:
        raise syntax_error(text, start)
    return skip_space(text, start + 1)


def next_item(text: str, end: int, bracket: str) -> int:
    """Return where the next item starts, or the closing bracket.

    Raises:
        InputError: Neither a comma and an item nor the bracket follows.
    """
    at = skip_space(text, end)
    if text[at : at + 1] == bracket:
        return at
    if text[at : at + 1] != ",":
        raise syntax_error(text, at)
    following = skip_space(text, at + 1)
    if text[following : following + 1] == bracket:
        raise syntax_error(text, at)
    return following


def syntax_error(text: str, at: int) -> InputError:
    """Return the error for unexpected text at this position."""
    got = repr(text[at : at + 20]) if text[at : at + 1] else "the end of the file"
    return InputError(f"expected JSON, got {got} in line {_line(text, at)}")


def _line(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1


def replace_values(text: str, values: Mapping[str, Any]) -> str:
    """Return the text of an object with new values for some of its keys; all other text is unchanged.

    Raises:
        InputError: Not a JSON object.
    """
    parts: list[str] = []
    at = 0
    for key, value in members(text):
        if key in values:
            parts += [text[at : value.start], json.dumps(values[key])]
            at = value.end
    return "".join([*parts, text[at:]])


def with_key(text: str, key: str, value: Any) -> str:
    """Return the text of an object with a key appended, or with a new value if it has the key.

    Raises:
        InputError: Not a JSON object.
    """
    found = [(name, one) for name, one in members(text)]
    if any(name == key for name, _ in found):
        return replace_values(text, {key: value})
    member = f"{json.dumps(key)}: {json.dumps(value)}"
    if not found:
        return f"{{{member}}}"
    end = found[-1][1].end
    return f"{text[:end]}, {member}{text[end:]}"


def join_items(text: str, spans: Sequence[tuple[int, int]], items: Sequence[Sequence[str]]) -> list[str]:
    """Return the pieces of the text of a list, from its first to its last element, with new elements.

    Args:
        text: Text that contains the list.
        spans: Start and end of its elements, in order.
        items: For each element, the texts that replace it: none, one or several.
    """
    between = ", " if len(spans) < 2 else text[spans[0][1] : spans[1][0]]
    pieces: list[str] = []
    for index, own in enumerate(items):
        for number, item in enumerate(own):
            if pieces:
                pieces.append(text[spans[index - 1][1] : spans[index][0]] if index and number == 0 else between)
            pieces.append(item)
    return pieces


def _integer(text: str) -> int | float:
    try:
        return int(text)
    except ValueError:  # more digits than Python converts
        return float(text)


class _ConstantError(Exception):
    """NaN or an infinity, which Python reads and writes but standard JSON does not have."""


def _refuse_constant(name: str) -> None:
    raise _ConstantError(name)


_DECODER = json.JSONDecoder(parse_int=_integer, parse_constant=_refuse_constant)
