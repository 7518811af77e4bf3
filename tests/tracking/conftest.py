"""A new SQLite store for every test, from one that was migrated once: the migration takes seconds."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from ir_transfer.tracking.client import connect


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("store") / "mlflow.db"
    connect(f"sqlite:///{path}", create=True).search_experiments()
    return path


@pytest.fixture
def new_store(tmp_path: Path, empty_database: Path) -> Callable[[str], str]:
    def make(name: str) -> str:
        path = tmp_path / name / "mlflow.db"
        path.parent.mkdir(exist_ok=True)
        shutil.copyfile(empty_database, path)
        return f"sqlite:///{path}"

    return make


@pytest.fixture
def tracking_uri(new_store: Callable[[str], str]) -> str:
    return new_store("store")
