"""Do gradients agree with the truth's in strength and in sign?"""

from __future__ import annotations

import torch
from kornia.filters import spatial_gradient
from torch import Tensor

TOLERANCE = 2
"""Pixels by which a well-registered pair may be off."""


def gradient_agreement(output: Tensor, truth: Tensor, tolerance: int = TOLERANCE) -> Tensor:
    """Return the cosine (B,) of the two gradient fields, the largest over shifts of the truth; 0 for a flat picture.

    An edge counts by its strength in both pictures, and against the output where it has the wrong sign: a negative
    has -1, where the correlation of magnitudes would have 1. One shift holds for the whole picture.

    Args:
        output: (B, 1, H, W) in [0, 1], white-hot, sides > 2 ``tolerance``.
        truth: Same shape.
        tolerance: Largest shift in pixels, in each direction.
    """
    ours, theirs = (spatial_gradient(picture.double(), mode="sobel") for picture in (output, truth))
    height, width = (side - 2 * tolerance for side in ours.shape[-2:])
    inner = ours[..., tolerance : tolerance + height, tolerance : tolerance + width].flatten(1)
    steps = range(2 * tolerance + 1)
    shifted = (theirs[..., top : top + height, left : left + width].flatten(1) for top in steps for left in steps)
    return torch.stack([_cosine(inner, other) for other in shifted]).amax(dim=0)


def _cosine(a: Tensor, b: Tensor) -> Tensor:
    scale = a.norm(dim=1) * b.norm(dim=1)
    # A rounding error of a flat picture must not be blown up into a direction.
    flat = scale <= 1e-6 * a.shape[1]
    return torch.where(flat, 0.0, (a * b).sum(dim=1) / scale.clamp(min=1e-12))
