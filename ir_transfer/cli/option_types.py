"""Kinds of values that options take, with errors that show an example."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click


class NumberList(click.ParamType[tuple[float, ...]]):
    """Numbers with commas between, such as ``0.7,0.3``."""

    name = "numbers"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[float, ...]:
        """Return the numbers."""
        if isinstance(value, tuple):
            return value
        try:
            return tuple(float(part) for part in str(value).split(","))
        except ValueError:
            self.fail(f"expected numbers with commas between, such as 0.7,0.3, got {value!r}", param, ctx)


class Range(click.ParamType[tuple[float, float]]):
    """A number, or two with ``..`` between."""

    name = "range"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[float, float]:
        """Return both ends."""
        if isinstance(value, tuple):
            return value
        low, dots, high = str(value).partition("..")
        try:
            return float(low), float(high if dots else low)
        except ValueError:
            self.fail(f"expected a number such as 0.8 or a range such as 0.6..1, got {value!r}", param, ctx)


class Bytes(click.ParamType[int]):
    """A size such as ``2GB`` or ``800MB``."""

    name = "bytes"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the value."""
        if isinstance(value, int):
            return value
        text = str(value).strip().upper().removesuffix("B")
        unit = {"K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}.get(text[-1:], 1)
        try:
            found = float(text[:-1] if unit > 1 else text) * unit
        except ValueError:
            found = 0.0
        if not 1 <= found < 10**18:
            self.fail(f"expected a size such as 2GB or 800MB, got {value!r}", param, ctx)
        return int(found)


class Bands(click.ParamType[tuple[int, ...]]):
    """One number or three with commas between, from 1."""

    name = "bands"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...]:
        """Return the value."""
        if isinstance(value, tuple):
            return value
        parts = str(value).split(",")
        if len(parts) not in {1, 3} or not all(part.isdecimal() and int(part) for part in parts):
            self.fail(f"expected one band or three, such as 4,3,2, counted from 1, got {value!r}", param, ctx)
        return tuple(map(int, parts))


class Page(click.ParamType["int | str"]):
    """A number from 1, or ``all``."""

    name = "page"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int | str:
        """Return the value."""
        if isinstance(value, int) or value == "all":
            return value  # type: ignore[no-any-return]
        if not (value.isdecimal() and int(value)):
            self.fail(f"expected a number from 1, or all, got {value!r}", param, ctx)
        return int(value)


class Levels(click.ParamType["tuple[float, float] | str"]):
    """Two numbers with a comma between, or ``percentile``."""

    name = "levels"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[float, float] | str:
        """Return the value."""
        if isinstance(value, tuple) or value == "percentile":
            return value  # type: ignore[no-any-return]
        low, _, high = str(value).partition(",")
        try:
            ends = float(low), float(high)
        except ValueError:
            self.fail(f"expected two numbers such as 0,10000, or percentile, got {value!r}", param, ctx)
        if not ends[0] < ends[1]:
            self.fail(f"expected LO,HI with LO < HI, got {value!r}", param, ctx)
        return ends


class ExemplarRange(click.ParamType["tuple[float, float] | str"]):
    """Two numbers with a comma between, or ``auto``, ``percentile`` or ``full``."""

    name = "range"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[float, float] | str:
        """Return the value."""
        if isinstance(value, tuple) or value in {"auto", "percentile", "full"}:
            return value  # type: ignore[no-any-return]
        low, _, high = str(value).partition(",")
        try:
            ends = float(low), float(high)
        except ValueError:
            self.fail(f"expected auto, percentile, full, or two numbers such as 7000,9000, got {value!r}", param, ctx)
        if not ends[0] < ends[1]:
            self.fail(f"expected LO,HI with LO < HI, got {value!r}", param, ctx)
        return ends


class ImageSize(click.ParamType[tuple[int, int]]):
    """Width and height of an image in pixels, such as ``320x256``.

    Args:
        least: Smallest side in pixels.
    """

    name = "size"

    def __init__(self, least: int) -> None:
        self.least = least

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        """Return width and height."""
        if isinstance(value, tuple):
            return value
        width, _, height = str(value).partition("x")
        if not (width.isdecimal() and height.isdecimal() and min(int(width), int(height)) >= self.least):
            self.fail(f"expected width x height of at least {self.least}, such as 320x256, got {value!r}", param, ctx)
        return int(width), int(height)


class AutoOrCount(click.ParamType["int | None"]):
    """``auto``, which is None, or a number of at least 1."""

    name = "auto|n"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int | None:
        """Return the value."""
        if value != "auto" and not (str(value).isdecimal() and int(value) >= 1):
            self.fail(f"expected auto or a number of at least 1, got {value!r}", param, ctx)
        return None if value == "auto" else int(value)


class KeyValue(click.ParamType[tuple[str, str]]):
    """A name and a text, such as ``steps=100``."""

    name = "key=value"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        """Return the value."""
        if isinstance(value, tuple):
            return value
        key, equals, text = str(value).partition("=")
        if not key or not equals:
            self.fail(f"expected KEY=VALUE, got {value!r}", param, ctx)
        return key, text


class Place(click.ParamType["Path | str"]):
    """A path, or the URL of a remote folder."""

    name = "path"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path | str:
        """Return the value."""
        from ir_transfer.imaging.remote import is_url

        return value if isinstance(value, Path) or is_url(str(value)) else Path(value)


class Shard(click.ParamType[tuple[int, int]]):
    """``I/N``, counted from 1."""

    name = "shard"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        """Return the value."""
        if isinstance(value, tuple):
            return value
        part, slash, parts = str(value).partition("/")
        if not slash or not part.isdecimal() or not parts.isdecimal() or not 1 <= int(part) <= int(parts):
            self.fail(f"expected I/N such as 1/4, with I in 1..N, got {value!r}", param, ctx)
        return int(part) - 1, int(parts)
