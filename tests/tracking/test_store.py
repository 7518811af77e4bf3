from pathlib import Path

import pytest

from ir_transfer.tracking.store import resolve_uri


def test_what_is_given_comes_before_the_variable_and_that_before_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert resolve_uri(None, tmp_path) == f"sqlite:///{tmp_path}/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://variable:5000")
    assert resolve_uri(None, tmp_path) == "http://variable:5000"
    assert resolve_uri("http://given:5000", tmp_path) == "http://given:5000"
