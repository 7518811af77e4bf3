from __future__ import annotations

import json
from pathlib import Path

import pytest

from ir_transfer.errors import InputError, MissingFileError, TrackingError, UnknownNameError
from ir_transfer.tracking.runs import RunStore, name_of
from ir_transfer.tracking.store import KIND, connect, experiment_id
from tests.tracking.tracked_runs import NAMES, TrackedRuns


@pytest.fixture(scope="module")
def store(tracked_runs: TrackedRuns) -> RunStore:
    return RunStore(tracked_runs.uri)


def test_lists_by_kind_the_latest_first(store: RunStore) -> None:
    assert [name_of(run) for run in store.runs("train")] == [*reversed(NAMES)]
    assert len(store.runs()) == 4
    assert store.runs("convert") == []


def test_finds_by_identifier_beginning_name_and_folder(
    store: RunStore, tracked_runs: TrackedRuns, tmp_path: Path
) -> None:
    run = tracked_runs.ids[1]
    (tmp_path / "tracking.json").write_text(json.dumps({"uri": tracked_runs.uri, "run": run}))
    for given in (run, run[:10], "hasty", "/runs/hasty", str(tmp_path)):
        assert store.find(given).info.run_id == run


def test_what_is_not_there_or_not_clear_is_said(store: RunStore, tracking_uri: str, tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="'hasty'"):
        store.find("hastyy")
    (tmp_path / "tracking.json").write_text(json.dumps({"uri": "http://elsewhere", "run": "0" * 32}))
    with pytest.raises(InputError, match="it is in http://elsewhere"):
        store.find(str(tmp_path))
    client = connect(tracking_uri)
    twins = [client.create_run(experiment_id(client), run_name="twin").info.run_id for _ in range(2)]
    with pytest.raises(InputError, match="expected one run named 'twin', got 2") as error:
        RunStore(tracking_uri).find("twin")
    assert all(twin[:8] in str(error.value) for twin in twins)


def test_evaluations_link_to_their_training(store: RunStore, tracked_runs: TrackedRuns) -> None:
    found = store.evaluations_of(store.find(tracked_runs.ids[0]))
    assert [name_of(run) for run in found] == ["evaluation of steady"]


def test_a_step_that_was_done_twice_counts_once_and_nan_not_at_all(tracking_uri: str) -> None:
    client = connect(tracking_uri)
    run = client.create_run(experiment_id(client), tags={KIND: "train"})
    for time, (step, value) in enumerate([(1, 5.0), (2, float("nan")), (2, 7.0), (3, float("inf")), (1, 6.0)]):
        client.log_metric(run.info.run_id, "loss/edge", value, timestamp=1000 + time, step=step)
    store = RunStore(tracking_uri)
    assert store.history(store.find(run.info.run_id), "loss/edge") == [(1, 6.0), (2, 7.0)]


def test_stores_that_are_none(tmp_path: Path, tracking_uri: str) -> None:
    with pytest.raises(MissingFileError, match=r"mlflow\.db"):
        RunStore(f"sqlite:///{tmp_path}/mlflow.db")
    assert not (tmp_path / "mlflow.db").exists()
    (tmp_path / "notes.db").write_bytes(b"no database" * 100)
    with pytest.raises((InputError, TrackingError), match=r"notes\.db"):
        RunStore(f"sqlite:///{tmp_path}/notes.db")
    with pytest.raises(InputError, match="ir-transfer train"):
        RunStore(tracking_uri)
