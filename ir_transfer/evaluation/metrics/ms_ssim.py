"""Structural similarity at several scales."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from kornia.filters import gaussian_blur2d
from torch import Tensor

from ir_transfer.evaluation.metrics.ssim import WINDOW

WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""Of the scales, finest first (Wang et al. 2003, table 1)."""

_SIGMA = 1.5
_C1, _C2 = 0.01**2, 0.03**2


def ms_ssim(output: Tensor, truth: Tensor) -> Tensor:
    """Return the multi-scale structural similarity (B,) (Wang, Simoncelli and Bovik 2003, equation 7), data range 1.

    Five scales need sides of 176 pixels; a smaller picture has as many scales as the window of 11 pixels fits, with
    the weights of those scaled to sum to 1. A scale of negative contrast similarity counts as 0.

    Args:
        output: (B, 1, H, W) in [0, 1], sides >= 11.
        truth: Same shape.
    """
    scales = min(len(WEIGHTS), max(min(output.shape[-2:]) // WINDOW, 1).bit_length())
    weights = torch.tensor(WEIGHTS[:scales], dtype=torch.float64)
    weights = weights / weights.sum()
    a, b = output.double(), truth.double()
    product = torch.ones(len(a), dtype=torch.float64, device=a.device)
    for scale, weight in enumerate(weights):
        if scale:
            a, b = F.avg_pool2d(a, 2), F.avg_pool2d(b, 2)
        luminance, contrast = similarities(a, b)
        factor = (luminance * contrast if scale == scales - 1 else contrast).mean(dim=(1, 2, 3))
        product = product * factor.clamp(min=0) ** weight
    return product


def similarities(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Return the luminance and the contrast-structure maps of windows that lie inside the pictures."""
    inside = WINDOW // 2

    def mean(x: Tensor) -> Tensor:
        blurred: Tensor = gaussian_blur2d(x, (WINDOW, WINDOW), (_SIGMA, _SIGMA), border_type="constant")
        return blurred[..., inside:-inside, inside:-inside]

    mean_a, mean_b = mean(a), mean(b)
    variances = mean(a * a) - mean_a**2 + mean(b * b) - mean_b**2
    luminance = (2 * mean_a * mean_b + _C1) / (mean_a**2 + mean_b**2 + _C1)
    return luminance, (2 * (mean(a * b) - mean_a * mean_b) + _C2) / (variances + _C2)
