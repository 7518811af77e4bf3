from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import mlflow
import pytest
from mlflow.pyfunc.model import PythonModel

from ir_transfer.errors import InputError, MissingFileError, TrackingError, UnknownNameError, WeightsError
from ir_transfer.tracking.fetch import fetch_weights, list_versions
from ir_transfer.tracking.store import as_default_store, connect
from tests.tracking.registered import register, start_run, write_weights


def test_fetches_by_alias_version_and_run(tracking_uri: str, tmp_path: Path) -> None:
    client = connect(tracking_uri)
    versions = [register(client, tmp_path, seed) for seed in (0, 1)]
    run = versions[0].run_id
    client.log_artifact(run, str(tmp_path / "seed0.safetensors"), "weights")
    hashes = [hashlib.sha256((tmp_path / f"seed{seed}.safetensors").read_bytes()).hexdigest() for seed in (0, 1)]
    for uri, name, seed in (
        ("models:/adain-lwir@candidate", "adain-lwir-2", 1),
        ("models:/adain-lwir/1", "adain-lwir-1", 0),
        (f"runs:/{run}/adain-lwir", "adain-lwir", 0),
        (f"runs:/{run}/weights/seed0.safetensors", "seed0", 0),
    ):
        found = fetch_weights(uri, tracking_uri, tmp_path / name)
        assert found.weights.path == tmp_path / name / f"{name}.safetensors" or uri.startswith("runs:/")
        assert found.weights.sha256 == hashes[seed]
        assert found.weights.path.stem == name
        assert found.run_id == versions[seed].run_id
        assert found.uri == uri
    listed = list_versions(client)
    assert [(one["version"], one["aliases"]) for one in listed] == [("2", "candidate"), ("1", "")]
    assert listed[0]["weights"] == hashes[1][:16]


def test_unknown_names_suggest_the_closest(tracking_uri: str, tmp_path: Path) -> None:
    run = register(connect(tracking_uri), tmp_path).run_id
    for uri, error, message in (
        ("models:/adain-lwr@champion", UnknownNameError, "did you mean 'adain-lwir'"),
        ("models:/adain-lwir@candidat", UnknownNameError, "did you mean 'candidate'"),
        ("models:/adain-lwir/9", UnknownNameError, "known: 1"),
        ("models:/adain-lwir", InputError, "models:/NAME@ALIAS"),
        (f"runs:/{run}", InputError, "runs:/RUN/PATH"),
        (f"runs:/{run}/none.safetensors", TrackingError, r"none\.safetensors"),
        ("runs:/0123/adain-lwir", TrackingError, "0123"),
    ):
        with pytest.raises(error, match=message):
            fetch_weights(uri, tracking_uri, tmp_path / "fetched")


class Doubler(PythonModel):
    def predict(
        self, context: object, model_input: list[float], params: dict[str, object] | None = None
    ) -> list[float]:
        return [2 * number for number in model_input]


def test_model_of_another_type_is_rejected(tracking_uri: str, tmp_path: Path) -> None:
    client = connect(tracking_uri)
    run = start_run(client)
    mlflow.pyfunc.save_model(tmp_path / "other", python_model=Doubler(), pip_requirements=[])
    client.log_artifacts(run, str(tmp_path / "other"), "other")
    with pytest.raises(WeightsError, match=r"runs:/.*/other to be a model of ir-transfer"):
        fetch_weights(f"runs:/{run}/other", tracking_uri, tmp_path / "fetched")
    style = write_weights(tmp_path / "w.safetensors").rename(tmp_path / "damaged.safetensors")
    style.write_bytes(b"damage")
    client.log_artifact(run, str(style))
    with pytest.raises(WeightsError, match=r"runs:/.*damaged\.safetensors"):
        fetch_weights(f"runs:/{run}/damaged.safetensors", tracking_uri, tmp_path / "fetched")


def test_missing_store_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(MissingFileError, match="train a model first"):
        fetch_weights("models:/a@b", f"sqlite:///{tmp_path / 'none.db'}", tmp_path)
    assert not (tmp_path / "none.db").exists()
    (tmp_path / "text.db").write_text("no data base" * 100)
    with pytest.raises(InputError, match=r"text\.db"):
        fetch_weights("models:/a@b", f"sqlite:///{tmp_path / 'text.db'}", tmp_path)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(TrackingError, match=r"127\.0\.0\.1:9"):
        fetch_weights("models:/a@b", "http://127.0.0.1:9", tmp_path)


def test_missing_artifacts_are_an_error(tracking_uri: str, tmp_path: Path) -> None:
    register(connect(tracking_uri), tmp_path)
    for path in (tmp_path / "store" / "mlartifacts").rglob("seed0.safetensors"):
        path.unlink()
    with pytest.raises(TrackingError, match=r"models:/adain-lwir/1/artifacts/seed0\.safetensors"):
        fetch_weights("models:/adain-lwir/1", tracking_uri, tmp_path / "fetched")


def test_default_store_is_restored(new_store: Callable[[str], str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://mine:5000")
    before = mlflow.get_tracking_uri()
    with as_default_store(connect(new_store("other"))):
        assert mlflow.get_tracking_uri().endswith("other/mlflow.db")
    assert mlflow.get_tracking_uri() == before
    assert os.environ["MLFLOW_TRACKING_URI"] == "http://mine:5000"
