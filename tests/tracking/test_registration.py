from __future__ import annotations

from pathlib import Path

import pytest

from ir_transfer.errors import InputError, MissingFileError, WeightsError
from ir_transfer.tracking.registration import log_model
from ir_transfer.tracking.store import connect
from tests.tracking.registered import start_run, write_exemplar, write_weights


def test_version_records_its_source(tracking_uri: str, tmp_path: Path) -> None:
    client = connect(tracking_uri)
    run, exemplar = start_run(client), write_exemplar(tmp_path)
    weights = write_weights(tmp_path / "best.safetensors")
    notes = ["streets: CC BY 4.0"]
    version = log_model(client, run, weights, exemplar, data_notes=notes, step=70)
    assert (version.name, int(version.version), version.run_id) == ("adain-lwir", 1, run)
    assert client.get_model_version_by_alias("adain-lwir", "candidate").version == version.version
    card = client.get_model_version("adain-lwir", "1").description
    assert card is not None
    for text in ("# adain-lwir", "streets: CC BY 4.0", "edge 0.5", "| psnr | 14.500 |", "step 70", "temperature", run):
        assert text in card
    outputs = client.get_run(run).outputs
    assert outputs is not None
    (output,) = outputs.model_outputs
    logged = client.get_logged_model(output.model_id)
    assert (logged.name, logged.status.value, logged.model_type) == ("adain-lwir", "READY", "adain")
    assert version.source == f"models:/{output.model_id}"
    assert output.step == 70


def test_repeated_delivery_registers_once(tracking_uri: str, tmp_path: Path) -> None:
    client = connect(tracking_uri)
    run, exemplar = start_run(client), write_exemplar(tmp_path)
    first = log_model(client, run, write_weights(tmp_path / "best.safetensors"), exemplar)
    assert log_model(client, run, tmp_path / "best.safetensors", exemplar).version == first.version
    second = log_model(client, run, write_weights(tmp_path / "best.safetensors", seed=1), exemplar)
    assert int(second.version) == 2
    assert client.get_model_version_by_alias("adain-lwir", "candidate").version == second.version


def test_invalid_weights_are_not_registered(tracking_uri: str, tmp_path: Path) -> None:
    client = connect(tracking_uri)
    exemplar, weights = write_exemplar(tmp_path), write_weights(tmp_path / "a.safetensors")
    bandless = write_weights(tmp_path / "b.safetensors", recipe="{}")
    (tmp_path / "c.safetensors").write_bytes(b"damage")
    with pytest.raises(InputError, match="band"):
        log_model(client, "run", bandless, exemplar)
    with pytest.raises(WeightsError, match=r"c\.safetensors"):
        log_model(client, "run", tmp_path / "c.safetensors", exemplar)
    with pytest.raises(MissingFileError, match="exemplar"):
        log_model(client, "run", weights, tmp_path / "none.png")
    assert client.search_registered_models() == []
