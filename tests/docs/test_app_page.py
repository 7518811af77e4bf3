"""Fields named in the guide to the browser interface exist on the page."""

from __future__ import annotations

import re

from tests.docs.pages import CHECKOUT


def test_fields_named_in_the_guide_exist_on_the_page() -> None:
    guide = (CHECKOUT / "docs/app.md").read_text(encoding="utf-8")
    source = "\n".join(path.read_text(encoding="utf-8") for path in sorted((CHECKOUT / "ir_transfer/app").glob("*.py")))
    rows = re.findall(r"^\| (?!field|-)([^|]+) \|", guide, re.MULTILINE)
    names = {*re.findall(r"\*\*([^*]+)\*\*", guide), *(name for row in rows for name in re.split(r": |, ", row))}
    assert {"Convert", "Strength", "white level"} <= names
    assert [name for name in sorted(names) if name.removeprefix("the ").lower() not in source.lower()] == []
