"""Structural similarity."""

from __future__ import annotations

import kornia.metrics
from torch import Tensor

WINDOW = 11
"""Side of the window; kornia's Gaussian has the paper's standard deviation of 1.5 pixels."""


def ssim(output: Tensor, truth: Tensor) -> Tensor:
    """Return the mean structural similarity (B,) (Wang et al. 2004): 11 x 11 Gaussian window, data range 1.

    Only windows that lie inside the picture count. A uniform 7 x 7 window, the default of scikit-image, gives other
    figures: compare with those that state this window.

    Args:
        output: (B, 1, H, W) in [0, 1], sides >= 11.
        truth: Same shape.
    """
    similarity: Tensor = kornia.metrics.ssim(output, truth, WINDOW, max_val=1.0, padding="valid")
    return similarity.mean(dim=(1, 2, 3))
