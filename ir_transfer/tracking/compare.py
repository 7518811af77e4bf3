"""Runs side by side in one HTML file that needs no other file, no server and no network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ir_transfer
from ir_transfer.errors import InputError
from ir_transfer.evaluation.html_page import write_page
from ir_transfer.redaction import redact
from ir_transfer.tracking import charts, figures
from ir_transfer.tracking.evaluations import EvaluationTable, compare_evaluations
from ir_transfer.tracking.figures import Curve
from ir_transfer.tracking.find_runs import FOLDER, RunStore, describe_start, name_of
from ir_transfer.tracking.grids import gather_grids
from ir_transfer.tracking.inputs import InputRow, compare_inputs

if TYPE_CHECKING:
    from mlflow.entities import Run

_TEMPLATE = Path(__file__).parent / "templates" / "compare.html"
_MOST_RUNS = 6  # colours that can be told apart
_JUDGING = (
    *("data.validation", "data.validation_every", "data.validation_exemplar", "data.validation_pairing"),
    "data.validations",
)
_GROUPS = {
    "validation": "Validation",
    "loss": "Losses, as weighted in training",
    "rate": "Speed and learning rate",
    "system": "The machine",
    "": "Other metrics",
}


@dataclass(frozen=True)
class Compared:
    """Runs of one store, and all that is shown of them.

    Attributes:
        runs: The runs, called A, B, C ... in this order.
        curves: Of each run, its metrics by name.
        inputs: The pictures that they read.
        warnings: Why figures do not compare.
        comparable: Whether validation figures do.
        evaluation: Figures of their evaluations, if at least two have one.
    """

    runs: Sequence[Run]
    curves: Sequence[Mapping[str, Curve]]
    inputs: Sequence[InputRow]
    warnings: Sequence[str]
    comparable: bool
    evaluation: EvaluationTable | None

    @property
    def title(self) -> str:
        """The runs' names."""
        return " and ".join(name_of(run) for run in self.runs)

    @property
    def labels(self) -> list[str]:
        """``A: name`` of each run."""
        return [f"{letter(i)}: {name_of(run)}" for i, run in enumerate(self.runs)]


def letter(index: int) -> str:
    """Return what a run is called in the page: A, B, C ..."""
    return chr(ord("A") + index)


def compare_runs(store: RunStore, given: Sequence[str]) -> Compared:
    """Find runs and read what is to be compared of them.

    Args:
        store: Where they are.
        given: Identifiers, unique beginnings of them, names or run folders.

    Raises:
        UnknownNameError: A run is not there.
        InputError: A name fits several runs, or fewer than two or too many different ones are given.
    """
    runs = [store.find(text) for text in given]
    if len({run.info.run_id for run in runs}) < len(runs) or not 2 <= len(runs) <= _MOST_RUNS:
        which = ", ".join(f"{text} ({name_of(run)})" for text, run in zip(given, runs, strict=True))
        raise InputError(f"expected 2 to {_MOST_RUNS} different runs, got {which}: see ir-transfer runs list")
    curves = [{name: curve for name in run.data.metrics if (curve := store.history(run, name))} for run in runs]
    inputs = compare_inputs(runs)
    warnings = [row.warning for row in inputs if row.warning]
    judged = [key for key in _JUDGING if len({run.data.params.get(key) for run in runs}) > 1]
    if judged:
        warnings.append(f"They were validated differently ({', '.join(judged)}): validation figures do not compare.")
    comparable = not judged and not any(row.warning and row.context != "training" for row in inputs)
    return Compared(runs, curves, inputs, warnings, comparable, compare_evaluations(store, runs, letter))


def write_comparison(store: RunStore, compared: Compared, path: Path) -> list[str]:
    """Write the page; return what could not be shown in it.

    Raises:
        EncodeError: It cannot be written.
    """
    grids = gather_grids(store.client, [run.info.run_id for run in compared.runs], _kept_step(compared))
    content = _content(store, compared) | {"grids": grids}
    write_page(path, _TEMPLATE, content)
    return grids.missing


def _kept_step(compared: Compared) -> int | None:
    steps = [figures.best_step(curves) for curves in compared.curves]
    return next((step for step in steps if step is not None), None)


def verdict(compared: Compared) -> list[str]:
    """Return in plain sentences which run is ahead."""
    rows = validation_rows(compared)
    if not rows:
        return ["No run has been validated yet."]
    if not compared.comparable:
        return ["No run is called better: their validation figures do not compare."]
    lines = []
    rank = next((row for row in rows if row["name"] == figures.RANK), None)
    if rank is not None and any(cell["wins"] for cell in rank["best"]):
        ranked = [(cell["text"], letter(i)) for i, cell in enumerate(rank["best"]) if cell["text"]]
        ahead = [compared.labels[i] for i, cell in enumerate(rank["best"]) if cell["wins"]]
        lines.append(
            f"{' and '.join(ahead)} has the best rank, which the training keeps weights by: "
            f"{', '.join(f'{name} {text}' for text, name in ranked)} (lower is better)."
        )
    others = [row for row in rows if row["name"] != figures.RANK and row["aim"] != "none"]
    for i, label in enumerate(compared.labels):
        won = [row["name"].removeprefix(figures.VALIDATION) for row in others if row["best"][i]["wins"]]
        if won:
            lines.append(f"{label} is best in {len(won)} of {len(others)}: {', '.join(won)}.")
    return lines or ["No validation figure differs."]


def validation_rows(compared: Compared) -> list[dict[str, Any]]:
    """Return the validation metrics with each run's figure at its best step and at its last."""
    names = sorted({name for curves in compared.curves for name in curves if name.startswith(figures.VALIDATION)})
    names.sort(key=lambda name: name != figures.RANK)
    rows = []
    for name in names:
        aim = figures.aim_of(name)
        best = [figures.at_step(c.get(name, []), figures.best_step(c)) for c in compared.curves]
        last = [c[name][-1][1] if name in c else None for c in compared.curves]
        rows.append(
            {
                "name": name,
                "aim": aim,
                "text": figures.AIM_TEXTS[aim],
                "best": _cells(best, aim, compared.comparable),
                "last": _cells(last, aim, compared.comparable),
            }
        )
    return rows


def _cells(values: Sequence[float | None], aim: figures.Aim, comparable: bool) -> list[dict[str, Any]]:
    texts = [figures.text_of(value) for value in values]
    short = [None if value is None else figures.shortfall(value, aim) for value in values]
    wins = figures.winners(short, texts) if comparable else [False] * len(values)
    return [{"text": text, "wins": won} for text, won in zip(texts, wins, strict=True)]


def _content(store: RunStore, compared: Compared) -> dict[str, Any]:
    params = _rows([run.data.params for run in compared.runs])
    return {
        "version": ir_transfer.__version__,
        "made": f"{datetime.now():%Y-%m-%d %H:%M}",
        "store": redact(store.uri),
        "title": compared.title,
        "letter": letter,
        "runs": [_about(run, curves) for run, curves in zip(compared.runs, compared.curves, strict=True)],
        "labels": compared.labels,
        "warnings": compared.warnings,
        "comparable": compared.comparable,
        "verdict": verdict(compared),
        "validation": validation_rows(compared),
        "best_steps": [figures.best_step(curves) for curves in compared.curves],
        "last_steps": [max((c[-1][0] for c in curves.values()), default=None) for curves in compared.curves],
        "code": _rows([_code(run) for run in compared.runs]),
        "params": params,
        "inputs": compared.inputs,
        "chart": {"width": charts.WIDTH, "height": charts.HEIGHT, "left": charts.LEFT, "bottom": charts.BOTTOM},
        "groups": _groups(compared),
        "evaluation": compared.evaluation,
    }


def _about(run: Run, curves: Mapping[str, Curve]) -> dict[str, Any]:
    end = run.info.end_time
    seconds = None if end is None else (end - run.info.start_time) / 1000
    return {
        "id": run.info.run_id,
        "name": name_of(run),
        "status": str(run.info.status).lower(),
        "started": describe_start(run),
        "took": "" if seconds is None else _duration(seconds),
        "folder": run.data.tags.get(FOLDER, ""),
    }


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    return (
        f"{minutes // 60} h {minutes % 60} min"
        if minutes >= 60
        else f"{minutes} min"
        if minutes
        else f"{seconds:.0f} s"
    )


def _code(run: Run) -> dict[str, str]:
    tags = run.data.tags
    found = {
        "version": tags.get("ir_transfer.version"),
        "commit": tags.get("mlflow.source.git.commit") or tags.get("ir_transfer.commit"),
        "uncommitted changes": {"true": "yes", "false": "no"}.get(tags.get("ir_transfer.dirty", "").lower()),
    }
    return {key: value for key, value in found.items() if value is not None}


def _rows(mappings: Sequence[Mapping[str, str]]) -> list[dict[str, Any]]:
    """Return the keys of mappings in order, each with all values and whether they differ."""
    keys = sorted({key for mapping in mappings for key in mapping})
    values = {key: [mapping.get(key) for mapping in mappings] for key in keys}
    return [{"key": key, "values": found, "differs": len({*found}) > 1} for key, found in values.items()]


def _groups(compared: Compared) -> list[dict[str, Any]]:
    names = sorted({name for curves in compared.curves for name in curves})
    groups: dict[str, list[dict[str, Any]]] = {group: [] for group in _GROUPS}
    for name in names:
        group = name.partition("/")[0]
        drawn = {i: curves[name] for i, curves in enumerate(compared.curves) if name in curves}
        groups[group if group in _GROUPS else ""].append(
            {"name": name, "aim": figures.AIM_TEXTS[figures.aim_of(name)], "drawing": charts.draw(drawn)}
            | {"note": _weights_note(compared, name), "lasts": {i: figures.text_of(c[-1][1]) for i, c in drawn.items()}}
        )
    return [{"key": key, "title": _GROUPS[key], "charts": found} for key, found in groups.items() if found]


def _weights_note(compared: Compared, metric: str) -> str:
    key = "losses." + metric.removeprefix("loss/")
    weights = [run.data.params.get(key) for run in compared.runs]
    if not metric.startswith("loss/") or len({*weights}) < 2:
        return ""
    return f"weights differ ({', '.join(f'{letter(i)} {w}' for i, w in enumerate(weights))}): heights do not compare"
