"""Runs to be logged to an invalid store are rejected before they start."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ir_transfer.cli import main
from tests.evaluation.street_scene import write_pairs
from tests.training.runs import make_root

# Drivers that this project does not install; the last two URIs are of no store.
STORES = {
    "mysql://me:hunter2@host/db": "the database driver MySQLdb .*: pip install mysqlclient",
    "mssql+pyodbc://host/db": "the database driver pyodbc .*: pip install pyodbc",
    "postgresql+nosuch://host/db": "expected the URI of an MLflow store",
    "nosuch://host": "expected the URI of an MLflow store",
}


@pytest.mark.parametrize("uri", STORES)
@pytest.mark.parametrize("command", ["convert", "train", "evaluate", "detect"])
def test_invalid_store_is_rejected_before_the_run(
    command: str, uri: str, photos: Path, exemplar: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    pairs = write_pairs(tmp_path / "street", 1)
    shown = ["--data", str(pairs), "--exemplar", str(exemplar)]
    recipe = make_root(tmp_path / "root") / "recipe.yaml"
    commands = {
        "convert": ["convert", str(photos), "--style", str(exemplar), "--model", "gray", "--track"],
        "train": ["train", str(recipe), "--data", str(tmp_path / "root")],
        "evaluate": ["evaluate", *shown, "--models", "gray"],
        "detect": [
            "evaluate",
            "--task",
            "detect",
            *shown,
            "--models",
            "gray",
            "--test",
            str(pairs),
            "--boxes",
            str(pairs / "boxes.json"),
        ],
    }
    assert main([*commands[command], "--tracking-uri", uri, "-o", str(out)]) == 2
    error = capsys.readouterr().err
    assert re.search(STORES[uri], error), error
    assert "hunter2" not in error
    assert not out.exists()


def test_file_that_is_not_a_database_is_rejected_as_store(photos: Path, exemplar: Path, tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("no database" * 100)
    command = ["convert", str(photos), "--style", str(exemplar), "--model", "gray", "-o", str(tmp_path / "out")]
    assert main([*command, "--track", "--tracking-uri", f"sqlite:///{tmp_path}/text.db"]) == 2
    assert not (tmp_path / "out").exists()
