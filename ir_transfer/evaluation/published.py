"""Figures of the field, as their papers print them."""

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
    "Do not compare these with the tables above: other scenes, resolutions, crops, feature networks and exemplars. One "
    "published method has FIDs of 39.5, 70.3 and 92.6 on one data set in three papers. They show the range that the "
    "field reports, no more."
)


@dataclass(frozen=True)
class Published:
    """A printed figure.

    Attributes:
        dataset: What it was measured on.
        band: ``lwir`` or ``nir``.
        method: As the source calls it.
        metric: As the source calls it.
        value: As printed.
        tag: Of :data:`TAGS`.
        source: Where it is printed.
        note: What else one must know.
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
    """Figures of one data set from one source.

    Attributes:
        dataset: What they were measured on.
        source: Where they are printed.
        note: What else one must know.
        metrics: Columns.
        rows: Method, values by metric, tag.
    """

    dataset: str
    source: str
    note: str
    metrics: list[str]
    rows: list[tuple[str, dict[str, str], str]]


def read_published() -> list[Published]:
    """Return all figures that ship.

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


def published_tables(band: str, figures: Iterable[Published]) -> list[PublishedTable]:
    """Return figures as a table per data set and source; of one band, or of all for ``any``."""
    chosen = [figure for figure in figures if band in {"any", figure.band}]
    tables = []
    for key in dict.fromkeys((f.dataset, f.source, f.note) for f in chosen):
        found = [f for f in chosen if (f.dataset, f.source, f.note) == key]
        values: dict[tuple[str, str], dict[str, str]] = {}
        for f in found:
            values.setdefault((f.method, f.tag), {})[f.metric] = f.value
        rows = [(method, by_metric, tag) for (method, tag), by_metric in values.items()]
        tables.append(PublishedTable(*key, list(dict.fromkeys(f.metric for f in found)), rows))
    return tables
