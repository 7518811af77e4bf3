"""Fills the thermal map behind lamps and glare, where the RGB image is saturated and carries no information."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ir_transfer.nn.box_mean import box_mean
from ir_transfer.nn.thermal.local_contrast import cell_means

_SATURATED = (0.94, 0.98)  # of the darkest channel: none, all
_KNOWN = (0.3, 0.6)  # probability of sky or an object: none, all
_GROWTH = 7  # cells: the halo around a lamp carries no information either
_WINDOWS = ((5, 1.0), (15, 0.03), (45, 1e-3))  # sides in cells, with weights that favour the nearest surroundings
_LEAST = 1e-5


def hidden_share(overview: Tensor, sky: Tensor, objects: Tensor) -> Tensor:
    """Return the share of each position that lamps and glare hide (B, 1, h, w), in [0, 1].

    Saturated sky, people and vehicles are not hidden.

    Args:
        overview: sRGB (B, 3, H, W) in [0, 1].
        sky: Probability of sky at stride 4, (B, 1, h, w).
        objects: Probability of people, two-wheelers or vehicles at stride 4, (B, 1, h, w).
    """
    saturated = ramp(cell_means(overview.to(sky).amin(1, keepdim=True)), *_SATURATED)
    unknown = 1 - ramp(torch.maximum(sky, objects), *_KNOWN)
    return F.max_pool2d(saturated * unknown, _GROWTH, 1, _GROWTH // 2) * unknown


def fill_hidden(thermal: Tensor, hidden: Tensor) -> Tensor:
    """Return thermal maps (B, C, h, w) with hidden positions filled from their surroundings.

    Args:
        thermal: In any range; at hidden positions, networks predict the low values of an overcast sky.
        hidden: See :func:`hidden_share`.
    """
    hidden = hidden.to(thermal)
    seen = torch.cat([1 - hidden, (1 - hidden) * thermal], dim=1)
    around = torch.stack([weight * box_mean(seen, side) for side, weight in _WINDOWS]).sum(0)
    share, total = around[:, :1], around[:, 1:]
    return torch.lerp(thermal, (total + _LEAST * thermal) / (share + _LEAST), hidden)


def ramp(values: Tensor, low: float, high: float) -> Tensor:
    """Return values of any shape as shares: 0 at ``low``, 1 at ``high``, linear between and constant beyond."""
    return ((values - low) / (high - low)).clamp(0, 1)
