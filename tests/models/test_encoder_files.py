from __future__ import annotations

from pathlib import Path

import pytest
import torch

from ir_transfer.errors import MissingFileError, WeightsError
from ir_transfer.models.encoder_files import load_encoder, save_encoder
from ir_transfer.nn.content_encoder import ContentEncoder


def small(widths: tuple[int, ...] = (4, 6, 8, 8, 8)) -> ContentEncoder:
    return ContentEncoder(widths, (0, 1, 1, 1, 1), 8).eval()


@pytest.mark.parametrize(("packed", "tolerance"), [(False, 0.0), (True, 0.02)])
@torch.inference_mode()
def test_encoder_round_trips_through_a_file(tmp_path: Path, packed: bool, tolerance: float) -> None:
    encoder, other, image = small(), small(), torch.rand(1, 3, 40, 50)
    path = tmp_path / "encoder.safetensors"
    save_encoder(encoder, path, {"commit": "abc"}, packed=packed)
    load_encoder(other, path)
    torch.testing.assert_close(other(image).logits, encoder(image).logits, atol=tolerance, rtol=0)


def test_models_load_a_folded_encoder(tmp_path: Path) -> None:
    trained = ContentEncoder((4, 6, 8, 8, 8), (0, 1, 1, 1, 1), 8, norm=True).eval()
    save_encoder(trained.folded(), tmp_path / "encoder.safetensors", {})
    loaded, image = small(), torch.rand(1, 3, 32, 32)
    load_encoder(loaded, tmp_path / "encoder.safetensors")
    torch.testing.assert_close(loaded(image).logits, trained(image).logits, atol=1e-4, rtol=1e-4)


def test_encoder_files_of_another_size_or_type_are_rejected(tmp_path: Path) -> None:
    path = tmp_path / "encoder.safetensors"
    save_encoder(small(), path, {})
    with pytest.raises(WeightsError, match=r"content encoder of \{'widths': \[4, 6, 8, 8, 9\].*name another file"):
        load_encoder(small((4, 6, 8, 8, 9)), path)
    with pytest.raises(MissingFileError):
        load_encoder(small(), tmp_path / "none.safetensors")
    path.write_bytes(b"torn")
    with pytest.raises(WeightsError):
        load_encoder(small(), path)
