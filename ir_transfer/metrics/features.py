"""Distances in the features of a VGG: perceptual and style distance."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

LEVELS = 4
"""Number of levels of the style distance: relu1_1 to relu4_1, as in AdaIN's style loss."""

Moments = list[tuple[Tensor, Tensor]]
"""Mean and standard deviation (B, C) by level."""


def unit_length(levels: Sequence[Tensor]) -> list[Tensor]:
    """Return features (B, C, h, w) by level, scaled to length 1 over the channels at every position."""
    return [F.normalize(features, dim=1, eps=1e-8) for features in levels]


def unit_distance(output: Sequence[Tensor], ground_truth: Sequence[Tensor]) -> Tensor:
    """Return the perceptual distance (B,): LPIPS without its learned weights.

    At each level the squared difference of unit-normalised features is summed over channels and averaged over space;
    the result is the mean over levels (Zhang et al. 2018, arXiv:1801.03924, equation 1): 0 for equal images, 2 for
    features without a common channel. Values are comparable only between runs with the same network.

    Args:
        output: :func:`unit_length` features (B, C, h, w) by level.
        ground_truth: Same shapes.
    """
    pairs = zip(output, ground_truth, strict=True)
    return torch.stack([(a - b).square().sum(dim=1).mean(dim=(1, 2)) for a, b in pairs]).mean(dim=0)


def feature_moments(features: Sequence[Tensor]) -> Moments:
    """Return mean and standard deviation (B, C) over space of the first :data:`LEVELS` levels (B, C, h, w)."""
    return [(level.mean(dim=(2, 3)), level.std(dim=(2, 3), correction=0)) for level in features[:LEVELS]]


def style_distance(output: Moments, exemplar: Moments) -> Tensor:
    """Return the relative distance (B,) of an output's feature statistics to the exemplar's.

    The style loss of AdaIN (Huang and Belongie 2017, arXiv:1703.06868, equation 13), each level divided by the length
    of the exemplar's statistics and then averaged, so that it does not depend on the scale of the network: 0 for equal
    statistics, about 1 for statistics of 0.

    Args:
        output: :func:`feature_moments` of the output.
        exemplar: Same, of the exemplar (any size, B or 1).
    """
    levels = []
    for (mean, spread), (wanted_mean, wanted_spread) in zip(output, exemplar, strict=True):
        distance = (mean - wanted_mean).norm(dim=1) + (spread - wanted_spread).norm(dim=1)
        levels.append(distance / (wanted_mean.norm(dim=1) + wanted_spread.norm(dim=1)).clamp(min=1e-8))
    return torch.stack(levels).mean(dim=0)
