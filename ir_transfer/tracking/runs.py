"""Runs of a store, found by an identifier, its beginning, a name, or the run's folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ir_transfer.errors import InputError, IrTransferError, TrackingError, UnknownNameError
from ir_transfer.json_files import read_json
from ir_transfer.tracking.delivery import STATE
from ir_transfer.tracking.run_metrics import VALIDATION
from ir_transfer.tracking.store import EXPERIMENT, FOLDER, KIND, connect, one_line

if TYPE_CHECKING:
    from mlflow.entities import Run


_PARENTS = ("mlflow.parentRunId", "ir_transfer.training_run")
_HUGE = 1e300  # infinity is stored as the largest number; comparisons with NaN are false


class RunStore:
    """Reads the runs of an existing tracking store.

    Args:
        uri: Its tracking URI.

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
                f"(ir-transfer train RECIPE --data ROOT --tracking-uri {uri}), or name another with --tracking-uri"
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

    def find(self, given: str) -> Run:
        """Return a run.

        Args:
            given: An identifier, a unique beginning of one, a run's name, or a run's folder.

        Raises:
            UnknownNameError: No such run.
            InputError: Several runs fit, or the folder's run is in another store.
        """
        runs = self.runs()
        folder = Path(given)
        if (folder / STATE).is_file():
            return self._of_folder(folder, runs)
        exact = [run for run in runs if run.info.run_id == given]
        named = [run for run in runs if given in {name_of(run), run.data.tags.get(FOLDER)}]
        begun = [run for run in runs if len(given) >= 4 and run.info.run_id.startswith(given)]
        fitting = exact or named or begun
        if not fitting and folder.is_dir():
            names = {str(folder.resolve()), str(folder.absolute())}
            fitting = [run for run in runs if run.data.tags.get(FOLDER) in names]
        if len(fitting) == 1:
            return fitting[0]
        if fitting:
            which = ", ".join(f"{short_id(run)} ({describe_start(run)})" for run in fitting[:5])
            raise InputError(f"expected one run named {given!r}, got {len(fitting)}: name an identifier: {which}")
        known = {name_of(run) for run in runs}
        raise UnknownNameError.among("run", given, known)

    def evaluations_of(self, run: Run) -> list[Run]:
        """Return the evaluations that nest under or link to a run, the latest first."""
        own = run.info.run_id
        return [other for other in self.runs("evaluate") if own in {other.data.tags.get(key) for key in _PARENTS}]

    def history(self, run: Run, metric: str) -> list[tuple[int, float]]:
        """Return the finite values of a metric by step; for a repeated step, the later one."""
        entries = self.client.get_metric_history(run.info.run_id, metric)
        by_step = {
            entry.step: entry.value for entry in sorted(entries, key=lambda e: e.timestamp) if abs(entry.value) < _HUGE
        }
        return sorted(by_step.items())

    def validation_curves(self, run: Run) -> dict[str, list[tuple[int, float]]]:
        """Return the validation metrics of a run by name."""
        names = sorted(name for name in run.data.metrics if name.startswith(VALIDATION))
        return {name: curve for name in names if (curve := self.history(run, name))}

    def _of_folder(self, folder: Path, runs: list[Run]) -> Run:
        state = read_json(folder / STATE)
        for run in runs:
            if run.info.run_id == state.get("run"):
                return run
        raise InputError(
            f"expected the run of {folder} in {self.uri}, found none: it is in {state.get('uri')}; name that with "
            "--tracking-uri"
        )


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
