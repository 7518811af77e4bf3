from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from ir_transfer.errors import InputError
from ir_transfer.local_server import choose_port
from ir_transfer.tracking.review import overview, review, serving
from ir_transfer.tracking.runs import RunStore
from tests.ended import end
from tests.tracking.tracked_runs import TrackedRuns


def test_overview_lists_runs_and_links(tracked_runs: TrackedRuns) -> None:
    lines = overview(RunStore(tracked_runs.uri), "http://here:1")
    text = "\n".join(lines)
    assert text.index("  hasty  finished") < text.index("  steady  finished")
    assert "best at step 300: contrast 0.8, psnr 17, rank 0.15" in text
    assert (
        f"http://here:1/#/experiments/1/runs/{tracked_runs.ids[0]}/model-metrics?workflowType=machine_learning" in text
    )
    assert "Registered models: http://here:1/#/models" in text


def test_store_without_training_runs_names_the_command(tracking_uri: str) -> None:
    from ir_transfer.tracking.store import connect, experiment_id

    experiment_id(connect(tracking_uri))
    assert overview(RunStore(tracking_uri), "http://here:1")[-1] == "  none yet: ir-transfer train RECIPE --data ROOT"


def test_occupied_port_is_rejected_before_the_server_starts(tracked_runs: TrackedRuns) -> None:
    port = choose_port(None, 5000)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        with pytest.raises(InputError, match=f"got {port}, which is in use"), serving(tracked_runs.uri, port):
            pass


def test_unreachable_server_is_a_one_line_error(capsys: pytest.CaptureFixture[str]) -> None:
    from ir_transfer.cli import main

    assert main(["review", "--tracking-uri", "http://127.0.0.1:9"]) == 2
    assert capsys.readouterr().err.startswith("Error: expected an MLflow store at http://127.0.0.1:9")


def test_missing_store_names_file_and_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from ir_transfer.cli import main

    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert main(["review"]) == 2
    error = capsys.readouterr().err
    assert str(tmp_path / "runs" / "mlflow.db") in error
    assert "train" in error
    assert not (tmp_path / "runs").exists()


def test_stopping_during_startup_leaves_no_child_process(tracked_runs: TrackedRuns) -> None:
    command = [sys.executable, "-m", "ir_transfer", "review", "--no-browser", "--tracking-uri", tracked_runs.uri]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    assert process.stdout is not None
    assert process.stdout.readline().startswith("starting MLflow")
    end(process, signal.SIGTERM)


def test_server_that_cannot_start_reports_its_error(
    tracked_runs: TrackedRuns, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # A Python that finds a broken mlflow first: the server ends at once.
    (tmp_path / "mlflow").mkdir()
    (tmp_path / "mlflow" / "__main__.py").write_text("raise SystemExit('the schema is out of date')")
    (tmp_path / "mlflow" / "__init__.py").write_text("")
    store = RunStore(tracked_runs.uri)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    said: list[str] = []
    with pytest.raises(ConnectionError, match="the schema is out of date"):
        review(store.uri, None, False, said.append)
    assert said[0].startswith("starting")
