"""Types of option values; the error for an invalid text includes an example of a valid one."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

T = TypeVar("T")
Pair = tuple[float, float]


class Parsed(click.ParamType[T]):
    """A value that is parsed from text; a value of another type, such as a default, is returned unchanged.

    Args:
        name: Placeholder in the help of an option without a metavar.
        expected: Description of a valid text with an example, for the error message.
        parse: Returns the value of a text; raises :class:`ValueError` if it is not valid.
    """

    def __init__(self, name: str, expected: str, parse: Callable[[str], T]) -> None:
        self.name, self._expected, self._parse = name, expected, parse

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> T:
        """Return the parsed value."""
        if not isinstance(value, str):
            return value  # type: ignore[no-any-return]
        try:
            return self._parse(value)
        except ValueError:
            self.fail(f"expected {self._expected}, got {value!r}", param, ctx)


def _require(valid: bool) -> None:
    if not valid:
        raise ValueError


def _numbers(text: str) -> tuple[float, ...]:
    return tuple(map(float, text.split(",")))


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _range(text: str) -> Pair:
    low, dots, high = text.partition("..")
    return float(low), float(high if dots else low)


def _bytes(text: str) -> int:
    text = text.strip().upper().removesuffix("B")
    unit = {"K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}.get(text[-1:], 1)
    found = float(text[:-1] if unit > 1 else text) * unit
    _require(1 <= found < 10**18)
    return int(found)


def _count(text: str) -> int:
    _require(text.isdecimal())
    number = int(text)
    _require(number >= 1)
    return number


def _at_least(least: int) -> Callable[[str], list[int]]:
    def parse(text: str) -> list[int]:
        numbers = list(map(int, text.split(",")))
        _require(min(numbers) >= least)
        return numbers

    return parse


def _bands(text: str) -> tuple[int, ...]:
    bands = tuple(map(_count, text.split(",")))
    _require(len(bands) in {1, 3})
    return bands


def _interval_or(*words: str) -> Callable[[str], Pair | str]:
    def parse(text: str) -> Pair | str:
        if text in words:
            return text
        low, _, high = text.partition(",")
        ends = float(low), float(high)
        _require(ends[0] < ends[1])
        return ends

    return parse


def _key_value(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    _require(bool(key and equals))
    return key, value


def _path_or_url(text: str) -> Path | str:
    from ir_transfer.imaging.remote import is_url

    return text if is_url(text) else Path(text)


def _shard(text: str) -> tuple[int, int]:
    number, _, count = text.partition("/")
    found = _count(number) - 1, _count(count)
    _require(found[0] < found[1])
    return found


PATH = click.Path(path_type=Path)
NUMBERS = Parsed("numbers", "comma-separated numbers such as 0.7,0.3", _numbers)
NAMES = Parsed("names", "comma-separated names", _names)
RANGE = Parsed("range", "a number such as 0.8 or a range such as 0.6..1", _range)
BYTES = Parsed("bytes", "a size such as 2GB or 800MB", _bytes)
BANDS = Parsed("bands", "one or three bands such as 4,3,2, counted from 1", _bands)
SIDES = Parsed("sides", "sides of at least 64 pixels, such as 512,1024", _at_least(64))
COUNTS = Parsed("counts", "whole numbers such as 0,2", _at_least(0))
PAGE = Parsed("page", "a number from 1, or all", lambda text: text if text == "all" else _count(text))
LEVELS = Parsed("levels", "LO,HI with LO < HI, such as 0,10000, or percentile", _interval_or("percentile"))
EXEMPLAR_RANGE = Parsed(
    "range",
    "auto, percentile, full, or LO,HI with LO < HI, such as 7000,9000",
    _interval_or("auto", "percentile", "full"),
)
AUTO_OR_COUNT = Parsed(
    "auto|n", "auto or a number of at least 1", lambda text: None if text == "auto" else _count(text)
)
KEY_VALUE = Parsed("key=value", "KEY=VALUE", _key_value)
PATH_OR_URL = Parsed("path", "a path or a URL", _path_or_url)
SHARD = Parsed("shard", "I/N such as 1/4, with I in 1..N", _shard)
"""Parsed to the index of the shard, counted from 0, and the number of shards."""


def image_size(least: int) -> Parsed[tuple[int, int]]:
    """Return the type of width and height in pixels, such as ``320x256``.

    Args:
        least: Smallest side in pixels.
    """

    def parse(text: str) -> tuple[int, int]:
        width, _, height = text.partition("x")
        size = _count(width), _count(height)
        _require(min(size) >= least)
        return size

    return Parsed("size", f"width x height of at least {least} pixels, such as 320x256", parse)
