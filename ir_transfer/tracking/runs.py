"""Runs of a store, and the validation metrics of trainings at the step whose weights were kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ir_transfer.errors import InputError, IrTransferError, TrackingError, one_line
from ir_transfer.tracking.store import EXPERIMENT, KIND, connect

if TYPE_CHECKING:
    from mlflow.entities import Run


VALIDATION = "validation/"
RANK = "validation/rank"
_HUGE = 1e300  # infinity is stored as the largest number; comparisons with NaN are false


class RunStore:
    """Reads the runs of an existing tracking store.

    Attributes:
        uri: Its tracking URI.
        client: Client of the store.
        experiment: Identifier of the experiment of this package.

    Raises:
        MissingFileError: Its database is missing.
        TrackingError: It does not answer, or is not an MLflow store.
        InputError: It has no experiment of this package.
    """

    def __init__(self, uri: str) -> None:
        self.uri = uri
        try:
            self.client = connect(uri)
            experiment = self.client.get_experiment_by_name(EXPERIMENT)
        except IrTransferError:
            raise
        except Exception as error:  # of several libraries: no server, another database, an old schema
            raise TrackingError(
                f"expected an MLflow store at {uri}, got {type(error).__name__}: {one_line(error)}: start its server, "
                "or name another store with --tracking-uri"
            ) from error
        if experiment is None:
            raise InputError(
                f"expected an experiment {EXPERIMENT!r} in {uri}, found none: train into it "
                f"(ir-transfer train RECIPE --data ROOT --tracking-uri {uri}), or select another with --tracking-uri"
            )
        self.experiment = str(experiment.experiment_id)

    def runs(self, kind: str | None = None) -> list[Run]:
        """Return all runs, or those of a kind (``train``, ``evaluate``, ``convert``), the latest first."""
        found: list[Run] = []
        token: str | None = None
        while True:
            page = self.client.search_runs(
                [self.experiment], order_by=["attributes.start_time DESC"], max_results=1000, page_token=token
            )
            found.extend(page)
            token = page.token
            if not token:
                break
        return [run for run in found if kind is None or run.data.tags.get(KIND) == kind]

    def history(self, run: Run, metric: str) -> list[tuple[int, float]]:
        """Return the finite values of a metric by step; for a repeated step, the later one."""
        entries = self.client.get_metric_history(run.info.run_id, metric)
        by_step = {
            entry.step: entry.value for entry in sorted(entries, key=lambda e: e.timestamp) if abs(entry.value) < _HUGE
        }
        return sorted(by_step.items())

    def best_step(self, run: Run) -> tuple[int, float] | None:
        """Return the step of the best rank, whose weights the training keeps, and the rank; None before validation."""
        return min(self.history(run, RANK), key=lambda point: point[1], default=None)

    def validation_at(self, run: Run, step: int) -> dict[str, float]:
        """Return the validation metrics of a training at a step by name."""
        names = sorted(name for name in run.data.metrics if name.startswith(VALIDATION))
        found = {name.removeprefix(VALIDATION): dict(self.history(run, name)).get(step) for name in names}
        return {name: value for name, value in found.items() if value is not None}


def name_of(run: Run) -> str:
    """Return a run's name, or the beginning of its identifier."""
    return run.info.run_name or short_id(run)


def short_id(run: Run) -> str:
    """Return the beginning of a run's identifier."""
    return str(run.info.run_id)[:8]


def describe_start(run: Run) -> str:
    """Return the start of a run in local time, such as ``2026-01-31 09:15``."""
    from datetime import datetime

    return datetime.fromtimestamp(run.info.start_time / 1000).strftime("%Y-%m-%d %H:%M")


def text_of(value: float | None) -> str:
    """Return a value with four significant digits.

    Example:
        >>> text_of(19.2371), text_of(0.00012345), text_of(12345.6), text_of(None)
        ('19.24', '0.0001235', '12346', '')
    """
    if value is None:
        return ""
    return f"{value:.0f}" if 1e4 <= abs(value) < 1e7 else f"{value:.4g}"
