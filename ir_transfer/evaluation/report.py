"""A comparison as one HTML file without other files or network access, and values published in papers."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import ir_transfer
from ir_transfer.errors import InputError
from ir_transfer.evaluation.bootstrap import Score, format_score
from ir_transfer.evaluation.columns import AIMS, COLUMNS, GROUPS
from ir_transfer.evaluation.comparison import Comparison
from ir_transfer.evaluation.html_page import bar, data_uri, write_page
from ir_transfer.evaluation.methods import BASELINES
from ir_transfer.evaluation.ranking import (
    LEGEND,
    aspects,
    composites,
    pairwise_comparisons,
    worse_than_baselines,
)
from ir_transfer.evaluation.results import GROUND_TRUTH, Case
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


_TEMPLATE = Path(__file__).parent / "templates" / "report.html"
_WIDEST = 640
_QUALITY = 88


def write_report(compared: Comparison, path: Path) -> None:
    """Write the report of a comparison as one HTML file.

    Raises:
        EncodeError: It cannot be written.
    """
    write_page(path, _TEMPLATE, _content(compared))


def _content(compared: Comparison) -> dict[str, Any]:
    results = compared.results
    return {
        "version": ir_transfer.__version__,
        "title": compared.title,
        "made_with": compared.made_with,
        "protocol": compared.protocol,
        "settings": {key: value for key, value in compared.settings.items() if value},
        "exemplar": compared.policy.description,
        "ranking": _ranking(compared),
        "composite": results.composite,
        "groups": [
            {"title": title, "charts": [_chart(compared, key) for key in compared.columns if COLUMNS[key].group == g]}
            for g, title in GROUPS.items()
            if any(COLUMNS[key].group == g for key in compared.columns)
        ],
        "legend": LEGEND,
        "methods": [label for label in results.estimates if label != GROUND_TRUTH],
        "better": _count_better(compared),
        "cases": {
            label: {"best": _cases(results.cases.best(label)), "worst": _cases(results.cases.worst(label))}
            for label in results.cases.by_method
        },
        "published": published_tables(compared.protocol.band, read_published()),
        "tags": TAGS,
        "warning": WARNING,
    }


def _ranking(compared: Comparison) -> list[dict[str, Any]]:
    results = compared.results
    worse = worse_than_baselines(results)
    return [
        {
            "label": label,
            "kind": _kind(label),
            "composite": format_score(estimate.score, 3),
            "aspects": {name: share.value for name, share in aspects(results, label).items()},
            "worse": len(worse[label]) if label in worse else None,
            "clearly": sum(found.clear for found in worse.get(label, {}).values()),
        }
        for label, estimate in composites(results).items()
    ]


def _kind(label: str) -> str:
    return "baseline" if label in BASELINES else "ground-truth" if label == GROUND_TRUTH else "model"


def _chart(compared: Comparison, key: str) -> dict[str, Any]:
    scores = {label: row[key] for label, row in compared.results.scores.items() if key in row}
    worse = worse_than_baselines(compared.results)
    column = COLUMNS[key]
    low, high = _range(scores)
    bars = [
        {
            "label": label,
            "kind": _kind(label),
            "text": format_score(score, column.digits),
            **bar(score, low, high),
            "worse": worse.get(label, {}).get(key),
            "cut": not low <= score.mean <= high,
        }
        for label, score in scores.items()
    ]
    return {
        "name": compared.column_name(key),
        "text": column.description,
        "aim": AIMS[column.direction],
        "bars": bars,
    }


def _range(scores: Mapping[str, Score]) -> tuple[float, float]:
    """Return the range of a chart: 0 and all intervals, except outliers such as those of a blank image."""
    ends = [0.0, *(end for score in scores.values() for end in (score.low, score.high, score.mean))]
    sizes = [abs(score.mean) for score in scores.values() if score.mean]
    limit = 4 * float(np.median(sizes)) if sizes else 1.0
    low, high = max(min(ends), -limit), min(max(ends), limit)
    return (low, high) if high > low else (low, low + 1)


def _count_better(compared: Comparison) -> dict[str, dict[str, tuple[int, int]]]:
    """Return the number of columns in which a method is clearly better than another, and of all columns."""
    counts: dict[str, dict[str, tuple[int, int]]] = {}
    for found in pairwise_comparisons(compared.results).values():
        for (a, b), pair in found.items():
            for first, second, better in ((a, b, pair.difference.low > 0), (b, a, pair.difference.high < 0)):
                count, total = counts.setdefault(first, {}).get(second, (0, 0))
                counts[first][second] = (count + better, total + 1)
    return counts


def _cases(cases: Sequence[Case]) -> list[dict[str, Any]]:
    return [
        {
            "stem": case.stem,
            "column": case.column,
            "value": f"{case.value:.{COLUMNS[case.column].digits}f}",
            "images": {name: _embedded(Image.fromarray(image)) for name, image in case.images.items()},
            "aspect": f"{case.images['output'].shape[1]} / {case.images['output'].shape[0]}",
        }
        for case in cases
    ]


def _embedded(image: Image.Image) -> str:
    image.thumbnail((_WIDEST, _WIDEST))
    return data_uri(image, "jpeg", _QUALITY)
