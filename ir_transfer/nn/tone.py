"""Tone preservation: the values of one image in the rank order of another."""

from __future__ import annotations

import torch
from torch import Tensor


def reorder(values: Tensor, order: Tensor, ascending: Tensor | bool = True) -> Tensor:
    """Return the values sorted into the rank order of another image.

    Without ties in ``order``, the result is a permutation of the values. Pixels with ties get the middle of the values
    of their ranks.

    Args:
        values: (B, C, H, W); channels are reordered independently.
        order: (B, 1, H, W), such as the luma of an RGB image.
        ascending: Whether the brightest pixel of ``order`` gets the largest value, else the smallest; a flag, or one
            (bool) per image (B,).

    Returns:
        (B, C, H, W) of the data type of ``values``.
    """
    kind = torch.float64 if order.dtype == torch.float64 else torch.float32
    flat = order.flatten(1).to(kind)
    upwards = torch.as_tensor(ascending, device=flat.device).expand(len(flat))
    flat = torch.where(upwards[:, None], flat, -flat).contiguous()
    ranked = flat.sort(dim=1).values
    below, up_to = (torch.searchsorted(ranked, flat, right=right) for right in (False, True))
    first, last = ((below + up_to - offset).div(2, rounding_mode="floor") for offset in (1, 0))
    ordered = values.flatten(2).sort(dim=2).values
    shape = ordered.shape
    lower, upper = (ordered.gather(2, ranks[:, None].expand(shape)) for ranks in (first, last))
    return torch.lerp(lower, upper, 0.5).view_as(values)
