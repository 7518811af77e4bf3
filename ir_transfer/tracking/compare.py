"""Runs side by side in one self-contained HTML file: validation, evaluations, recipes, data, code and images.

MLflow's own page compares curves and parameters; this one adds whether the runs are comparable, their metrics at the
step whose weights were kept, the better run by each metric's direction, and the comparison with the baselines.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ir_transfer
from ir_transfer.durations import duration_text
from ir_transfer.errors import InputError
from ir_transfer.evaluation.html_page import write_page
from ir_transfer.redaction import redact
from ir_transfer.tracking import run_metrics
from ir_transfer.tracking.evaluations import EvaluationTable, compare_evaluations
from ir_transfer.tracking.grids import gather_grids
from ir_transfer.tracking.run_inputs import InputRow, compare_inputs
from ir_transfer.tracking.run_metrics import Curve
from ir_transfer.tracking.runs import RunStore, describe_start, name_of
from ir_transfer.tracking.store import FOLDER

if TYPE_CHECKING:
    from mlflow.entities import Run

_TEMPLATE = Path(__file__).parent / "templates" / "compare.html"
_MOST_RUNS = 6  # distinguishable colours
_VALIDATION_PARAMS = (
    *("data.validation", "data.validation_every", "data.validation_exemplar", "data.validation_pairing"),
    "data.validations",
)


@dataclass(frozen=True)
class Compared:
    """Runs of one store, and the contents of the page.

    Attributes:
        runs: The runs, named A, B, C ... in this order.
        curves: Validation metrics of each run, by name.
        inputs: The data sets that they read.
        warnings: Reasons why metrics are not comparable.
        comparable: Whether validation metrics are comparable.
        evaluation: Metrics of their evaluations, if at least two have one.
    """

    runs: Sequence[Run]
    curves: Sequence[Mapping[str, Curve]]
    inputs: Sequence[InputRow]
    warnings: Sequence[str]
    comparable: bool
    evaluation: EvaluationTable | None

    @property
    def title(self) -> str:
        """Names of the runs."""
        return " and ".join(name_of(run) for run in self.runs)

    @property
    def labels(self) -> list[str]:
        """``A: name`` of each run."""
        return [f"{letter(i)}: {name_of(run)}" for i, run in enumerate(self.runs)]

    @property
    def best_steps(self) -> list[int | None]:
        """Step of the best rank of each run."""
        return [run_metrics.best_step(curves) for curves in self.curves]


def letter(index: int) -> str:
    """Return the letter of a run in the page: A, B, C ..."""
    return chr(ord("A") + index)


def compare_runs(store: RunStore, given: Sequence[str]) -> Compared:
    """Find runs and read their validation metrics, inputs and evaluations.

    Args:
        store: The store of the runs.
        given: Identifiers, unique beginnings of them, names or run folders.

    Raises:
        UnknownNameError: No such run.
        InputError: A name fits several runs, or fewer than two or too many different ones are given.
    """
    runs = [store.find(text) for text in given]
    if len({run.info.run_id for run in runs}) < len(runs) or not 2 <= len(runs) <= _MOST_RUNS:
        which = ", ".join(f"{text} ({name_of(run)})" for text, run in zip(given, runs, strict=True))
        raise InputError(f"expected 2 to {_MOST_RUNS} different runs, got {which}: see ir-transfer runs list")
    curves = [store.validation_curves(run) for run in runs]
    inputs = compare_inputs(runs)
    warnings = [row.warning for row in inputs if row.warning]
    differing = [key for key in _VALIDATION_PARAMS if len({run.data.params.get(key) for run in runs}) > 1]
    if differing:
        warnings.append(
            f"They were validated differently ({', '.join(differing)}): validation metrics are not comparable."
        )
    comparable = not differing and not any(row.warning and row.context != "training" for row in inputs)
    return Compared(runs, curves, inputs, warnings, comparable, compare_evaluations(store, runs, letter))


def write_comparison(store: RunStore, compared: Compared, path: Path) -> list[str]:
    """Write the page; return a line for each image that could not be read.

    Raises:
        EncodeError: It cannot be written.
    """
    kept = next((step for step in compared.best_steps if step is not None), None)
    grids = gather_grids(store.client, [run.info.run_id for run in compared.runs], kept)
    write_page(path, _TEMPLATE, _content(store, compared) | {"grids": grids})
    return grids.missing


def conclusions(compared: Compared) -> list[str]:
    """Return sentences on which run is better."""
    rows = validation_rows(compared)
    if not rows:
        return ["No run has been validated yet."]
    if not compared.comparable:
        return ["No run is called better: their validation metrics are not comparable."]
    lines = []
    rank = next((row for row in rows if row["name"] == run_metrics.RANK), None)
    if rank is not None and any(cell["best"] for cell in rank["best"]):
        ranked = [(cell["text"], letter(i)) for i, cell in enumerate(rank["best"]) if cell["text"]]
        ahead = [compared.labels[i] for i, cell in enumerate(rank["best"]) if cell["best"]]
        lines.append(
            f"{' and '.join(ahead)} has the best rank, which selects the weights that a training keeps: "
            f"{', '.join(f'{name} {text}' for text, name in ranked)} (lower is better)."
        )
    others = [row for row in rows if row["name"] != run_metrics.RANK and row["aim"] != "none"]
    for i, label in enumerate(compared.labels):
        best = [row["name"].removeprefix(run_metrics.VALIDATION) for row in others if row["best"][i]["best"]]
        if best:
            lines.append(f"{label} is best in {len(best)} of {len(others)}: {', '.join(best)}.")
    return lines or ["No validation metric differs."]


def validation_rows(compared: Compared) -> list[dict[str, Any]]:
    """Return the validation metrics with the value of each run at its best step and at its last step."""
    names = sorted({name for curves in compared.curves for name in curves})
    names.sort(key=lambda name: name != run_metrics.RANK)
    rows = []
    for name in names:
        aim = run_metrics.aim_of(name)
        steps = zip(compared.curves, compared.best_steps, strict=True)
        best = [run_metrics.at_step(curves.get(name, []), step) for curves, step in steps]
        last = [curves[name][-1][1] if name in curves else None for curves in compared.curves]
        rows.append(
            {
                "name": name,
                "aim": aim,
                "text": run_metrics.AIM_TEXTS[aim],
                "best": _cells(best, aim, compared.comparable),
                "last": _cells(last, aim, compared.comparable),
            }
        )
    return rows


def _cells(values: Sequence[float | None], aim: run_metrics.Aim, comparable: bool) -> list[dict[str, Any]]:
    texts = [run_metrics.text_of(value) for value in values]
    short = [None if value is None else run_metrics.shortfall(value, aim) for value in values]
    best = run_metrics.best_of(short, texts) if comparable else [False] * len(values)
    return [{"text": text, "best": marked} for text, marked in zip(texts, best, strict=True)]


def _content(store: RunStore, compared: Compared) -> dict[str, Any]:
    return {
        "version": ir_transfer.__version__,
        "made": f"{datetime.now():%Y-%m-%d %H:%M}",
        "store": redact(store.uri),
        "title": compared.title,
        "letter": letter,
        "runs": [_about(run) for run in compared.runs],
        "labels": compared.labels,
        "warnings": compared.warnings,
        "comparable": compared.comparable,
        "conclusions": conclusions(compared),
        "validation": validation_rows(compared),
        "best_steps": compared.best_steps,
        "last_steps": [max((c[-1][0] for c in curves.values()), default=None) for curves in compared.curves],
        "code": _rows([_code(run) for run in compared.runs]),
        "params": _rows([run.data.params for run in compared.runs]),
        "inputs": compared.inputs,
        "evaluation": compared.evaluation,
    }


def _about(run: Run) -> dict[str, Any]:
    end = run.info.end_time
    return {
        "id": run.info.run_id,
        "name": name_of(run),
        "status": str(run.info.status).lower(),
        "started": describe_start(run),
        "took": "" if end is None else duration_text((end - run.info.start_time) / 1000),
        "folder": run.data.tags.get(FOLDER, ""),
    }


def _code(run: Run) -> dict[str, str]:
    tags = run.data.tags
    found = {
        "version": tags.get("ir_transfer.version"),
        "commit": tags.get("mlflow.source.git.commit") or tags.get("ir_transfer.commit"),
        "uncommitted changes": {"true": "yes", "false": "no"}.get(tags.get("ir_transfer.dirty", "").lower()),
    }
    return {key: value for key, value in found.items() if value is not None}


def _rows(mappings: Sequence[Mapping[str, str]]) -> list[dict[str, Any]]:
    """Return the keys of mappings in order, each with its values and whether they differ."""
    keys = sorted({key for mapping in mappings for key in mapping})
    values = {key: [mapping.get(key) for mapping in mappings] for key in keys}
    return [{"key": key, "values": found, "differs": len({*found}) > 1} for key, found in values.items()]
