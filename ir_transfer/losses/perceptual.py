"""Distances between VGG features of output and truth."""

from __future__ import annotations

from torch import Tensor

from ir_transfer.losses.base import Scene
from ir_transfer.nn.perceptual import unit


def perceptual(scene: Scene) -> Tensor:
    """Return the squared distance of unit-normalised channel features, averaged over five levels.

    The form of Zhang et al. 2018 (LPIPS, equation 1) with equal channel weights.
    """
    total = scene.output.new_zeros((), dtype=scene.output_features["relu1_1"].dtype).float()
    for level, output in scene.output_features.items():
        difference = unit(output.float()) - unit(scene.truth_features[level].float())
        total = total + (difference**2).sum(dim=1).mean()
    return total / len(scene.output_features)
