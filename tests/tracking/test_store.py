import sys
from pathlib import Path
from subprocess import PIPE, Popen

import pytest

from ir_transfer.tracking.store import KIND, LONGEST_PARAM, connect, recorded_run, resolve_uri


def test_precedence_is_argument_variable_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert resolve_uri(None, tmp_path) == f"sqlite:///{tmp_path}/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://variable:5000")
    assert resolve_uri(None, tmp_path) == "http://variable:5000"
    assert resolve_uri("http://given:5000", tmp_path) == "http://given:5000"


def test_recorded_run_has_values_and_status(tracking_uri: str) -> None:
    client = connect(tracking_uri)
    with recorded_run(client, "convert", "good", {"ir_transfer.task": "detect"}) as run:
        run.log({"a[b]/c": 2}, {"long": "x" * 9999, "missing": None}, {"ir_transfer.empty": ""})
    found = client.get_run(run.id)
    assert (found.info.status, found.data.metrics) == ("FINISHED", {"a_b_/c": 2})
    assert found.data.params == {"long": "x" * LONGEST_PARAM}
    assert (found.data.tags[KIND], found.data.tags["ir_transfer.task"]) == ("convert", "detect")
    assert "ir_transfer.empty" not in found.data.tags
    with pytest.raises(OSError, match="full"), recorded_run(client, "convert", "bad") as bad:
        raise OSError("full")
    assert client.get_run(bad.id).info.status == "FAILED"


def test_concurrent_processes_create_one_store(tmp_path: Path) -> None:
    """MLflow's migrations fail if two processes create the tables of one file."""
    uri = f"sqlite:///{tmp_path}/new/mlflow.db"
    program = "import sys; from ir_transfer.tracking import store; "
    program += "print(store.experiment_id(store.connect(sys.argv[1], create=True)))"
    running = [Popen([sys.executable, "-c", program, uri], stdout=PIPE, stderr=PIPE, text=True) for _ in range(2)]
    answers = [process.communicate() for process in running]
    assert [process.returncode for process in running] == [0, 0], answers
    assert answers[0][0] == answers[1][0]
