"""Linear interpolation along one axis."""

from __future__ import annotations

import torch
from torch import Tensor


def interpolated(maps: Tensor, axis: int, places: Tensor) -> Tensor:
    """Return maps (B, C, h, w) interpolated linearly at places of an axis, from which exported graphs can be traced.

    Args:
        maps: Of any range.
        axis: -2 for rows, -1 for columns.
        places: Fractional indices (N,); those beyond the maps take the value at their border.
    """
    last = maps.shape[axis] - 1
    places = places.clamp(min=0)
    first = places.long().clamp(max=last)
    second = (first + 1).clamp(max=last)
    share = (places - first).clamp(max=1).to(maps.dtype)
    share = share[:, None] if axis == -2 else share
    return torch.lerp(maps.index_select(axis, first), maps.index_select(axis, second), share)
