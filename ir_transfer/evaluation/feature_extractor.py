"""VGG features for the perceptual, style and distribution distances, computed in one pass per image."""

from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from ir_transfer.metrics.distribution import Samples, patch_area, pooled_patches
from ir_transfer.metrics.features import Moments, feature_moments, unit_length
from ir_transfer.nn.perceptual import PerceptualEncoder

_GENERIC = {"encoder", "weights", "model", "vgg"}


@dataclass(frozen=True)
class Features:
    """Features of one image.

    Attributes:
        units: Features (1, C, h, w) by level, of length 1 over the channels at every position.
        moments: Mean and standard deviation (1, C) of the features by level.
        patches: Mean unit features (N, C) of its patches by level.
    """

    units: list[Tensor]
    moments: Moments
    patches: list[Samples]


def extract_features(encoder: PerceptualEncoder, image: Tensor) -> Features:
    """Return the features of an image.

    Args:
        encoder: The VGG.
        image: (1, 1, H, W) in [0, 1], sides >= 64.

    Raises:
        InputError: A side is shorter than a patch.
    """
    features = list(encoder(image).values())
    units = unit_length(features)
    area = patch_area(image)
    # Features near a cut border differ from those of the whole image, so a cropped image is encoded again.
    cut = units if area.shape == image.shape else unit_length(list(encoder(area).values()))
    return Features(units, feature_moments(features), pooled_patches(cut))


def network_name(source: str) -> str:
    """Return the name of a network in column names: the stem of its file, or its folder for a file ``encoder``."""
    if source == "torchvision":
        return "vgg19-torchvision"
    path = Path(source).resolve()
    return path.parent.name if path.stem.lower() in _GENERIC else path.stem
