"""Untrusted text escaped for Markdown."""

from __future__ import annotations

import re

# An underscore inside a word is not markup.
_SPECIAL = re.compile(r"([\\`\[\]|*~]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9]))")
_START = re.compile(r"^([#>=+-](?!\d)|\d+(?=[.)](?:\s|$)))")


def markdown_text(text: object) -> str:
    """Return a text for a line, list item or table cell, with markup, HTML, links and line breaks escaped.

    Example:
        >>> markdown_text("<b>a|b</b> [x](http://y)")
        '&lt;b>a\\\\|b&lt;/b> \\\\[x\\\\](http://y)'
    """
    line = " ".join(str(text).split()).replace("&", "&amp;").replace("<", "&lt;")
    line = _SPECIAL.sub(r"\\\1", line)
    start = _START.match(line)
    if start is None:
        return line
    return f"\\{line}" if not line[0].isdigit() else f"{start[0]}\\{line[start.end() :]}"


def markdown_code(text: object) -> str:
    """Return a text as a code span; it may contain backticks."""
    line = " ".join(str(text).split()) or " "
    fence = "`" * (_longest_run(line) + 1)
    pad = " " if "`" in (line[0], line[-1]) else ""
    return f"{fence}{pad}{line}{pad}{fence}"


def markdown_block(text: object, language: str = "") -> str:
    """Return a text as a fenced code block; it may contain fences."""
    fence = "`" * max(3, _longest_run(str(text)) + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def _longest_run(text: str) -> int:
    return max(map(len, re.findall("`+", text)), default=0)
