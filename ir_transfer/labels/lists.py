"""Text files with an image on every line: its path, or its stem and what is said of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from ir_transfer.labels.texts import BYTE_ORDER_MARK

_LINE = re.compile(r"[^\n]*\n|[^\n]+\Z")


def lines_of(text: str) -> list[tuple[str, str]]:
    """Return the lines with what ends them; only LF and CRLF do, since names may hold anything else."""
    found = []
    for line in _LINE.findall(text.removeprefix(BYTE_ORDER_MARK)):
        body = line.removesuffix("\n").removesuffix("\r")
        found.append((body, line[len(body) :]))
    return found


def relisted(text: str, replace: Callable[[str], Sequence[str]]) -> str:
    """Return a list with other lines for each of its lines; empty ones and line ends stay.

    A byte-order mark goes: trainers take it for a part of the first name.

    Args:
        text: The list.
        replace: For a line, those that take its place: none, one or more.
    """
    lines = lines_of(text)
    ending = lines[0][1] if lines and lines[0][1].endswith("\n") else "\n"
    pieces: list[str] = []
    for body, end in lines:
        new = replace(body) if body.strip() else [body]
        pieces += [line + (end if end.endswith("\n") else ending) for line in new[:-1]] + [new[-1] + end] if new else []
    return "".join(pieces)
