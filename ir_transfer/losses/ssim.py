"""Structural similarity to the ground truth."""

import kornia
from torch import Tensor

from ir_transfer.losses.base import Scene

_WINDOW = 11


def ssim(scene: Scene) -> Tensor:
    """Return ``1 - SSIM`` (), the mean over pixels (Wang et al. 2004, equation 13; Gaussian window, sigma 1.5)."""
    similarity: Tensor = kornia.metrics.ssim(scene.output.float(), scene.truth.float(), _WINDOW)
    return scene.mean(1 - similarity, _WINDOW // 2)
