"""One HTML file that holds a whole comparison: no other file, no script from elsewhere, no network."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

import ir_transfer
from ir_transfer.evaluation import cells
from ir_transfer.evaluation.cases import Case
from ir_transfer.evaluation.columns import COLUMNS, GROUPS, Column
from ir_transfer.evaluation.comparison import Comparison
from ir_transfer.evaluation.harness import BASELINES, TRUTH
from ir_transfer.evaluation.html_page import write_page
from ir_transfer.evaluation.published import TAGS, WARNING, published_tables, read_published
from ir_transfer.evaluation.ranking import aspects, composites, duels, losses
from ir_transfer.evaluation.summary import Score

_TEMPLATE = Path(__file__).parent / "templates" / "report.html"
_WIDEST = 640
_QUALITY = 88


@dataclass(frozen=True)
class Bar:
    """A figure drawn as a bar with its interval, all in percent of the drawing's width.

    Attributes:
        label: The method.
        kind: ``model``, ``trivial`` or ``truth``.
        text: The figure with its interval.
        start: Left end of the bar.
        width: Of the bar.
        low: Left end of the interval.
        spread: Width of the interval.
        mark: Of a loss to a trivial row.
        clear: Whether that loss is clear.
        cut: Whether the figure is so far out that its bar is cut.
    """

    label: str
    kind: str
    text: str
    start: float
    width: float
    low: float
    spread: float
    mark: str
    clear: bool
    cut: bool


def write_report(compared: Comparison, path: Path) -> None:
    """Write the report of a comparison as one HTML file.

    Raises:
        EncodeError: It cannot be written.
    """
    write_page(path, _TEMPLATE, _content(compared))


def _content(compared: Comparison) -> dict[str, Any]:
    results = compared.results
    lost = losses(results)
    ranked = composites(results)
    labels = list(results.estimates)
    return {
        "version": ir_transfer.__version__,
        "title": compared.title,
        "made_with": compared.made_with,
        "protocol": compared.protocol,
        "settings": {key: value for key, value in compared.settings.items() if value},
        "exemplar": compared.policy.description,
        "ranking": [
            {
                "label": label,
                "kind": _kind(label),
                "composite": cells.figure(estimate.score, 3),
                "aspects": {name: share.value for name, share in aspects(results, label).items()},
                "lost": len(lost[label]) if label in lost else None,
                "clearly": sum(loss.clear for loss in lost.get(label, {}).values()),
            }
            for label, estimate in ranked.items()
        ],
        "composite": results.composite,
        "groups": [
            {"title": title, "charts": [_chart(compared, key) for key in compared.columns if COLUMNS[key].group == g]}
            for g, title in GROUPS.items()
            if any(COLUMNS[key].group == g for key in compared.columns)
        ],
        "legend": cells.LEGEND,
        "duel_labels": [label for label in labels if label != TRUTH],
        "duels": _duel_counts(compared),
        "cases": {
            label: {"best": _cases(results.cases.best(label)), "worst": _cases(results.cases.worst(label))}
            for label in results.cases.by_method
        },
        "published": published_tables(compared.protocol.band, read_published()),
        "tags": TAGS,
        "warning": WARNING,
    }


def _kind(label: str) -> str:
    return "trivial" if label in BASELINES else "truth" if label == TRUTH else "model"


def _chart(compared: Comparison, key: str) -> dict[str, Any]:
    scores = {label: row[key] for label, row in compared.results.scores.items() if key in row}
    marks = {label: found.get(key) for label, found in losses(compared.results).items()}
    column = COLUMNS[key]
    low, high = _range(scores)
    bars = []
    for label, score in scores.items():
        loss = marks.get(label)
        ends = [_place(value, low, high) for value in (0.0, score.mean, score.low, score.high)]
        bars.append(
            Bar(
                label=label,
                kind=_kind(label),
                text=cells.figure(score, column.digits),
                start=min(ends[:2]),
                width=abs(ends[1] - ends[0]),
                low=ends[2],
                spread=ends[3] - ends[2],
                mark=cells.mark(loss),
                clear=loss is not None and loss.clear,
                cut=not low <= score.mean <= high,
            )
        )
    return {"name": compared.column_name(key), "text": column.description, "aim": _aim(column), "bars": bars}


def _aim(column: Column) -> str:
    return {
        "higher": "higher is better",
        "lower": "lower is better",
        "truth": "nearer to the truth's own figure is better",
        "one": "nearer to 1 is better",
        "limit": "small enough is enough",
        "none": "no order follows from it",
    }[column.direction]


def _range(scores: Mapping[str, Score]) -> tuple[float, float]:
    """Return the range of a chart: 0 and all ends of intervals, but no blank picture's outlier."""
    ends = [0.0, *(end for score in scores.values() for end in (score.low, score.high, score.mean))]
    sizes = [abs(score.mean) for score in scores.values() if score.mean]
    limit = 4 * float(np.median(sizes)) if sizes else 1.0
    low, high = max(min(ends), -limit), min(max(ends), limit)
    return (low, high) if high > low else (low, low + 1)


def _place(value: float, low: float, high: float) -> float:
    return round(100 * (min(max(value, low), high) - low) / (high - low), 2)


def _duel_counts(compared: Comparison) -> dict[str, dict[str, tuple[int, int]]]:
    """Return, for a row and a column label, how many columns the row wins clearly, and of how many."""
    counts: dict[str, dict[str, tuple[int, int]]] = {}
    for found in duels(compared.results).values():
        for (a, b), duel in found.items():
            for winner, loser, won in ((a, b, duel.difference.low > 0), (b, a, duel.difference.high < 0)):
                wins, total = counts.setdefault(winner, {}).get(loser, (0, 0))
                counts[winner][loser] = (wins + won, total + 1)
    return counts


def _cases(cases: Sequence[Case]) -> list[dict[str, Any]]:
    return [
        {
            "stem": case.stem,
            "column": case.column,
            "value": f"{case.value:.{COLUMNS[case.column].digits}f}",
            "pictures": {name: _embedded(picture) for name, picture in case.pictures.items()},
            "aspect": f"{case.pictures['output'].shape[1]} / {case.pictures['output'].shape[0]}",
        }
        for case in cases
    ]


def _embedded(picture: NDArray[np.uint8]) -> str:
    image = Image.fromarray(picture)
    image.thumbnail((_WIDEST, _WIDEST))
    stored = io.BytesIO()
    image.save(stored, "jpeg", quality=_QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(stored.getvalue()).decode()
