"""Pearson correlations of pictures: polarity, and edges."""

from __future__ import annotations

import torch
from kornia.filters import spatial_gradient
from torch import Tensor

TOLERANCE = 3
"""Pixels by which public pairs are registered worst."""


def pearson(a: Tensor, b: Tensor) -> Tensor:
    """Return Pearson's correlation of two pictures (B, 1, H, W) over their pixels (B,); 0 where one is flat."""
    a, b = (x.flatten(1).double() for x in (a, b))
    a, b = (x - x.mean(dim=1, keepdim=True) for x in (a, b))
    scale = a.norm(dim=1) * b.norm(dim=1)
    # A rounding error of a flat picture must not be blown up into a correlation.
    flat = scale <= 1e-6 * a.shape[1]
    return torch.where(flat, 0.0, (a * b).sum(dim=1) / scale.clamp(min=1e-12)).clamp(-1, 1)


def polarity_correlation(upright: Tensor, flipped: Tensor) -> Tensor:
    """Return the correlation (B,) of outputs made with an exemplar and with its negative.

    -1: the exemplar alone decides the polarity. +1: it has no say. 0 for a flat output.

    Args:
        upright: Output with the exemplar, (B, 1, H, W) in [0, 1].
        flipped: Output with 1 - exemplar.
    """
    return pearson(upright, flipped)


def gradient_correlation(output: Tensor, other: Tensor) -> Tensor:
    """Return the correlation (B,) of Sobel gradient magnitudes: are edges where they are in the other picture?

    It does not depend on polarity, so the photograph's luma can be the other picture.

    Args:
        output: (B, 1, H, W) in [0, 1].
        other: Same shape: the luma of the photograph, or the truth.
    """
    magnitudes = [spatial_gradient(picture, mode="sobel").norm(dim=2) for picture in (output, other)]
    return pearson(*magnitudes)


def tolerant_gradient_correlation(output: Tensor, truth: Tensor, tolerance: int = TOLERANCE) -> Tensor:
    """Return the largest :func:`gradient_correlation` (B,) over shifts of the truth by up to ``tolerance`` pixels.

    Public pairs are registered to a pixel or three, and sharp edges that miss each other by two correlate like noise.
    One shift holds for the whole picture, so that a method gains nothing by bending edges.

    Args:
        output: (B, 1, H, W) in [0, 1], sides > 2 ``tolerance``.
        truth: Same shape.
        tolerance: Pixels in each direction.
    """
    a, b = (spatial_gradient(picture, mode="sobel").norm(dim=2) for picture in (output, truth))
    height, width = (side - 2 * tolerance for side in a.shape[-2:])
    inner = a[..., tolerance : tolerance + height, tolerance : tolerance + width]
    steps = range(2 * tolerance + 1)
    found = [pearson(inner, b[..., top : top + height, left : left + width]) for top in steps for left in steps]
    return torch.stack(found).amax(dim=0)
