"""CSV tables do not contain formulas."""

from __future__ import annotations

import csv

import pytest

from ir_transfer.evaluation.csv_table import csv_text


@pytest.mark.parametrize("name", ["=cmd|' /C calc'!A0", "+1+2", "-2+3", "@SUM(1)", "\t=1", "\r=1"])
def test_formula_like_names_are_escaped(name: str) -> None:
    (row,) = csv.DictReader(csv_text(("method", "value"), [{"method": name, "value": -1.5}]).splitlines(keepends=True))
    assert row == {"method": f"'{name}", "value": "-1.5"}


def test_other_names_are_unchanged() -> None:
    name = 'a, "b"\n<script>|`'
    text = csv_text(("method", "value"), [{"method": name}])
    assert text.startswith("method,value\r\n")
    (row,) = csv.DictReader(text.splitlines(keepends=True))
    assert row == {"method": name, "value": ""}
