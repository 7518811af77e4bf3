"""Difference of the content encoder's features of an infrared image and of its negative.

The encoder was trained on RGB images, and an infrared image and its negative are not equally similar to these. The
difference of the features is an input of the polarity classifier.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ir_transfer.nn.content_encoder import CLASS_COUNT, ContentEncoder, class_probabilities

_LEAST_AREA = 10.0  # cells: damps the mean intensity of classes with a small area


def content_asymmetries(encoder: ContentEncoder, images: Tensor) -> Tensor:
    """Return statistics (B, C) of the encoder's features of images minus those of their negatives.

    Args:
        encoder: Frozen content encoder.
        images: (B, 1, h, w) in [0, 1].
    """
    return _described(encoder, images) - _described(encoder, 1 - images)


def asymmetry_count(encoder: ContentEncoder) -> int:
    """Return the number C of asymmetries."""
    return 3 * sum(encoder.widths[1:]) + 4 * CLASS_COUNT


def _described(encoder: ContentEncoder, images: Tensor) -> Tensor:
    """Return mean, deviation and maximum of each channel, and area, maximum and intensity of each class."""
    features = encoder(images.expand(-1, 3, -1, -1))
    found = []
    for level in (level.float() for level in features.levels[1:]):
        found += [level.mean((2, 3)), level.std((2, 3)), level.amax((2, 3))]
    shares = class_probabilities(features.logits).float()
    small = F.interpolate(images, shares.shape[-2:], mode="area")
    std, mean = torch.std_mean(small, dim=(2, 3), keepdim=True)
    weighted = shares * (small - mean) / (std + 1e-3)
    area = shares.sum((2, 3))
    found += [shares.mean((2, 3)), shares.amax((2, 3))]
    found += [weighted.mean((2, 3)), weighted.sum((2, 3)) / (area + _LEAST_AREA)]
    return torch.cat(found, dim=1)
