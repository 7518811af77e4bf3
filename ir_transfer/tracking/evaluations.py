"""Evaluations of several runs beside each other, with the trivial rows that each must beat."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ir_transfer.evaluation.columns import COLUMNS, Column
from ir_transfer.evaluation.harness import BASELINES, TRUTH
from ir_transfer.tracking.figures import winners
from ir_transfer.tracking.find_runs import RunStore, name_of
from ir_transfer.tracking.inputs import compare_inputs

if TYPE_CHECKING:
    from mlflow.entities import Run

_COMPOSITE = Column(
    "composite", "fidelity", "higher", 3, "geometric mean of the aspects, which a blank picture cannot win"
)
_COLUMNS = {_COMPOSITE.key: _COMPOSITE, **COLUMNS}


@dataclass(frozen=True)
class EvaluationRow:
    """A column of the evaluations.

    Attributes:
        name: Of the column.
        description: One sentence.
        direction: Which way is better, as of :class:`~ir_transfer.evaluation.columns.Column`.
        texts: The figure of each method, empty where it is missing.
        wins: Whether it is the best of them.
        loses_to: The best trivial row, if that is better than the method; empty else.
        trivial: The best trivial row and its figure.
    """

    name: str
    description: str
    direction: str
    texts: list[str]
    wins: list[bool]
    loses_to: list[str]
    trivial: str


@dataclass(frozen=True)
class EvaluationTable:
    """Figures of evaluations of several runs.

    Attributes:
        methods: Headings, such as ``A: adain``.
        rows: One for each column.
        warnings: Why they do not compare.
    """

    methods: list[str]
    rows: list[EvaluationRow]
    warnings: list[str]


def compare_evaluations(store: RunStore, runs: Sequence[Run], letter: Callable[[int], str]) -> EvaluationTable | None:
    """Return the latest evaluations of runs side by side, or None where fewer than two have one."""
    latest = {i: found[0] for i, run in enumerate(runs) if (found := store.evaluations_of(run))}
    if len(latest) < 2:
        return None
    tables = {i: _table(run.data.metrics) for i, run in latest.items()}
    methods = [(i, label) for i, table in tables.items() for label in table if label not in (*BASELINES, TRUTH)]
    warnings = _warnings(latest, letter)
    keys = sorted({key for i, label in methods for key in tables[i][label]}, key=_place)
    chosen = [(tables[i], label) for i, label in methods]
    recipes = {i: run.data.params.get(_COMPOSITE.key, "") for i, run in latest.items()}
    if len(set(recipes.values())) > 1:
        keys = [key for key in keys if key != _COMPOSITE.key]
        made = "; ".join(f"{letter(i)}: {recipe or 'not recorded'}" for i, recipe in recipes.items())
        composites = [f"The composites are made differently and are left out ({made})."]
    else:
        composites = []
    rows = [_row(key, column, chosen, not warnings) for key in keys if (column := column_of(key)) is not None]
    return EvaluationTable([f"{letter(i)}: {label}" for i, label in methods], rows, [*warnings, *composites])


def column_of(name: str) -> Column | None:
    """Return the column of a figure's name, which may have the judge behind it, as in ``patch_mmd[vgg19-16x]``.

    Example:
        >>> found = column_of("gradient_truth_3px")
        >>> found.key if found else None
        'gradient_truth_3px'
    """
    fitting = [key for key in _COLUMNS if name.startswith(key) and not name[len(key) : len(key) + 1].isalnum()]
    return _COLUMNS[max(fitting, key=len)] if fitting else None


def _table(metrics: Mapping[str, float]) -> dict[str, dict[str, float]]:
    """Return figures by row and column from metrics such as ``adain/psnr``."""
    table: dict[str, dict[str, float]] = {}
    for name, value in metrics.items():
        label, sign, key = name.rpartition("/")
        if sign and column_of(key) is not None:
            table.setdefault(label, {})[key] = value
    return table


def _place(key: str) -> tuple[int, str]:
    column = column_of(key)
    return ([*_COLUMNS].index(column.key) if column else len(_COLUMNS)), key


def _row(
    key: str, column: Column, methods: Sequence[tuple[dict[str, dict[str, float]], str]], comparable: bool
) -> EvaluationRow:
    texts: list[str] = []
    short: list[float | None] = []
    losing: list[str] = []
    trivials: list[str] = []
    for table, label in methods:
        value = table[label].get(key)
        texts.append("" if value is None else f"{value:.{column.digits}f}")
        own = None if value is None else _shortfall(column, key, value, table)
        rivals = {
            row: _shortfall(column, key, table[row][key], table) for row in BASELINES if key in table.get(row, {})
        }
        known = {row: far for row, far in rivals.items() if far is not None}
        best = min(known, key=lambda row: known[row]) if known else ""
        losing.append(best if own is not None and best and known[best] < own else "")
        trivials.append(f"{best} {table[best][key]:.{column.digits}f}" if best else "")
        short.append(own)
    wins = winners(short, texts) if comparable else [False] * len(texts)
    trivial = " | ".join(dict.fromkeys(text for text in trivials if text))
    return EvaluationRow(key, column.description, column.direction, texts, wins, losing, trivial)


def _shortfall(column: Column, key: str, value: float, table: Mapping[str, Mapping[str, float]]) -> float | None:
    truth = table.get(TRUTH, {}).get(key)
    found = column.shortfall(np.asarray(value), None if truth is None else np.asarray(truth))
    return None if found is None else float(found)


def _warnings(latest: Mapping[int, Run], letter: Callable[[int], str]) -> list[str]:
    runs = [*latest.values()]
    found = [row.warning for row in compare_inputs(runs) if row.warning]
    keys = sorted({key for run in runs for key in run.data.params})
    fixed = [key for key in keys if key in _FIXED and len({run.data.params.get(key) for run in runs}) > 1]
    if fixed:
        which = ", ".join(f"{letter(i)} {name_of(run)}" for i, run in latest.items())
        found.append(f"The evaluations ({which}) differ in {', '.join(fixed)}: their figures do not compare.")
    return found


_FIXED = ("protocol", "exemplar", "data", "max_side", "border", "label", "boxes")
