"""Perceptual distance on unit-normalised VGG features."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ir_transfer.nn.perceptual import PerceptualEncoder


def unit_features(encoder: PerceptualEncoder, pictures: Tensor) -> list[Tensor]:
    """Return the features of all levels, each position scaled to length 1 over its channels."""
    return [F.normalize(features, dim=1, eps=1e-8) for features in encoder(pictures).values()]


def perceptual_distance(encoder: PerceptualEncoder, output: Tensor, truth: Tensor) -> Tensor:
    """Return the distance (B,) of LPIPS without its learned weights (Zhang et al. 2018, arXiv:1801.03924, equation 1).

    At each level the squared difference of unit-normalised features is summed over channels and averaged over space;
    the result is the mean over levels: 0 for equal pictures, 2 at most for features without a common channel.
    Figures compare only between runs with the same encoder.

    Args:
        encoder: The VGG that judges.
        output: (B, 1, H, W) in [0, 1], sides >= 32.
        truth: Same shape.
    """
    pairs = zip(unit_features(encoder, output), unit_features(encoder, truth), strict=True)
    return torch.stack([(a - b).square().sum(dim=1).mean(dim=(1, 2)) for a, b in pairs]).mean(dim=0)
