"""Whether runs read the same pictures: without that, their figures do not compare."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ir_transfer.json_files import parse_json

if TYPE_CHECKING:
    from mlflow.entities import Run

_CONTEXT = "mlflow.data.context"
_CONSEQUENCES = {
    "training": "they learned from different pictures, so a difference may come from the data alone",
    "validation": "their validation figures do not compare",
    "evaluation": "their evaluation figures do not compare",
}


@dataclass(frozen=True)
class InputRow:
    """One data set in all runs.

    Attributes:
        name: Of the data set.
        context: ``training``, ``validation``, ``evaluation`` or empty.
        digests: Of its content in each run, None where the run has no such set.
        counts: What else was noted of it, in words, in each run.
        warning: What follows if the runs differ in it, empty if they do not.
    """

    name: str
    context: str
    digests: list[str | None]
    counts: list[str]
    warning: str


def compare_inputs(runs: Sequence[Run]) -> list[InputRow]:
    """Return the data sets that any of the runs read, by context and name."""
    read = [_inputs(run) for run in runs]
    keys = sorted({key for found in read for key in found})
    rows = []
    for context, name in keys:
        own = [found.get((context, name)) for found in read]
        digests = [None if dataset is None else str(dataset.digest) for dataset in own]
        counts = ["" if dataset is None else _profile(dataset.profile) for dataset in own]
        rows.append(InputRow(name, context, digests, counts, _warning(context, name, digests)))
    return rows


def _inputs(run: Run) -> dict[tuple[str, str], Any]:
    noted = run.inputs.dataset_inputs if run.inputs else []
    return {
        (next((tag.value for tag in entry.tags if tag.key == _CONTEXT), ""), entry.dataset.name): entry.dataset
        for entry in noted
    }


def _profile(text: str | None) -> str:
    try:
        profile = parse_json(text or "{}", "the profile of a data set")
    except ValueError:
        return text or ""
    if not isinstance(profile, dict):
        return str(profile)
    return ", ".join(f"{key} {value}" for key, value in profile.items() if value is not None)


def _warning(context: str, name: str, digests: Sequence[str | None]) -> str:
    if len({*digests}) < 2:
        return ""
    where = f"{context} data {name}" if context else f"data {name}"
    what = "was not read by all runs" if None in digests else "has not the same content in all runs"
    return f"The {where} {what}: {_CONSEQUENCES.get(context, 'their figures may not compare')}."
