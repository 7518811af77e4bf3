"""Adaptive instance normalisation, with the content's statistics as an argument."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ir_transfer.nn.moments import Moments, channel_moments


def adain(
    features: Tensor, content: Moments, mean: Tensor, std: Tensor, strength: float | Tensor = 1.0, eps: float = 1e-5
) -> Tensor:
    """Return features (B, C, H, W) with the exemplar's mean and standard deviation per channel.

    ``AdaIN(x, y) = sigma(y) (x - mu(x)) / sigma(x) + mu(y)`` (Huang and Belongie 2017, equation 8), blended
    with x by ``strength`` (equation 14). Normalisation and blending are merged into one scale and shift.

    Args:
        features: (B, C, H, W).
        content: Moments of the content's features over the whole image.
        mean: The exemplar's mean (B or 1, C).
        std: The exemplar's standard deviation (B or 1, C).
        strength: 0 returns the features, 1 the full style; a number or (B, 1).
        eps: Added to the content's variance before the root.
    """
    scale = std / content.std(eps)
    shift = mean - content.mean * scale
    scale = 1 + (scale - 1) * strength
    shift = shift * strength
    kind = features.dtype
    return torch.addcmul(shift[..., None, None].to(kind), features, scale[..., None, None].to(kind))


def level_statistics(levels: Sequence[Tensor], eps: float = 1e-3) -> dict[str, Tensor]:
    """Return ``level{l}.mean`` and ``level{l}.std`` (B, C_l) of features (B, C_l, h, w) of every level."""
    style: dict[str, Tensor] = {}
    for level, features in enumerate(levels):
        moments = channel_moments(features)
        style |= {f"level{level}.mean": moments.mean, f"level{level}.std": moments.std(eps)}
    return style
