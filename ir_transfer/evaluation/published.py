"""Values published in papers of the field."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass, fields

from ir_transfer.errors import InputError
from ir_transfer.resources import resource

TAGS = {
    "P": "the paper's own table",
    "X": "a comparison table by other authors",
    "A": "an abstract or README",
    "N": "a third party's note: check it before quoting",
}
WARNING = (
    "Do not compare these values with the tables above: scenes, resolutions, crops, feature networks and exemplars "
    "differ. One published method has FIDs of 39.5, 70.3 and 92.6 on one data set in three papers. They only show the "
    "range reported in the field."
)


@dataclass(frozen=True)
class Published:
    """A published value.

    Attributes:
        dataset: Data set that it was measured on.
        band: ``lwir`` or ``nir``.
        method: Name of the method in the source.
        metric: Name of the metric in the source.
        value: As printed.
        tag: Kind of source, one of :data:`TAGS`.
        source: Publication.
        note: Remark.
    """

    dataset: str
    band: str
    method: str
    metric: str
    value: str
    tag: str
    source: str
    note: str


@dataclass(frozen=True)
class PublishedTable:
    """Values of one data set from one source.

    Attributes:
        dataset: Data set that they were measured on.
        source: Publication.
        note: Remark.
        metrics: Names of the columns.
        rows: Method, values by metric, tag.
    """

    dataset: str
    source: str
    note: str
    metrics: list[str]
    rows: list[tuple[str, dict[str, str], str]]


def read_published() -> list[Published]:
    """Return all published values in this package.

    Raises:
        InputError: The file has another layout.
    """
    path = resource("evaluation/published.csv")
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        expected = [entry.name for entry in fields(Published)]
        if reader.fieldnames != expected:
            raise InputError(f"expected the columns {', '.join(expected)} in {path}, got {reader.fieldnames}")
        return [Published(**row) for row in reader]


def published_tables(band: str, values: Iterable[Published]) -> list[PublishedTable]:
    """Return a table for each data set and source.

    Args:
        band: Only values of this band; ``any`` takes all.
        values: Published values.
    """
    chosen = [value for value in values if band in {"any", value.band}]
    tables = []
    for key in dict.fromkeys((f.dataset, f.source, f.note) for f in chosen):
        found = [f for f in chosen if (f.dataset, f.source, f.note) == key]
        by_method: dict[tuple[str, str], dict[str, str]] = {}
        for f in found:
            by_method.setdefault((f.method, f.tag), {})[f.metric] = f.value
        rows = [(method, by_metric, tag) for (method, tag), by_metric in by_method.items()]
        tables.append(PublishedTable(*key, list(dict.fromkeys(f.metric for f in found)), rows))
    return tables
