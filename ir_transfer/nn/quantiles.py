"""Quantile functions: distributions as values by rank, which blend linearly and need no bins."""

from __future__ import annotations

import torch
from torch import Tensor


def quantile_function(values: Tensor, count: int) -> Tensor:
    """Return the values (B, N) at ``count`` ranks from 0 to 1 (B, count), linear between neighbours."""
    ordered = values.sort(dim=1).values
    ranks = torch.linspace(0, 1, count, device=ordered.device)
    return interpolate(ordered, ranks.expand(len(ordered), -1))


def middle_ranks(values: Tensor) -> Tensor:
    """Return the rank in [0, 1] of every value (B, N) in its row; equal values share their middle rank."""
    ordered = values.sort(dim=1).values
    below, up_to = (torch.searchsorted(ordered, values, right=right) for right in (False, True))
    return (below + up_to - 1) / (2 * max(values.shape[1] - 1, 1))


def interpolate(table: Tensor, ranks: Tensor) -> Tensor:
    """Read rows of ``table`` (B, K) at ``ranks`` (B, N) in [0, 1], linearly between entries."""
    position = ranks * (table.shape[1] - 1)
    lower = position.floor().long().clamp(0, max(table.shape[1] - 2, 0))
    upper = (lower + 1).clamp(max=table.shape[1] - 1)
    return torch.lerp(table.gather(1, lower), table.gather(1, upper), (position - lower).to(table.dtype))
