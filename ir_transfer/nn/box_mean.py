"""Means over square windows, as two one-dimensional convolutions: several times as fast as average pooling on a CPU."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def box_mean(values: Tensor, side: int) -> Tensor:
    """Return the means of ``side`` x ``side`` positions around each one (B, C, h, w); beyond the border none count.

    Args:
        values: (B, C, h, w).
        side: Odd side of the windows in positions.
    """
    channels, reach = int(values.shape[1]), side // 2  # a constant of exported graphs
    ones = values.new_ones(channels, 1, side, 1)
    sums = F.conv2d(values, ones, padding=(reach, 0), groups=channels)
    sums = F.conv2d(sums, ones.transpose(2, 3), padding=(0, reach), groups=channels)
    rows, columns = (_counts(values, axis, reach) for axis in (-2, -1))
    return sums / (rows[:, None] * columns)


def _counts(values: Tensor, axis: int, reach: int) -> Tensor:
    """Return the number of positions of each window along an axis (n,)."""
    last = values.shape[axis] - 1
    positions = torch.arange(last + 1, device=values.device)
    return ((positions + reach).clamp(max=last) - (positions - reach).clamp(min=0) + 1).to(values)
