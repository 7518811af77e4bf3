from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run
from PIL import Image

from ir_transfer.cli import main
from ir_transfer.errors import InputError, MissingFileError
from ir_transfer.tracking.delivery import Delivery, delivery_of
from ir_transfer.tracking.run_inputs import RunInput
from ir_transfer.tracking.runs import RunStore
from ir_transfer.tracking.store import KIND
from ir_transfer.training.journal import append_event, read_events


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A run that has just been stopped at step 100."""
    folder = tmp_path / "runs" / "first"
    folder.mkdir(parents=True)
    (folder / "recipe.yaml").write_text("model: {name: adain}\n")
    (folder / "last.pt").write_bytes(b"state")
    Image.new("L", (64, 48), 90).save(folder / "sheet-000100.png")
    start(folder, 0, lr=0.1)
    data = RunInput("pairs", "training", tmp_path, [folder / "recipe.yaml"]).summary()
    append_event(folder, "data", 0, {"data": data})
    append_event(folder, "metrics", 50, {"values": {"loss/edge": 0.5, "rate/waiting": 0.01}})
    append_event(folder, "metrics", 100, {"values": {"loss/edge": 0.25}})
    append_event(folder, "image", 100, {"path": "sheet-000100.png"})
    append_event(folder, "checkpoint", 100, {"path": "last.pt"})
    append_event(folder, "ended", 100, {"reason": "stopped"})
    return folder


def start(folder: Path, step: int, lr: float) -> None:
    recipe = {"model": {"name": "adain"}, "data": {"sources": [{"path": "pairs"}]}, "training": {"lr": lr}}
    facts = {"photographs": 3, "exemplar": "missing.png"}
    append_event(
        folder, "started", step, {"recipe": recipe, "code": {"commit": "abc", "dirty": "true"}, "facts": facts}
    )


def run_of(delivery: Delivery) -> tuple[MlflowClient, Run]:
    client = MlflowClient(delivery.uri)
    assert delivery.run is not None
    return client, client.get_run(delivery.run)


def history(client: MlflowClient, run: Run, key: str) -> list[tuple[int, float]]:
    return [(metric.step, metric.value) for metric in client.get_metric_history(run.info.run_id, key)]


def test_whole_journal_is_delivered(folder: Path, tracking_uri: str) -> None:
    delivery = delivery_of(folder, tracking_uri)
    assert not delivery.complete
    assert delivery.deliver() == 7
    assert delivery.complete
    client, run = run_of(delivery)
    assert history(client, run, "loss/edge") == [(50, 0.5), (100, 0.25)]
    assert run.data.params["training.lr"] == "0.1"
    assert run.data.params["data.sources"] == '[{"path": "pairs"}]'
    assert run.data.tags.items() >= {
        (KIND, "train"), ("mlflow.source.git.commit", "abc"), ("ir_transfer.dirty", "true"),
        ("ir_transfer.photographs", "3"), ("mlflow.runName", "first"),
    }  # fmt: skip
    assert (run.info.status, run.info.end_time) == ("KILLED", pytest.approx(time.time() * 1000, abs=60_000))
    assert run.info.start_time == int(read_events(folder)[0][0]["at"] * 1000)
    assert [entry.dataset.name for entry in run.inputs.dataset_inputs] == ["pairs"]
    assert {file.path for file in client.list_artifacts(run.info.run_id)} == {"recipe.yaml", "checkpoints", "images"}
    images = [file.path for file in client.list_artifacts(run.info.run_id, "images")]
    assert any("validation" in path and path.endswith(".png") for path in images)


def test_second_delivery_sends_only_new_events_to_the_same_run(folder: Path, tracking_uri: str) -> None:
    first = Delivery(folder, tracking_uri)
    first.deliver()
    assert first.deliver() == 0
    append_event(folder, "resumed", 100, {})
    start(folder, 100, lr=0.05)
    append_event(folder, "metrics", 150, {"values": {"loss/edge": 0.125}})
    second = Delivery(folder, tracking_uri)
    assert second.deliver() == 3
    client, run = run_of(second)
    assert second.run == first.run
    assert history(client, run, "loss/edge") == [(50, 0.5), (100, 0.25), (150, 0.125)]
    assert run.data.params["training.lr"] == "0.1"
    assert run.data.params["training.lr/from_step_100"] == "0.05"
    assert run.info.status == "RUNNING"


def test_events_of_a_partial_delivery_are_not_duplicated(folder: Path, tracking_uri: str) -> None:
    delivery = Delivery(folder, tracking_uri)
    sheet = folder / "sheet-000100.png"
    whole = sheet.read_bytes()
    sheet.write_bytes(b"no image")  # the metrics arrive, then this fails
    with pytest.raises(OSError, match="cannot identify"):
        delivery.deliver()
    assert not delivery.complete
    sheet.write_bytes(whole)
    again = Delivery(folder, tracking_uri)
    again.deliver()
    client, run = run_of(again)
    assert again.run == delivery.run
    assert history(client, run, "loss/edge") == [(50, 0.5), (100, 0.25)]


def test_another_store_receives_the_whole_run(folder: Path, new_store: Callable[[str], str]) -> None:
    Delivery(folder, new_store("one")).deliver()
    assert Delivery(folder, new_store("other")).deliver() == 7


def test_folder_without_a_run_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="training run"):
        delivery_of(tmp_path, "sqlite:///x.db")


def test_run_is_found_by_every_path_to_its_folder(
    folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    (tmp_path / "elsewhere").mkdir()
    link = tmp_path / "elsewhere" / "link"
    link.symlink_to(folder)
    monkeypatch.chdir(folder.parent)
    assert main(["runs", "deliver", "first"]) == 0
    assert "7 events" in capsys.readouterr().out
    for cwd, name in ((folder, "."), (folder.parent, "./first/"), (tmp_path, "elsewhere/link"), (tmp_path, str(link))):
        monkeypatch.chdir(cwd)
        assert main(["runs", "deliver", name]) == 0
        assert "0 events" in capsys.readouterr().out
    assert not (tmp_path / "elsewhere/mlflow.db").exists()
    store = RunStore(f"sqlite:///{folder.parent}/mlflow.db")
    assert len(store.runs()) == 1


def test_relative_store_path_is_independent_of_the_working_directory(
    folder: Path, empty_database: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copyfile(empty_database, folder.parent / "own.db")
    for cwd, run, uri, count in (
        (folder.parent, "first", "sqlite:///own.db", 7),
        (folder, ".", "sqlite:///../own.db", 0),
        (folder, ".", f"sqlite:///{folder.parent}/own.db", 0),
    ):
        monkeypatch.chdir(cwd)
        assert main(["runs", "deliver", run, "--tracking-uri", uri]) == 0
        assert f"{count} events" in capsys.readouterr().out


@pytest.mark.parametrize("place", ["../secret.png", "{tmp_path}/secret.png", "link.png"])
@pytest.mark.parametrize("kind", ["image", "weights", "checkpoint"])
def test_files_outside_the_run_folder_are_not_sent(
    folder: Path, tmp_path: Path, tracking_uri: str, kind: str, place: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for outside in (tmp_path / "secret.png", folder.parent / "secret.png"):
        Image.new("L", (64, 48)).save(outside)
    (folder / "link.png").symlink_to(tmp_path / "secret.png")
    append_event(folder, kind, 100, {"path": place.format(tmp_path=tmp_path)})
    assert main(["runs", "deliver", str(folder), "--tracking-uri", tracking_uri]) == 2
    assert "which is outside of it" in capsys.readouterr().err


@pytest.mark.parametrize("state", ["[]", '{"uri": 5}', '{"uri": "a", "delivered": "x", "params": {}}', "{}"])
def test_invalid_progress_file_is_named(folder: Path, tracking_uri: str, state: str) -> None:
    (folder / "tracking.json").write_text(state)
    with pytest.raises(InputError, match=r"progress of a delivery in .*tracking.json"):
        delivery_of(folder, tracking_uri)
