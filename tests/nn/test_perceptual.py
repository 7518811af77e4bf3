from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from ir_transfer.errors import MissingFileError, WeightsError
from ir_transfer.nn.perceptual import LEVELS, PerceptualEncoder


def test_file_round_trip_and_levels(tmp_path: Path) -> None:
    encoder = PerceptualEncoder((4, 6, 8, 10, 12))
    save_file({**encoder.state_dict(), "conv11_aux.weight": torch.zeros(1)}, tmp_path / "vgg.safetensors")
    again = PerceptualEncoder.load(tmp_path / "vgg.safetensors")
    gray = torch.rand(1, 1, 64, 48)
    features, expected = again(gray), encoder(gray.expand(-1, 3, -1, -1))
    assert tuple(features) == LEVELS
    assert features["relu5_1"].shape == (1, 12, 4, 3)
    for level in LEVELS:
        torch.testing.assert_close(features[level], expected[level])
    assert not any(p.requires_grad for p in again.parameters())


def test_missing_and_unknown_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match=r"nowhere\.safetensors"):
        PerceptualEncoder.load(tmp_path / "nowhere.safetensors")
    save_file({"a": torch.zeros(1)}, tmp_path / "other.safetensors")
    with pytest.raises(WeightsError, match="conv0"):
        PerceptualEncoder.load(tmp_path / "other.safetensors")
    (tmp_path / "text.safetensors").write_text("no tensors")
    with pytest.raises(WeightsError, match=r"text\.safetensors"):
        PerceptualEncoder.load(tmp_path / "text.safetensors")
