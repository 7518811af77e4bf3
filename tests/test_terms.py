"""Retired terms are not used."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from tests.docs.pages import CHECKOUT

RETIRED = {
    r"\byardsticks?\b": "metric, scene metrics",
    r"\brehears(?:e|al)s?\b": "sanity check",
    r'(?<!")\bduels?\b(?!")': "pairwise comparison",  # a key of written results keeps its name
    r"\btrivial rows?\b": "baseline",
    r"\bloses to\b": "is worse than",
    r"\btold[ _]plainly\b": "translated errors of the store",
    r"\btold of\b|\b(?:is|are|be|was|were) told\b(?! apart)": "is reported, is notified",
    r"\bdeal(?:s|t|ing)? with\b": "process",
    r"\bat hand\b": "available",
    r"\bstrangers?\b|\bstrays?\b": "unexpected, unknown",
    r"\blonely\b": "unpaired",
    r"\bmend(?:s|ed)?\b": "fix",
    r"\b(?:this|whole|other) rooms?\b|\bas room\b": "package",
    r"\b(?:is|are|be) worth\b": "score of, or say what is measured",
    r"\bwhat came\b": "what was found",
}
"""Pattern, without regard to case -> what to write."""

PLACES = ("ir_transfer", "tests", "docs", "configs", "scripts", "README.md", "CONTRIBUTING.md")
ENDINGS = {".py", ".md", ".sh", ".yaml", ".html"}


def texts() -> Iterator[tuple[str, str]]:
    """Yield the name and content of each text file except this one."""
    for place in PLACES:
        root = CHECKOUT / place
        for file in sorted(root.rglob("*")) if root.is_dir() else [root]:
            if file.suffix in ENDINGS and file != Path(__file__):
                yield str(file.relative_to(CHECKOUT)), file.read_text(encoding="utf-8")


def retired_terms(name: str, text: str) -> list[str]:
    """Return a line for each retired term, with its place and its replacement."""
    return [
        f"{name}:{text.count(chr(10), 0, found.start()) + 1}: {found.group()!r}: use {instead}"
        for pattern, instead in RETIRED.items()
        for found in re.finditer(pattern, text.lower())
    ]


def test_retired_term_is_reported_with_file_and_line() -> None:
    text = 'Files without partner.\nA Lonely file is told of.\nScenes are told apart: {"duels": 1}\n'
    assert retired_terms("a.py", text) == [
        "a.py:2: 'is told': use is reported, is notified",
        "a.py:2: 'lonely': use unpaired",
    ]


def test_no_retired_term_is_used() -> None:
    found = [line for name, text in texts() for line in retired_terms(name, text)]
    assert not found, "\n".join(["these terms are retired:", *found])
