"""Weights from an MLflow store in every command that takes weights."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from mlflow import MlflowClient
from safetensors.torch import load_file

from ir_transfer.cli import main
from ir_transfer.conversion.styles.catalog import read_saved_style
from ir_transfer.tracking.store import connect
from tests.evaluation.street_scene import write_pairs
from tests.tracking.registered import register, write_weights
from tests.training.runs import make_root

CHAMPION = "models:/adain-lwir@champion"


@pytest.fixture
def client(tracking_uri: str, tmp_path: Path) -> MlflowClient:
    client = connect(tracking_uri)
    version = register(client, tmp_path)
    client.set_registered_model_alias("adain-lwir", "champion", version.version)
    return client


def hash_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def test_convert_in_a_separate_process(client: MlflowClient, photos: Path, exemplar: Path, tmp_path: Path) -> None:
    command = ["convert", str(photos), "--style", str(exemplar), "--weights", CHAMPION, "-o", str(tmp_path / "out")]
    done = subprocess.run(
        [sys.executable, "-m", "ir_transfer", *command, "--track"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "MLFLOW_TRACKING_URI": client.tracking_uri},
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert done.stdout.startswith(
        f"converted 6, skipped 0, failed 0 into {tmp_path / 'out'} (see manifest.jsonl)\nMLflow run "
    )
    header = json.loads((tmp_path / "out" / "manifest.jsonl").read_text().splitlines()[0])
    assert header["look"]["weights"] == hash_of(tmp_path / "seed0.safetensors")
    assert header["look"]["model"] == "adain"
    (run,) = client.search_runs(["1"], "tags.`ir_transfer.kind` = 'convert'")
    assert run.data.tags["ir_transfer.model_version"] == "adain-lwir version 1"
    assert not (tmp_path / "mlruns").exists()


def test_convert_uses_the_model_named_in_the_weights(
    client: MlflowClient, photos: Path, exemplar: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    register(client, tmp_path, weights=write_weights(tmp_path / "wct2.safetensors", model="wct2"))
    common = ["convert", str(photos), "--style", str(exemplar), "--tracking-uri", client.tracking_uri]
    weights = ["--weights", "models:/wct2-lwir/1"]
    assert main([*common, *weights, "-o", str(tmp_path / "out"), "--dry-run"]) == 0
    assert "with model wct2, weights wct2-lwir version 1" in capsys.readouterr().out
    assert main([*common, *weights, "-o", str(tmp_path / "out")]) == 0
    assert main([*common, *weights, "-o", str(tmp_path / "other"), "--model", "adain"]) == 2
    assert "--model wct2" in capsys.readouterr().err
    assert main([*common, "--weights", "models:/adain-lwr@champion"]) == 2
    assert "did you mean 'adain-lwir'" in capsys.readouterr().err
    assert not (tmp_path / "other").exists()


def test_styles_build_accepts_registered_weights(client: MlflowClient, exemplar: Path, tmp_path: Path) -> None:
    out = tmp_path / "style.safetensors"
    command = ["styles", "build", str(exemplar), "-o", str(out), "--weights", CHAMPION, "-q"]
    assert main([*command, "--tracking-uri", client.tracking_uri]) == 0
    assert read_saved_style(out).metadata["weights_hash"] == hash_of(tmp_path / "seed0.safetensors")
    assert read_saved_style(out).weights == ""


def test_evaluate_accepts_registered_weights(client: MlflowClient, tmp_path: Path) -> None:
    register(client, tmp_path, seed=1)
    root = write_pairs(tmp_path / "set", 1)
    weights = [f"--weights=adain={uri}" for uri in (CHAMPION, "models:/adain-lwir/2")]
    command = ["evaluate", "--data", str(root), "--exemplar", str(root / "exemplar.png"), "--models", "adain", *weights]
    assert main([*command, "--tracking-uri", client.tracking_uri, "-o", str(tmp_path / "results")]) == 0
    found = json.loads((tmp_path / "results" / "results.json").read_text())["methods"]
    assert found["adain adain-lwir-1"]["weights_hash"] == hash_of(tmp_path / "seed0.safetensors")
    assert found["adain adain-lwir-2"]["weights_hash"] == hash_of(tmp_path / "seed1.safetensors")


def test_train_from_registered_weights(client: MlflowClient, tmp_path: Path) -> None:
    root, out = make_root(tmp_path / "root"), tmp_path / "run"
    store = ["--no-tracking", "--tracking-uri", client.tracking_uri]
    still = ["--set", "training.steps=1", "--set", "training.lr=1e-12"]
    command = ["train", str(root / "recipe.yaml"), "--data", str(root), "-o", str(out), "--init", CHAMPION]
    assert main([*command, *store, *still]) == 0
    started = load_file(tmp_path / "seed0.safetensors")
    for name, tensor in load_file(out / "best.safetensors").items():
        torch.testing.assert_close(tensor, started[name])
