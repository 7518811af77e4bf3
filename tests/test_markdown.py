from __future__ import annotations

import html
import re

import pytest
from markdown_it import MarkdownIt

from ir_transfer.markdown import markdown_block, markdown_code, markdown_text


def test_text_is_escaped_to_one_line() -> None:
    hostile = "<script>x</script>\n# a | b `c` [d](javascript:e) ![f](g) & \\"
    shown = markdown_text(hostile)
    assert "\n" not in shown
    assert "<" not in shown
    assert shown == ("&lt;script>x&lt;/script> # a \\| b \\`c\\` \\[d\\](javascript:e) !\\[f\\](g) &amp; \\\\")
    assert markdown_text("instances_val.json: 3 boxes") == "instances_val.json: 3 boxes"


def test_content_cannot_close_a_code_span_or_block() -> None:
    assert markdown_code("set") == "`set`"
    assert markdown_code("a`b``c") == "```a`b``c```"
    assert markdown_code("`") == "`` ` ``"
    assert markdown_block("a", "json") == "```json\na\n```"
    assert markdown_block("a\n````\n<b>") == "`````\na\n````\n<b>\n`````"


NAMES = ["__init__", "a*b*c", "# title", "> quote", "- item", "+ item", "1. first", "2) second", "~~gone~~", "_x_ y_z",
         "---", "===", "* * *", "<script>alert(1)</script>", "a|b", "`c`", "[d](http://e)", "![f](g)", "&lt;", "-3.5",
         "a\\b", "two\nlines"]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("place", ["{}\n", "- {}\n", "text\n{}\n", "|a|\n|-|\n|{}|\n"])
def test_names_are_shown_unchanged(name: str, place: str) -> None:
    shown = MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(place.format(markdown_text(name)))
    assert {*re.findall(r"</?(\w+)", shown)} <= {"p", "ul", "li", "table", "thead", "tbody", "tr", "th", "td"}
    lines = [
        line.strip()
        for line in html.unescape(re.sub(r"</?(?:p|ul|li|table|thead|tbody|tr|th|td)>", "\n", shown)).splitlines()
    ]
    assert " ".join(name.split()) in lines
