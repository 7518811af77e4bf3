from __future__ import annotations

import json
from pathlib import Path

import pytest

from ir_transfer.cli import main
from ir_transfer.training.journal import append_event
from tests.tracking.tracked_runs import TrackedRuns


def test_list_prints_a_table_or_json(tracked_runs: TrackedRuns, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runs", "list", "--kind", "train", "--tracking-uri", tracked_runs.uri]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[1] for line in lines[1:]] == ["hasty", "steady"]
    assert lines[1].startswith(tracked_runs.ids[1][:8])
    best = ["0.2", "at", "step", "300", "street/validation", "beef0000"]  # the last step is 400
    assert lines[1].split()[-len(best) :] == best
    assert main(["runs", "list", "--json", "-n", "1", "--tracking-uri", tracked_runs.uri]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [(run["run_name"], run["kind"], run["best_step"]) for run in found] == [
        ("evaluation of hasty", "evaluate", None)
    ]


def test_deliver_uploads_an_untracked_run(
    tmp_path: Path, tracking_uri: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "quiet"
    folder.mkdir()
    append_event(folder, "metrics", 5, {"values": {"loss/edge": 0.5}})
    assert main(["runs", "deliver", str(folder), "--tracking-uri", tracking_uri]) == 0
    assert "1 events delivered to run" in capsys.readouterr().out
    assert main(["runs", "list", "--json", "--tracking-uri", tracking_uri]) == 0
    (run,) = json.loads(capsys.readouterr().out)
    assert (run["run_name"], run["kind"], run["metrics"]) == ("quiet", "train", {"loss/edge": 0.5})
    assert main(["runs", "deliver", str(tmp_path), "--tracking-uri", tracking_uri]) == 2
    assert "journal.jsonl" in capsys.readouterr().err
    assert main(["runs", "deliver", str(folder), "--tracking-uri", "http://127.0.0.1:1"]) == 2
    assert "expected the MLflow store" in capsys.readouterr().err
