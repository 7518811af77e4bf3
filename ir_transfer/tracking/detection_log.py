"""What translations are worth to a detector, as a run in MLflow."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ir_transfer.evaluation.detection.experiment import Outcome
from ir_transfer.evaluation.detection.records import FILES, made_with
from ir_transfer.tracking.client import KIND, LONGEST_PARAM, experiment_id, metric_name, who_runs

if TYPE_CHECKING:
    from mlflow import MlflowClient


def log_detection(
    client: MlflowClient, outcome: Outcome, folder: Path, protocol: str, settings: Mapping[str, str | None]
) -> str:
    """Log an outcome and the files that were written of it; return the run's id.

    Args:
        client: Of the store.
        outcome: Its figures become metrics ``arm/map``, ``arm/map50`` and ``arm/gain``.
        folder: Where the files lie; gives the run its name.
        protocol: With which the scenes were read.
        settings: What else decides the figures.

    Raises:
        mlflow.exceptions.MlflowException: The store refuses or is away.
    """
    from mlflow.entities import Metric, Param

    tags = {KIND: "evaluate", "ir_transfer.task": "detect", **who_runs()}
    run = client.create_run(experiment_id(client), tags=tags, run_name=folder.absolute().name)
    figures = {
        f"{row.name}/{key}": value
        for row in outcome.rows
        for key, value in (("map", row.map.value), ("map50", row.map50.value), ("gain", row.gain.value))
    }
    params = {"made_with": made_with(outcome, protocol), "steps": outcome.training.steps, **settings}
    try:
        client.log_batch(
            run.info.run_id,
            [Metric(metric_name(name), float(value), run.info.start_time, 0) for name, value in figures.items()],
            [Param(key, str(value)[:LONGEST_PARAM]) for key, value in params.items() if value is not None],
            synchronous=True,
        )
        for name in FILES:
            client.log_artifact(run.info.run_id, str(folder / name))
    except BaseException:
        client.set_terminated(run.info.run_id, "FAILED")
        raise
    client.set_terminated(run.info.run_id)
    return str(run.info.run_id)
