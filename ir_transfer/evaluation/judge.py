"""A feature network that judges pictures, each picture passed through it as seldom as possible."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from ir_transfer.evaluation.metrics.distribution import Samples, patch_area, pooled_patches
from ir_transfer.evaluation.metrics.perceptual import unit_length
from ir_transfer.evaluation.metrics.style_distance import Moments, feature_moments
from ir_transfer.nn.perceptual import PerceptualEncoder

_GENERIC = {"encoder", "weights", "model", "vgg"}


@dataclass(frozen=True)
class Look:
    """What a network sees in one picture.

    Attributes:
        units: Unit-normalised features by level.
        moments: Mean and standard deviation of the features by level.
        patches: Mean unit features of its patches by level.
    """

    units: list[Tensor]
    moments: Moments
    patches: list[Samples]


def look_at(encoder: PerceptualEncoder, picture: Tensor) -> Look:
    """Return what the network sees in a picture (1, 1, H, W) in [0, 1], sides >= 64."""
    features = list(encoder(picture).values())
    units = unit_length(features)
    area = patch_area(picture)
    # Features near a cut border differ from those of the whole picture, so a cut picture is judged again.
    cut = units if area.shape == picture.shape else unit_length(list(encoder(area).values()))
    return Look(units, feature_moments(features), pooled_patches(cut))


def network_name(source: str) -> str:
    """Return the name that columns carry for a network: that of its file, or of the folder of a file ``encoder``."""
    if source == "torchvision":
        return "vgg19-torchvision"
    path = Path(source).resolve()
    return path.parent.name if path.stem.lower() in _GENERIC else path.stem
