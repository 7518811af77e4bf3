from __future__ import annotations

from ir_transfer.dataset.card import markdown_block, markdown_code, markdown_text


def test_a_text_is_one_line_without_markup() -> None:
    hostile = "<script>x</script>\n# a | b `c` [d](javascript:e) ![f](g) & \\"
    shown = markdown_text(hostile)
    assert "\n" not in shown
    assert "<" not in shown
    assert shown == ("&lt;script>x&lt;/script> # a \\| b \\`c\\` \\[d\\](javascript:e) !\\[f\\](g) &amp; \\\\")
    assert markdown_text("instances_val.json: 3 boxes") == "instances_val.json: 3 boxes"


def test_nothing_ends_a_code_span_or_block() -> None:
    assert markdown_code("set") == "`set`"
    assert markdown_code("a`b``c") == "```a`b``c```"
    assert markdown_code("`") == "`` ` ``"
    assert markdown_block("a", "json") == "```json\na\n```"
    assert markdown_block("a\n````\n<b>") == "`````\na\n````\n<b>\n`````"
