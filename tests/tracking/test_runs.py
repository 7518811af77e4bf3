from __future__ import annotations

from pathlib import Path

import pytest

from ir_transfer.errors import InputError, MissingFileError, TrackingError
from ir_transfer.tracking.runs import RunStore, name_of
from ir_transfer.tracking.store import KIND, connect, experiment_id
from tests.tracking.tracked_runs import NAMES, TrackedRuns


@pytest.fixture(scope="module")
def store(tracked_runs: TrackedRuns) -> RunStore:
    return RunStore(tracked_runs.uri)


def test_runs_are_listed_by_kind_latest_first(store: RunStore) -> None:
    assert [name_of(run) for run in store.runs("train")] == [*reversed(NAMES)]
    assert len(store.runs()) == 4
    assert store.runs("convert") == []


def test_best_step_has_the_best_rank(store: RunStore) -> None:
    run = store.runs("train")[1]
    best = store.best_step(run)
    assert best is not None
    assert best[0] == 300
    assert best[1] == pytest.approx(0.15)
    assert store.validation_at(run, 300) == {"contrast": 0.8, "psnr": 17.0, "rank": pytest.approx(0.15)}
    assert store.best_step(store.runs("evaluate")[0]) is None


def test_repeated_step_counts_once_and_nan_is_ignored(tracking_uri: str) -> None:
    client = connect(tracking_uri)
    run = client.create_run(experiment_id(client), tags={KIND: "train"})
    for time, (step, value) in enumerate([(1, 5.0), (2, float("nan")), (2, 7.0), (3, float("inf")), (1, 6.0)]):
        client.log_metric(run.info.run_id, "loss/edge", value, timestamp=1000 + time, step=step)
    store = RunStore(tracking_uri)
    assert store.history(store.runs()[0], "loss/edge") == [(1, 6.0), (2, 7.0)]


def test_invalid_stores_are_rejected(tmp_path: Path, tracking_uri: str) -> None:
    with pytest.raises(MissingFileError, match=r"mlflow\.db"):
        RunStore(f"sqlite:///{tmp_path}/mlflow.db")
    assert not (tmp_path / "mlflow.db").exists()
    (tmp_path / "notes.db").write_bytes(b"no database" * 100)
    with pytest.raises((InputError, TrackingError), match=r"notes\.db"):
        RunStore(f"sqlite:///{tmp_path}/notes.db")
    with pytest.raises(InputError, match="ir-transfer train"):
        RunStore(tracking_uri)
