"""Correlation of fine detail: embossing from the photograph, or detail of the truth."""

from __future__ import annotations

import math

from kornia.filters import gaussian_blur2d
from torch import Tensor

from ir_transfer.evaluation.metrics.correlation import pearson

SIGMA = 4.0
"""Standard deviation in pixels of the Gaussian whose result is taken off a picture."""

_TRUNCATE = 4  # standard deviations that the kernel reaches


def highpass(picture: Tensor, sigma: float = SIGMA) -> Tensor:
    """Return a picture (B, 1, H, W) minus its Gaussian blur; borders are replicated."""
    side = 2 * math.ceil(_TRUNCATE * sigma) + 1
    values = picture.double()
    return values - gaussian_blur2d(values, (side, side), (sigma, sigma), border_type="replicate")


def highpass_correlation(output: Tensor, other: Tensor, sigma: float = SIGMA) -> Tensor:
    """Return Pearson's signed correlation (B,) of two pictures' :func:`highpass`; 0 where one is flat.

    With the photograph's luma it measures embossing: a model that copies the photograph's detail with one sign is near
    +1 or -1, true long-wave pictures are near 0. With the truth it measures detail that is really there.

    Args:
        output: (B, 1, H, W) in [0, 1], white-hot.
        other: Same shape: the luma of the photograph, or the truth.
        sigma: Of the Gaussian, in pixels.
    """
    return pearson(highpass(output, sigma), highpass(other, sigma))
