"""Distances between feature statistics: texture without position, hence blind to misregistration."""

from __future__ import annotations

from torch import Tensor

from ir_transfer.losses.base import Scene
from ir_transfer.nn.moments import mean_variance

_STRIDE = 7  # a seventh of the pixels gives the same histogram


def histogram(scene: Scene) -> Tensor:
    """Return the mean distance of the sorted intensities of output and truth (the 1-Wasserstein distance).

    It asks for the truth's contrast without asking for it in the right place: fog has the wrong histogram.
    """
    output = scene.output.flatten(1)[:, ::_STRIDE].sort(dim=1).values
    truth = scene.truth.flatten(1)[:, ::_STRIDE].sort(dim=1).values
    return (output - truth).abs().mean()


def mean_std(scene: Scene) -> Tensor:
    """Return the distance of channel means and deviations over five levels (Huang and Belongie 2017, equation 13).

    Each level is divided by the truth's own magnitude, so that wide levels do not drown narrow ones.
    """
    total = scene.output.new_zeros(())
    for level, features in scene.output_features.items():
        output_mean, output_variance = mean_variance(features)
        truth_mean, truth_variance = mean_variance(scene.truth_features[level])
        output_std, truth_std = (output_variance + 1e-4).sqrt(), (truth_variance + 1e-4).sqrt()
        scale = truth_std.mean(dim=1, keepdim=True) + truth_mean.abs().mean(dim=1, keepdim=True)
        total = total + (((output_mean - truth_mean) / scale).abs() + ((output_std - truth_std) / scale).abs()).mean()
    return total / len(scene.output_features)
