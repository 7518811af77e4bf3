"""Distances between VGG features of output and ground truth."""

from collections.abc import Sequence

from torch import Tensor

from ir_transfer.losses.base import Scene
from ir_transfer.nn.perceptual import unit

_DEEP = ("relu2_1", "relu3_1", "relu4_1")


def perceptual(scene: Scene) -> Tensor:
    """Return the squared distance () of unit-normalised channel features, averaged over five levels.

    The form of Zhang et al. 2018 (LPIPS, equation 1) with equal channel weights.
    """
    return _distance(scene, list(scene.output_features))


def deep_perceptual(scene: Scene) -> Tensor:
    """Return :func:`perceptual` at relu2_1 to relu4_1; the finest level would favour texture of the RGB image."""
    return _distance(scene, _DEEP)


def _distance(scene: Scene, levels: Sequence[str]) -> Tensor:
    total = scene.output.new_zeros(())
    for level in levels:
        difference = unit(scene.output_features[level].float()) - unit(scene.truth_features[level].float())
        total = total + scene.mean((difference**2).sum(dim=1, keepdim=True))
    return total / len(levels)
