"""Distance of feature statistics to the exemplar: did the exemplar's look arrive?"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

LEVELS = 4
"""relu1_1 to relu4_1, the levels of AdaIN's style loss."""

Moments = list[tuple[Tensor, Tensor]]


def feature_moments(features: Sequence[Tensor]) -> Moments:
    """Return mean and standard deviation (B, C) over space of the first :data:`LEVELS` levels."""
    return [(level.mean(dim=(2, 3)), level.std(dim=(2, 3), correction=0)) for level in features[:LEVELS]]


def style_distance(output: Moments, exemplar: Moments) -> Tensor:
    """Return the distance (B,) of an output's feature statistics to the exemplar's.

    The style loss of AdaIN (Huang and Belongie 2017, arXiv:1703.06868, equation 13), each level divided by the length
    of the exemplar's own statistics and then averaged, so that it does not depend on the scale of the network: 0 for
    equal statistics, about 1 for none of them.

    Args:
        output: Of :func:`feature_moments`.
        exemplar: Same, of the exemplar (any size, B or 1).
    """
    levels = []
    for (mean, spread), (wanted_mean, wanted_spread) in zip(output, exemplar, strict=True):
        distance = (mean - wanted_mean).norm(dim=1) + (spread - wanted_spread).norm(dim=1)
        levels.append(distance / (wanted_mean.norm(dim=1) + wanted_spread.norm(dim=1)).clamp(min=1e-8))
    return torch.stack(levels).mean(dim=0)
