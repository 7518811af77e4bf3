"""Correlation alignment: distance of feature covariances, independent of the means."""

import torch
from torch import Tensor

from ir_transfer.losses.base import Scene
from ir_transfer.losses.gram import relative_distance
from ir_transfer.nn.moments import covariance_moments


def coral(scene: Scene) -> Tensor:
    """Return the relative distance () of feature covariances, averaged over five levels.

    Sun and Saenko 2016, equation 1, with the squared norm of the target covariance in place of ``4 d^2``.
    """
    pairs = [(scene.output_features[level], wanted) for level, wanted in scene.truth_features.items()]
    return torch.stack([relative_distance(_covariance(a), _covariance(b)) for a, b in pairs]).mean()


def _covariance(features: Tensor) -> Tensor:
    return covariance_moments(features).covariance()
