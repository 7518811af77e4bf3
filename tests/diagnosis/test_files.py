from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest
import torch

from ir_transfer.conversion.styles.catalog import list_presets
from ir_transfer.diagnosis import files
from ir_transfer.errors import MissingFileError
from ir_transfer.resources import resource


def test_bundled_weights_and_styles_are_intact() -> None:
    found = {check.name: check for check in files.check_weights()}
    assert {check.status for check in found.values()} == {"ok"}
    data = resource("weights/adain-lwir.safetensors").read_bytes()
    assert found["weights adain-lwir"].detail.startswith(hashlib.sha256(data).hexdigest()[:16])
    assert "weights content-encoder" in found  # of no model, but shipped
    assert [check.status for check in files.check_styles()] == ["ok"]


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the weights that a test may damage."""
    folder = tmp_path / "weights"
    folder.mkdir()
    for name in ("cin-lwir", "content-encoder"):
        shutil.copyfile(resource(f"weights/{name}.safetensors"), folder / f"{name}.safetensors")

    def found(name: str) -> Path:
        if not (tmp_path / name).exists():
            raise MissingFileError(f"expected {name}, found none")
        return tmp_path / name

    monkeypatch.setattr(files, "resource", found)
    return folder


def test_missing_and_damaged_weights_fail(weights: Path) -> None:
    for name in ("cin-lwir", "content-encoder"):
        path = weights / f"{name}.safetensors"
        path.write_bytes(path.read_bytes()[:-1000])
    found = {check.name.removeprefix("weights "): check.status for check in files.check_weights()}
    assert found["cin-lwir"] == found["content-encoder"] == found["adain-lwir"] == "failed"


def test_styles_of_other_weights_fail(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    preset = next(preset for preset in list_presets() if preset.weights == "adain-lwir")
    monkeypatch.setattr(files, "list_presets", lambda: [preset])
    (weights / "adain-lwir.safetensors").write_bytes(b"other")
    (check,) = files.check_styles()
    assert check.status == "failed"
    assert f"adain-lwir/{preset.name}" in check.detail


def test_truncated_download_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    assert {check.status for check in files.check_caches()} == {"note"}
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "vgg19-dcbb9e9d.pth").write_bytes(b"half")
    assert sorted(check.status for check in files.check_caches()) == ["failed", "note"]
