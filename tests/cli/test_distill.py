from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from ir_transfer.cli.distill import distill
from ir_transfer.errors import InputError, MissingFileError
from tests.training.distillation.labelled import use_small_encoders, write_labelled


def test_distillation_writes_weights_and_card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_small_encoders(monkeypatch)
    write_labelled(tmp_path, ["a", "b", "held"])
    recipe = tmp_path / "small.yaml"
    recipe.write_text(yaml.safe_dump({
        "sources": [{"photographs": "photos", "labels": "labels"}], "features": 0.0, "crop": 32, "steps": 2,
        "batch_size": 2, "held_back": 0.0, "held_back_sequences": ["held"],
    }))  # fmt: skip
    arguments = [str(recipe), "--data", str(tmp_path), "-o", str(tmp_path / "run")]
    result = CliRunner().invoke(distill, arguments)
    assert result.exit_code == 0, result.output
    assert f"encoder: {tmp_path / 'run' / 'encoder.safetensors'}" in result.output
    assert (tmp_path / "run" / "encoder.md").read_text().startswith("# Content encoder")
    again = CliRunner().invoke(distill, [*arguments, "--resume"])
    assert again.exit_code == 0, again.output
    assert "resumed at step 2" in again.output
    weights = str(tmp_path / "run" / "encoder.safetensors")
    further = CliRunner().invoke(distill, [*arguments[:-1], str(tmp_path / "further"), "--init", weights])
    assert further.exit_code == 0, further.output
    assert (tmp_path / "further" / "encoder.md").read_text().split("\n")[2].startswith("Distilled from the encoder of")


def test_existing_run_folder_and_weights_are_not_overwritten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_small_encoders(monkeypatch)
    write_labelled(tmp_path, ["a", "held"])
    recipe = tmp_path / "small.yaml"
    recipe.write_text("sources: [{photographs: photos, labels: labels}]\nheld_back_sequences: [held]\n")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "checkpoint.pt").write_bytes(b"kept")
    arguments = [str(recipe), "--data", str(tmp_path), "-o", str(tmp_path / "run")]
    with pytest.raises(InputError, match="has a checkpoint: pass --resume or another --out"):
        CliRunner().invoke(distill, arguments, catch_exceptions=False)
    with pytest.raises(InputError, match="--init or --resume, got both"):
        CliRunner().invoke(distill, [*arguments, "--init", "x", "--resume"], catch_exceptions=False)
    assert (tmp_path / "run" / "checkpoint.pt").read_bytes() == b"kept"


def test_missing_data_is_named(tmp_path: Path) -> None:
    recipe = tmp_path / "small.yaml"
    recipe.write_text("sources: [{photographs: photos, labels: labels}]\n")
    result = CliRunner().invoke(distill, [str(recipe), "--data", str(tmp_path), "-o", str(tmp_path / "run")])
    assert isinstance(result.exception, MissingFileError)
    assert "photos, found none: check --data" in str(result.exception)
