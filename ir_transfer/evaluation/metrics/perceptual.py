"""Perceptual distance on unit-normalised VGG features."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from ir_transfer.nn.perceptual import PerceptualEncoder


def unit_features(encoder: PerceptualEncoder, pictures: Tensor) -> list[Tensor]:
    """Return the features of all levels, each position scaled to length 1 over its channels."""
    return unit_length(list(encoder(pictures).values()))


def unit_length(levels: Sequence[Tensor]) -> list[Tensor]:
    """Return features (B, C, h, w) with each position scaled to length 1 over its channels."""
    return [F.normalize(features, dim=1, eps=1e-8) for features in levels]


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
    return unit_distance(unit_features(encoder, output), unit_features(encoder, truth))


def unit_distance(output: Sequence[Tensor], truth: Sequence[Tensor]) -> Tensor:
    """Return :func:`perceptual_distance` from the unit-normalised features of both pictures."""
    pairs = zip(output, truth, strict=True)
    return torch.stack([(a - b).square().sum(dim=1).mean(dim=(1, 2)) for a, b in pairs]).mean(dim=0)
