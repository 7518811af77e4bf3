"""Links and paths in Markdown files refer to existing files; ``test_site.py`` checks the links within ``docs/``."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.pages import CHECKOUT

OUTSIDE_DOCS = [
    *sorted(CHECKOUT.glob("*.md")),
    *(path for folder in ("configs", "datasets", "evaluation") for path in sorted((CHECKOUT / folder).rglob("*.md"))),
]
GUIDES = [CHECKOUT / "README.md", CHECKOUT / "CONTRIBUTING.md", *sorted((CHECKOUT / "docs").rglob("*.md"))]
_LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
_PATH = re.compile(r"`((?:ir_transfer|configs|datasets|docs|evaluation|examples|scripts|tests)/[\w./-]*)`")
_MODULE = re.compile(r"`([\w-]+/[\w/-]+\.py)`")  # of the checkout, or of the package


def name_of(page: Path) -> str:
    return str(page.relative_to(CHECKOUT))


def broken_links(page: Path) -> list[str]:
    targets = _LINK.findall(page.read_text(encoding="utf-8"))
    return [target for target in targets if "://" not in target and not (page.parent / target).exists()]


def missing_paths(page: Path) -> list[str]:
    text = page.read_text(encoding="utf-8")
    paths = sorted({*_PATH.findall(text), *_MODULE.findall(text)})
    known = [path for path in paths if "NAME" not in path]
    return [path for path in known if not any((root / path).exists() for root in (CHECKOUT, CHECKOUT / "ir_transfer"))]


@pytest.mark.parametrize("page", OUTSIDE_DOCS, ids=name_of)
def test_links_resolve(page: Path) -> None:
    assert broken_links(page) == []


@pytest.mark.parametrize("page", GUIDES, ids=name_of)
def test_paths_named_in_guides_exist(page: Path) -> None:
    assert missing_paths(page) == []


def test_broken_links_and_missing_paths_are_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("[a](gone.md#b) [c](page.md) [d](https://example.org/e) `docs/gone.md` `models/gone.py` `tests/`\n")
    assert broken_links(page) == ["gone.md"]
    assert missing_paths(page) == ["docs/gone.md", "models/gone.py"]
