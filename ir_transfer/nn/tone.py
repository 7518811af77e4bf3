"""Tone preservation: the values of one image in the order of another, as colour preservation is for colour."""

from __future__ import annotations

import torch
from torch import Tensor


def reorder(values: Tensor, order: Tensor, ascending: Tensor | bool = True) -> Tensor:
    """Give each pixel the value that has its rank: a monotone map of ``order`` onto the sorted ``values``.

    Exact: without ties in ``order`` the result is a permutation of the values. Pixels that tie stay equal; they take
    the middle of the values that their ranks would take.

    Args:
        values: (B, C, H, W); each channel is reordered on its own.
        order: (B, 1, H, W), whose ranks decide, such as the luma of an RGB image.
        ascending: Whether the brightest in ``order`` takes the largest value; False gives it the smallest. A flag,
            or one (bool) per image (B,).

    Returns:
        (B, C, H, W) of the kind of ``values``.
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
