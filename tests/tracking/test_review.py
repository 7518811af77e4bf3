from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from ir_transfer.errors import InputError
from ir_transfer.tracking.review import open_browser, overview, review
from ir_transfer.tracking.runs import RunStore
from ir_transfer.tracking.server import free_port, is_free, serving
from tests.ended import end
from tests.tracking.tracked_runs import TrackedRuns


def test_the_overview_tells_what_to_look_at(tracked_runs: TrackedRuns) -> None:
    lines = overview(RunStore(tracked_runs.uri), "http://here:1")
    text = "\n".join(lines)
    steady, hasty = tracked_runs.ids
    assert text.index("  hasty  finished") < text.index("  steady  finished")
    assert "best at step 300: contrast 0.8, psnr 17, rank 0.15" in text
    assert f"http://here:1/#/experiments/1/runs/{steady}/model-metrics?workflowType=machine_learning" in text
    assert f"ir-transfer runs compare {steady[:8]} {hasty[:8]}" in text
    assert "Registered models: none yet" in text
    assert "Latest evaluation (of 2): evaluation of hasty" in text


def test_registered_models_show_their_aliases(tracking_uri: str) -> None:
    from ir_transfer.tracking.store import connect, experiment_id

    client = connect(tracking_uri)
    experiment_id(client)
    client.create_registered_model("adain lwir")
    client.create_model_version("adain lwir", "runs:/none/model")
    client.set_registered_model_alias("adain lwir", "champion", "1")
    text = "\n".join(overview(RunStore(tracking_uri), "http://here:1"))
    assert "adain lwir  champion is version 1  http://here:1/#/models/adain%20lwir" in text
    assert "none yet: ir-transfer train" in text


def test_a_taken_port_is_refused_or_passed_over(tracked_runs: TrackedRuns) -> None:
    port = free_port()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        assert free_port() > port
        with pytest.raises(InputError, match=f"got {port}, which is in use"), serving(tracked_runs.uri, port):
            pass
    assert is_free(port)


def test_a_server_that_is_away_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    from ir_transfer.cli import main

    assert main(["review", "--tracking-uri", "http://127.0.0.1:9"]) == 2
    assert capsys.readouterr().err.startswith("Error: expected an MLflow store at http://127.0.0.1:9")


def test_a_store_that_is_missing_names_file_and_command(
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


def test_no_browser_starts_without_a_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    assert not open_browser("http://here:1")


def test_ends_while_the_server_still_starts_and_leaves_no_child(tracked_runs: TrackedRuns) -> None:
    command = [sys.executable, "-m", "ir_transfer", "review", "--no-browser", "--tracking-uri", tracked_runs.uri]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    assert process.stdout is not None
    assert process.stdout.readline().startswith("starting MLflow")
    end(process, signal.SIGTERM)


def test_a_server_that_cannot_start_says_why(
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
