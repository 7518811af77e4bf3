"""Tiny weights and their registered versions."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion
from PIL import Image

from ir_transfer import create_model
from ir_transfer.tracking.registration import log_model
from ir_transfer.tracking.store import KIND, experiment_id
from tests.conftest import thermal
from tests.models.small_thermal import SMALL_THERMAL

RECIPE = {"data": {"band": "lwir", "sources": [{"path": "streets"}]}, "losses": {"edge": 0.5}}


def write_weights(path: Path, seed: int = 0, model: str = "adain", **metadata: str) -> Path:
    torch.manual_seed(seed)
    described = {"recipe": json.dumps(RECIPE), "scores": json.dumps({"psnr": 14.5}), "step": "70", **metadata}
    create_model(model, weights=None, **SMALL_THERMAL).save(path, described)
    return path


def write_exemplar(folder: Path) -> Path:
    path = folder / "thermal.png"
    Image.fromarray(thermal(64, 80)).save(path)
    return path


def start_run(client: MlflowClient) -> str:
    run = client.create_run(experiment_id(client), tags={KIND: "train"})
    return str(run.info.run_id)


def register(client: MlflowClient, folder: Path, seed: int = 0, weights: Path | None = None) -> ModelVersion:
    """Register weights as the next version of ``adain-lwir``, each with a separate run."""
    file = weights or write_weights(folder / f"seed{seed}.safetensors", seed)
    return log_model(client, start_run(client), file, write_exemplar(folder))
