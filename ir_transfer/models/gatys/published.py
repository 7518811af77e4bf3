"""Fills Gatys from a published VGG-19: torchvision's, or a compact one of Collaborative Distillation."""

from __future__ import annotations

from pathlib import Path

from safetensors import SafetensorError, safe_open

from ir_transfer.errors import WeightsError
from ir_transfer.models import published_files
from ir_transfer.models.gatys.network import VggFeatures
from ir_transfer.nn.perceptual import PerceptualEncoder


def is_vgg(weights: str | Path | None) -> bool:
    """Return whether weights are torchvision's by name, or a ``.safetensors`` file not written by this package."""
    if str(weights) == published_files.TORCHVISION:
        return True
    path = Path(str(weights))
    if path.suffix != ".safetensors" or not path.is_file():
        return False
    try:
        with safe_open(path, framework="pt") as file:
            return "kind" not in (file.metadata() or {})
    except (SafetensorError, OSError):
        return False  # damaged: reported when it is read


def fill(encoder: VggFeatures, vgg: PerceptualEncoder, source: str | Path) -> None:
    """Copy a VGG into the encoder.

    Raises:
        WeightsError: The encoder has other widths.
    """
    try:
        encoder.load_state_dict(vgg.state_dict())
    except RuntimeError as error:
        raise WeightsError(
            f"expected a VGG of the model's widths in {source}, got {list(vgg.widths)}: leave widths out"
        ) from error
