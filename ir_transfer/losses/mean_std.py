"""Distance of feature means and deviations, independent of position and so of misregistration."""

from torch import Tensor

from ir_transfer.losses.base import Scene
from ir_transfer.nn.moments import mean_variance


def mean_std(scene: Scene) -> Tensor:
    """Return the distance () of channel means and deviations over five levels (Huang and Belongie 2017, equation 13).

    Each level is divided by the magnitude of the ground truth's statistics, so that all levels have similar weight.
    """
    total = scene.output.new_zeros(())
    for level, features in scene.output_features.items():
        output_mean, output_variance = mean_variance(features)
        truth_mean, truth_variance = mean_variance(scene.truth_features[level])
        output_std, truth_std = (output_variance + 1e-4).sqrt(), (truth_variance + 1e-4).sqrt()
        scale = truth_std.mean(dim=1, keepdim=True) + truth_mean.abs().mean(dim=1, keepdim=True)
        total = total + (((output_mean - truth_mean) / scale).abs() + ((output_std - truth_std) / scale).abs()).mean()
    return total / len(scene.output_features)
