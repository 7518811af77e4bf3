"""Two small trainings in a store, with everything that trainings and evaluations log."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ir_transfer.evaluation.contact_sheet import contact_sheet
from ir_transfer.tracking.run_inputs import data_input
from ir_transfer.tracking.store import KIND, connect, experiment_id
from tests.conftest import photograph, thermal

if TYPE_CHECKING:
    from mlflow import MlflowClient

NAMES = ("steady", "hasty")
_FIGURES = {
    "constant": {"psnr": 15.0, "perceptual": 0.9, "people_heat": 0.0},
    "gray": {"psnr": 11.0, "perceptual": 0.8, "people_heat": 0.1},
    "truth": {"psnr": 99.0, "perceptual": 0.0, "people_heat": 0.9},
}


@dataclass(frozen=True)
class TrackedRuns:
    """A store, and the identifiers of its trainings in the order of :data:`NAMES`."""

    uri: str
    ids: list[str]


def write_runs(uri: str) -> TrackedRuns:
    client = connect(uri)
    experiment = experiment_id(client)
    return TrackedRuns(uri, [_train(client, experiment, k) for k in range(len(NAMES))])


def log_data(client: MlflowClient, run: str, digests: Mapping[str, str]) -> None:
    """Log a data set for each context."""
    for context, digest in digests.items():
        summary = {"name": f"street/{context}", "context": context, "root": "/data", "digest": digest}
        client.log_inputs(run, [data_input({**summary, "profile": {"files": 16, "card": "<street>"}})])


def _train(client: MlflowClient, experiment: str, k: int) -> str:
    from mlflow.entities import Metric, Param, RunTag

    tags = {KIND: "train", "ir_transfer.folder": f"/runs/{NAMES[k]}", "ir_transfer.dirty": str(bool(k)).lower()}
    run = client.create_run(experiment, run_name=NAMES[k], tags={**tags, "mlflow.source.git.commit": "0123abc"})
    identifier = str(run.info.run_id)
    params = {"model.name": "adain", "training.lr": f"{k + 1}e-4", "losses.tv": str(0.3 + k)}
    metrics = []
    for step in range(50, 401, 50):
        metrics.append(Metric("loss/tv", 0.5 / step**0.5, 1000 * step, step))
        metrics.append(Metric("loss/coarse", float("nan") if step == 100 and k else 3.0 / step, 1000 * step, step))
        metrics.append(Metric("rate/learning", (k + 1) * 1e-4, 1000 * step, step))
    for step, psnr in ((200, 15.0), (300, 17.0 - k), (400, 16.0 - k)):
        scores = {"psnr": psnr, "contrast": 0.8 + 0.3 * k, "rank": 1 - 0.05 * psnr}
        metrics += [Metric(f"validation/{name}", value, 1000 * step, step) for name, value in scores.items()]
    client.log_batch(
        identifier, metrics, [Param(*item) for item in params.items()], [RunTag("ir_transfer.version", "1.0")]
    )
    log_data(client, identifier, {"training": f"cafe000{k}", "validation": "beef0000"})
    for step in (200, 300 + k, 400):
        client.log_image(identifier, _sheet(step + k), key="validation", step=step)
    client.set_terminated(identifier)
    _evaluate(client, experiment, identifier, k)
    return identifier


def _evaluate(client: MlflowClient, experiment: str, training: str, k: int) -> None:
    tags = {KIND: "evaluate", "ir_transfer.training_run": training}
    run = client.create_run(experiment, run_name=f"evaluation of {NAMES[k]}", tags=tags)
    figures = {
        **_FIGURES,
        "adain": {"composite": 0.4 + 0.1 * k, "psnr": 14.0 + 2 * k, "perceptual": 0.4, "people_heat": 0.5 + 0.1 * k},
    }
    for row, values in figures.items():
        for key, value in values.items():
            client.log_metric(run.info.run_id, f"{row}/{key}", value)
    client.log_text(run.info.run_id, json.dumps(figures), "results.json")
    client.set_terminated(run.info.run_id)


def _sheet(seed: int) -> np.ndarray:
    content = (photograph(48, 64, seed) / 255).astype(np.float32)
    truth = (thermal(48, 64, seed) / 255).astype(np.float32)
    return np.asarray(contact_sheet([[content, truth, 1 - truth, truth]], ("input", "exemplar", "output", "truth"), 96))
