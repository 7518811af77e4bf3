"""Logs evaluations as MLflow runs that are linked to the evaluated models."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ir_transfer.evaluation.comparison import Comparison
from ir_transfer.evaluation.detection.experiment import Outcome
from ir_transfer.evaluation.detection.result_files import FILES, made_with
from ir_transfer.evaluation.ranking import composites
from ir_transfer.evaluation.report import write_report
from ir_transfer.evaluation.result_files import write_csv, write_json
from ir_transfer.tracking.fetch import Fetched
from ir_transfer.tracking.registration import WEIGHTS_SHA256
from ir_transfer.tracking.run_inputs import RunInput, data_input
from ir_transfer.tracking.store import experiment_id, recorded_run

if TYPE_CHECKING:
    from mlflow import MlflowClient
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

    The values of a method are metrics ``method/column``; report, table, sheet and values by scene are artifacts.

    Args:
        client: Client of the store.
        compared: The comparison.
        name: Name of the run.
        models: Registered models of the methods, by label; by default the registered versions of equal weights. The
            run is nested under the training of the first one if that is in the store.
        tags: More tags.

    Raises:
        mlflow.exceptions.MlflowException: The store refuses or is unavailable.
    """
    from mlflow.entities import LoggedModelInput

    known = models if models is not None else _registered(client, compared)
    noted = {**(tags or {}), **_parent(client, experiment_id(client), [*known.values()])}
    with recorded_run(client, "evaluate", name, noted) as run:
        inputs = [LoggedModelInput(model.model_id) for model in known.values() if model.model_id]
        client.log_inputs(run.id, [data_input(_measured(compared).summary())], inputs or None)
        params = {
            "protocol": compared.made_with,
            "exemplar": compared.policy.description,
            "scenes": len(compared.pairs),
            **compared.settings,
            **{f"weights/{method.label}": str(method.model.weights_hash) for method in compared.methods},
        }
        run.log(_metrics(compared), params)
        with tempfile.TemporaryDirectory() as folder:
            write_json(compared, Path(folder) / "results.json")
            write_csv(compared, Path(folder) / "table.csv")
            write_report(compared, Path(folder) / "report.html")
            compared.write_sheet(Path(folder) / "sheet.png")
            client.log_artifacts(run.id, folder)
    return run.id


def log_detection(
    client: MlflowClient, outcome: Outcome, folder: Path, protocol: str, settings: Mapping[str, str | None]
) -> str:
    """Log a detection experiment and its files; return the run's id.

    Args:
        client: Client of the store.
        outcome: Its values are metrics ``condition/map``, ``condition/map50`` and ``condition/gain``.
        folder: Folder of the files; its name is that of the run.
        protocol: Title of the protocol that the scenes were read with.
        settings: All other settings that change a value.

    Raises:
        mlflow.exceptions.MlflowException: The store refuses or is unavailable.
    """
    metrics = {
        f"{row.name}/{key}": value
        for row in outcome.rows
        for key, value in (("map", row.map.value), ("map50", row.map50.value), ("gain", row.gain.value))
    }
    params = {"made_with": made_with(outcome, protocol), "steps": outcome.training.steps, **settings}
    with recorded_run(client, "evaluate", folder.absolute().name, {"ir_transfer.task": "detect"}) as run:
        run.log(metrics, params)
        for name in FILES:
            client.log_artifact(run.id, str(folder / name))
    return run.id


def _measured(compared: Comparison) -> RunInput:
    files = [path for pair in compared.pairs for path in (pair.rgb, pair.ir)]
    facts = {"band": compared.protocol.band, "photographs": len(compared.pairs)}
    return RunInput(compared.data.title, "evaluation", compared.root, files, facts)


def _registered(client: MlflowClient, compared: Comparison) -> dict[str, ModelVersion]:
    """Return the newest registered version of each method's weights, by the method's label."""
    models = client.search_registered_models()
    versions = [version for model in models for version in client.search_model_versions(f"name='{model.name}'")]
    versions.sort(key=lambda version: version.creation_timestamp or 0)
    known = {version.tags.get(WEIGHTS_SHA256, "")[:16]: version for version in versions}
    hashes = {method.label: method.model.weights_hash for method in compared.methods}
    return {label: known[short] for label, short in hashes.items() if short and short in known}


def _parent(client: MlflowClient, experiment: str, models: Sequence[Fetched | ModelVersion]) -> dict[str, str]:
    """Return tags that link to the training of the first model; MLflow nests only runs of the same experiment."""
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


def _metrics(compared: Comparison) -> dict[str, float]:
    found = {f"{label}/composite": estimate.value for label, estimate in composites(compared.results).items()}
    for label, scores in compared.results.scores.items():
        found |= {f"{label}/{key}": score.mean for key, score in scores.items()}
    return found
