from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from mlflow import MlflowClient

from ir_transfer.cli import main
from ir_transfer.tracking.follower import Follower
from ir_transfer.tracking.run_inputs import RunInput
from ir_transfer.tracking.store import EXPERIMENT
from ir_transfer.training.journal import append_event, read_events
from tests.training.runs import make_root


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "run"
    folder.mkdir()
    append_event(folder, "metrics", 1, {"values": {"loss/edge": 0.5}})
    return folder


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def serve(uri: str, port: int, artifacts: Path) -> subprocess.Popen[bytes]:
    """Start MLflow's own server and wait until it answers."""
    options = [
        "--backend-store-uri",
        uri,
        "--port",
        str(port),
        "--workers",
        "1",
        "--artifacts-destination",
        str(artifacts),
    ]
    # Its queue of jobs would be four more processes, which a busy machine takes minutes to start.
    environment = os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    command = [sys.executable, "-m", "mlflow", "server", *options]
    process = subprocess.Popen(command, start_new_session=True, env=environment)
    end = time.monotonic() + 180
    while time.monotonic() < end:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=2).close()
            return process
        except OSError:
            time.sleep(0.5)
    process.kill()
    raise TimeoutError("the server did not answer")


def test_followed_run_has_data_and_system_metrics(folder: Path, tracking_uri: str, tmp_path: Path) -> None:
    said: list[str] = []
    data = RunInput("pairs", "training", tmp_path, [folder / "journal.jsonl"])
    with Follower(folder, tracking_uri, [data], said.append):
        append_event(folder, "ended", 2, {"reason": "stopped"})
    (line,) = said
    run = MlflowClient(tracking_uri).get_run(line.split()[2])
    assert run.data.metrics["loss/edge"] == 0.5
    assert 0 <= run.data.metrics["system/cpu_utilization_percentage"] <= 100
    assert run.inputs is not None
    assert [entry.dataset.name for entry in run.inputs.dataset_inputs] == ["pairs"]
    with Follower(folder, tracking_uri, [data], said.append):
        pass  # a resumed run
    assert [e["kind"] for e in read_events(folder)[0]].count("data") == 1


def test_unreachable_server_is_reported_once_and_receives_all_events_later(
    folder: Path, tracking_uri: str, tmp_path: Path
) -> None:
    port, said, server = free_port(), list[str](), None
    follower = Follower(folder, f"http://127.0.0.1:{port}", [], said.append, every=0.1)
    try:
        with follower:
            end = time.monotonic() + 100
            while not said and time.monotonic() < end:
                time.sleep(0.05)
            append_event(folder, "metrics", 2, {"values": {"loss/edge": 0.25}})
            server = serve(tracking_uri, port, tmp_path / "artifacts")
            while len(said) < 2 and time.monotonic() < end + 100:
                time.sleep(0.05)
    finally:
        if server is not None:
            server.terminate()
            server.wait()
    assert [line.partition(f" at http://127.0.0.1:{port} ")[2][:12] for line in said[:2]] == [
        "does not acc",
        "is available",
    ]
    assert "the training continues" in said[0]
    client = MlflowClient(tracking_uri)
    experiment = client.get_experiment_by_name(EXPERIMENT)
    assert experiment is not None
    (run,) = client.search_runs([experiment.experiment_id])
    history = client.get_metric_history(run.info.run_id, "loss/edge")
    assert [(metric.step, metric.value) for metric in history] == [(1, 0.5), (2, 0.25)]


def test_training_registers_a_candidate_with_its_metadata(tmp_path: Path, tracking_uri: str) -> None:
    root = make_root(tmp_path)
    arguments = ["train", str(root / "recipe.yaml"), "--data", str(root), "--tracking-uri", tracking_uri]
    assert main([*arguments, "-o", str(root / "run")]) == 0
    client = MlflowClient(tracking_uri)
    version = client.get_model_version_by_alias("adain-lwir", "candidate")
    run = client.get_run(str(version.run_id))
    assert run.info.status == "FINISHED"
    assert run.data.params["training.steps"] == "6"
    assert run.data.metrics.keys() >= {"validation/pairs/psnr", "validation/rank"}
    assert run.inputs is not None
    contexts = {entry.tags[0].value for entry in run.inputs.dataset_inputs}
    assert contexts == {"training", "validation"}
    assert "- pairs, 12 files" in str(version.description)
    images = [file.path for file in client.list_artifacts(run.info.run_id, "images")]
    assert sum(path.endswith(".png") for path in images) == 3


def test_training_without_its_server_succeeds_and_prints_the_deliver_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = make_root(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{free_port()}")
    arguments = ["train", str(root / "recipe.yaml"), "--data", str(root)]
    assert main([*arguments, "-o", str(root / "run")]) == 0
    printed = capsys.readouterr().out
    assert printed.count("does not accept this run") == 1
    assert f"ir-transfer runs deliver {root / 'run'}" in printed
    assert [e["reason"] for e in read_events(root / "run")[0] if e["kind"] == "ended"] == ["finished"]
    assert (root / "run" / "best.safetensors").is_file()


def test_without_tracking_mlflow_is_not_imported(tmp_path: Path) -> None:
    root = make_root(tmp_path)
    script = (
        "import sys; from ir_transfer.cli import main; code = main(sys.argv[1:]); "
        "assert not [m for m in sys.modules if m == 'mlflow']; sys.exit(code)"
    )
    arguments = ["train", str(root / "recipe.yaml"), "--data", str(root), "-o", str(root / "run"), "--no-tracking"]
    environment = {**os.environ, "MLFLOW_TRACKING_URI": "http://127.0.0.1:1", "OMP_NUM_THREADS": "1"}
    subprocess.run([sys.executable, "-c", script, *arguments], env=environment, check=True)
    assert not (root / "run" / "tracking.json").exists()
    assert not (root / "mlflow.db").exists()
