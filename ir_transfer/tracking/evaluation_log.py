"""A comparison as a run in MLflow, linked to what was compared."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ir_transfer.evaluation.comparison import Comparison
from ir_transfer.evaluation.ranking import composites
from ir_transfer.evaluation.records import write_csv, write_json
from ir_transfer.evaluation.report import write_report
from ir_transfer.tracking.client import KIND, LONGEST_PARAM, experiment_id, metric_name, who_runs
from ir_transfer.tracking.fetch import Fetched
from ir_transfer.tracking.provenance import RunInput, data_input
from ir_transfer.tracking.registration import WEIGHTS_SHA256

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Metric
    from mlflow.entities.model_registry import ModelVersion

_PARENT = "mlflow.parentRunId"


def log_comparison(
    client: MlflowClient,
    compared: Comparison,
    name: str,
    models: Mapping[str, Fetched | ModelVersion] | None = None,
    tags: Mapping[str, str] | None = None,
) -> str:
    """Log a comparison and return the run's id.

    The figures of a row are metrics ``row/column``; the report, the table and all single scenes are artifacts.

    Args:
        client: Of the store.
        compared: What was found.
        name: Of the run.
        models: Where the models of rows came from, by the row's label; by default the registered versions that have
            the same weights. The run is nested under the training of the first one if that is in the store.
        tags: What else to note.

    Raises:
        mlflow.exceptions.MlflowException: The store refuses or is away.
    """
    from mlflow.entities import LoggedModelInput, Param

    known = models if models is not None else _registered(client, compared)
    experiment = experiment_id(client)
    noted = {KIND: "evaluate", **who_runs(), **(tags or {}), **_parent(client, experiment, [*known.values()])}
    run = client.create_run(experiment, tags=noted, run_name=name)
    run_id = str(run.info.run_id)
    try:
        inputs = [LoggedModelInput(model.model_id) for model in known.values() if model.model_id]
        client.log_inputs(run_id, [data_input(_measured(compared).summary())], inputs or None)
        params = {
            "protocol": compared.made_with,
            "exemplar": compared.policy.description,
            "scenes": len(compared.pairs),
            **{key: value for key, value in compared.settings.items() if value is not None},
            **{f"weights/{method.label}": method.model.weights_hash for method in compared.methods},
        }
        client.log_batch(
            run_id,
            _metrics(compared, run.info.start_time),
            [Param(metric_name(key), str(value)[:LONGEST_PARAM]) for key, value in params.items()],
            synchronous=True,
        )
        with tempfile.TemporaryDirectory() as folder:
            write_json(compared, Path(folder) / "results.json")
            write_csv(compared, Path(folder) / "table.csv")
            write_report(compared, Path(folder) / "report.html")
            compared.write_sheet(Path(folder) / "sheet.png")
            client.log_artifacts(run_id, folder)
    except BaseException:
        client.set_terminated(run_id, "FAILED")
        raise
    client.set_terminated(run_id)
    return run_id


def _measured(compared: Comparison) -> RunInput:
    files = [path for pair in compared.pairs for path in (pair.rgb, pair.ir)]
    facts = {"band": compared.protocol.band, "photographs": len(compared.pairs)}
    return RunInput(compared.data.title, "evaluation", compared.root, files, facts)


def _registered(client: MlflowClient, compared: Comparison) -> dict[str, ModelVersion]:
    """Return the newest registered version of each row's weights, by the row's label."""
    models = client.search_registered_models()
    versions = [version for model in models for version in client.search_model_versions(f"name='{model.name}'")]
    versions.sort(key=lambda version: version.creation_timestamp or 0)
    known = {version.tags.get(WEIGHTS_SHA256, "")[:16]: version for version in versions}
    hashes = {method.label: method.model.weights_hash for method in compared.methods}
    return {label: known[short] for label, short in hashes.items() if short and short in known}


def _parent(client: MlflowClient, experiment: str, models: Sequence[Fetched | ModelVersion]) -> dict[str, str]:
    """Return tags that link to the training of the first model; MLflow nests within one experiment only."""
    from mlflow.exceptions import MlflowException

    trained = next((model.run_id for model in models if model.run_id), "")
    if not trained:
        return {}
    try:
        inside = client.get_run(trained).info.experiment_id == experiment
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        return {}
    return {"ir_transfer.training_run": trained, **({_PARENT: trained} if inside else {})}


def _metrics(compared: Comparison, at: int) -> list[Metric]:
    from mlflow.entities import Metric

    found = {f"{label}/composite": estimate.value for label, estimate in composites(compared.results).items()}
    for label, scores in compared.results.scores.items():
        found |= {f"{label}/{key}": score.mean for key, score in scores.items()}
    return [Metric(metric_name(name), float(value), at, 0) for name, value in found.items()]
