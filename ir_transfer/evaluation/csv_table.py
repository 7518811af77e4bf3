"""Tables as CSV, with text that a spreadsheet would run as a formula escaped."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def csv_text(fields: Sequence[str], rows: Iterable[Mapping[str, object]]) -> str:
    """Return a table as CSV; text that a spreadsheet would run as a formula is prefixed with ``'``.

    Args:
        fields: Names of the columns, in order.
        rows: Values by column; missing values are empty.
    """
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, fields)
    writer.writeheader()
    writer.writerows({name: _cell(value) for name, value in row.items()} for row in rows)
    return text.getvalue()


def _cell(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
