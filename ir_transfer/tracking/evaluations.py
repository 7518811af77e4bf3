"""Evaluations of several runs side by side, compared with their baselines."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ir_transfer.evaluation.columns import COLUMNS, Column
from ir_transfer.evaluation.methods import BASELINES
from ir_transfer.evaluation.results import GROUND_TRUTH
from ir_transfer.tracking.run_inputs import compare_inputs
from ir_transfer.tracking.run_metrics import best_of
from ir_transfer.tracking.runs import RunStore, name_of

if TYPE_CHECKING:
    from mlflow.entities import Run

_COMPOSITE = Column("composite", "fidelity", "higher", 3, "geometric mean of the aspects; 0 for a blank image")
_FIXED = ("protocol", "exemplar", "data", "max_side", "border", "label", "boxes")  # parameters of comparable runs
_COLUMNS = {_COMPOSITE.key: _COMPOSITE, **COLUMNS}


@dataclass(frozen=True)
class EvaluationRow:
    """A column of the evaluations.

    Attributes:
        name: Name of the column.
        description: One sentence.
        direction: Better direction, see :class:`~ir_transfer.evaluation.columns.Column`.
        texts: Value of each method, empty where it is missing.
        best: Whether each value is the best one.
        worse_than: The best baseline, if it is better than the method; otherwise empty.
        baseline: The best baseline and its value.
    """

    name: str
    description: str
    direction: str
    texts: list[str]
    best: list[bool]
    worse_than: list[str]
    baseline: str


@dataclass(frozen=True)
class EvaluationTable:
    """Metrics of evaluations of several runs.

    Attributes:
        methods: Headings, such as ``A: adain``.
        rows: One for each column.
        warnings: Reasons why they are not comparable.
    """

    methods: list[str]
    rows: list[EvaluationRow]
    warnings: list[str]


def compare_evaluations(store: RunStore, runs: Sequence[Run], letter: Callable[[int], str]) -> EvaluationTable | None:
    """Return the latest evaluations of runs side by side, or None if fewer than two runs have one.

    Args:
        store: The store of the runs.
        runs: The runs.
        letter: Returns the letter of a run's index.
    """
    latest = {i: found[0] for i, run in enumerate(runs) if (found := store.evaluations_of(run))}
    if len(latest) < 2:
        return None
    tables = {i: _table(run.data.metrics) for i, run in latest.items()}
    methods = [(i, label) for i, table in tables.items() for label in table if label not in (*BASELINES, GROUND_TRUTH)]
    warnings = _warnings(latest, letter)
    keys = sorted({key for i, label in methods for key in tables[i][label]}, key=_order)
    chosen = [(tables[i], label) for i, label in methods]
    settings = {i: run.data.params.get(_COMPOSITE.key, "") for i, run in latest.items()}
    if len(set(settings.values())) > 1:
        keys = [key for key in keys if key != _COMPOSITE.key]
        made = "; ".join(f"{letter(i)}: {text or 'not recorded'}" for i, text in settings.items())
        composites = [f"The composites have different settings and are left out ({made})."]
    else:
        composites = []
    rows = [_row(key, column, chosen, not warnings) for key in keys if (column := column_of(key)) is not None]
    return EvaluationTable([f"{letter(i)}: {label}" for i, label in methods], rows, [*warnings, *composites])


def column_of(name: str) -> Column | None:
    """Return the column of a metric's name, to which that of a network may be appended: ``patch_mmd[vgg19-16x]``.

    Example:
        >>> found = column_of("gradient_truth_3px")
        >>> found.key if found else None
        'gradient_truth_3px'
    """
    fitting = [key for key in _COLUMNS if name.startswith(key) and not name[len(key) : len(key) + 1].isalnum()]
    return _COLUMNS[max(fitting, key=len)] if fitting else None


def _table(metrics: Mapping[str, float]) -> dict[str, dict[str, float]]:
    """Return values by method and column from metrics such as ``adain/psnr``."""
    table: dict[str, dict[str, float]] = {}
    for name, value in metrics.items():
        label, sign, key = name.rpartition("/")
        if sign and column_of(key) is not None:
            table.setdefault(label, {})[key] = value
    return table


def _order(key: str) -> tuple[int, str]:
    column = column_of(key)
    return ([*_COLUMNS].index(column.key) if column else len(_COLUMNS)), key


def _row(
    key: str, column: Column, methods: Sequence[tuple[dict[str, dict[str, float]], str]], comparable: bool
) -> EvaluationRow:
    texts: list[str] = []
    short: list[float | None] = []
    worse: list[str] = []
    baselines: list[str] = []
    for table, label in methods:
        value = table[label].get(key)
        texts.append("" if value is None else f"{value:.{column.digits}f}")
        own = None if value is None else _shortfall(column, key, value, table)
        rivals = {
            row: _shortfall(column, key, table[row][key], table) for row in BASELINES if key in table.get(row, {})
        }
        known = {row: far for row, far in rivals.items() if far is not None}
        rival = min(known, key=lambda row: known[row]) if known else ""
        worse.append(rival if own is not None and rival and known[rival] < own else "")
        baselines.append(f"{rival} {table[rival][key]:.{column.digits}f}" if rival else "")
        short.append(own)
    best = best_of(short, texts) if comparable else [False] * len(texts)
    baseline = " | ".join(dict.fromkeys(text for text in baselines if text))
    return EvaluationRow(key, column.description, column.direction, texts, best, worse, baseline)


def _shortfall(column: Column, key: str, value: float, table: Mapping[str, Mapping[str, float]]) -> float | None:
    ground_truth = table.get(GROUND_TRUTH, {}).get(key)
    found = column.shortfall(np.asarray(value), None if ground_truth is None else np.asarray(ground_truth))
    return None if found is None else float(found)


def _warnings(latest: Mapping[int, Run], letter: Callable[[int], str]) -> list[str]:
    runs = [*latest.values()]
    found = [row.warning for row in compare_inputs(runs) if row.warning]
    keys = sorted({key for run in runs for key in run.data.params})
    fixed = [key for key in keys if key in _FIXED and len({run.data.params.get(key) for run in runs}) > 1]
    if fixed:
        which = ", ".join(f"{letter(i)} {name_of(run)}" for i, run in latest.items())
        found.append(f"The evaluations ({which}) differ in {', '.join(fixed)}: their metrics are not comparable.")
    return found
