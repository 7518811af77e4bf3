"""The card of a registered version escapes text from weights files and data sets."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from ir_transfer.tracking.model_card import model_card
from ir_transfer.tracking.weights_file import WeightsFile

HOSTILE = "<script>alert(1)</script>\n# title | `x` [y](http://z)"


@pytest.mark.parametrize("notes", [(), (HOSTILE,)])
def test_untrusted_text_is_escaped(notes: tuple[str, ...]) -> None:
    recipe = {"data": {"sources": [{"path": HOSTILE}]}, "losses": {HOSTILE: 1.0}}
    metadata = {"model": HOSTILE, "band": HOSTILE, "licence": HOSTILE, "recipe": json.dumps(recipe)}
    weights = WeightsFile(Path("a"), "0f", {**metadata, "scores": json.dumps({HOSTILE: 0.5})})
    shown = MarkdownIt("commonmark").enable("table").render(model_card("a", weights, "run", notes))
    assert "<script" not in shown
    assert 'http://z"' not in shown
    assert shown.count("<h1>") == 1
    assert "<td>0.500</td>" in shown
    assert shown.count("[y](http://z)") == 5
