"""Code blocks of the documentation."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
_RUN_ELSEWHERE = {"command-line.md", "export.md", "transforms.md"}  # need a shell, or files that they write
PAGES = [
    CHECKOUT / "README.md",
    *sorted(page for page in (CHECKOUT / "docs").rglob("*.md") if page.name not in _RUN_ELSEWHERE),
]
_FENCE = re.compile(r"^```(\w+)(?: title=\"([^\"]*)\")?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A fenced block.

    Attributes:
        page: The file.
        language: Language of the fence.
        title: Reason why the commands are not run; empty for commands that run.
        text: Content.
    """

    page: Path
    language: str
    title: str
    text: str

    @property
    def commands(self) -> list[list[str]]:
        """Arguments of each line that begins with ``ir-transfer``; comments are dropped."""
        lines = self.text.replace("\\\n", " ").splitlines()
        split = [shlex.split(line, comments=True) for line in lines]
        return [words[1:] for words in split if words[:1] == ["ir-transfer"]]


def blocks(page: Path, language: str) -> list[Block]:
    """Return the blocks of a language, in order."""
    found = _FENCE.findall(page.read_text(encoding="utf-8"))
    return [Block(page, kind, title, text) for kind, title, text in found if kind == language]
