"""Embossing: detail of the output that follows the luminance of the RGB image with one sign everywhere."""

import kornia
import torch
from torch import Tensor

from ir_transfer.losses.base import Scene

_SIGMA = 4.0
_REACH = round(2.5 * _SIGMA)
_FLOOR = 1e-20  # far below the variances of rounding
_ALLOWED = 0.2
"""Largest magnitude of the correlation in real infrared images; the average is 0.05."""


def embossing(scene: Scene) -> Tensor:
    """Return the mean excess () of the magnitude of the high-pass correlation with the luma over 0.2."""
    return torch.relu(luma_correlation(scene).abs() - _ALLOWED).mean()


def luma_correlation(scene: Scene) -> Tensor:
    """Return the correlation (B,) of output and luma, each less its Gaussian mean with a sigma of 4 pixels."""
    luma = kornia.color.rgb_to_grayscale(scene.content.float())
    return scene.correlation(_highpass(scene.output.float()), _highpass(luma), _FLOOR, _REACH)


def _highpass(images: Tensor) -> Tensor:
    side = 2 * _REACH + 1
    return images - kornia.filters.gaussian_blur2d(images, (side, side), (_SIGMA, _SIGMA), "reflect")
