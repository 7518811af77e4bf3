"""Embossing: detail of the output that follows the luminance of the RGB image with one sign everywhere."""

from __future__ import annotations

import kornia
import torch
from torch import Tensor

from ir_transfer.losses.base import Scene

_SIGMA = 4.0
_ALLOWED = 0.2
"""Largest magnitude of the correlation in real infrared images; their average is .05."""


def embossing(scene: Scene) -> Tensor:
    """Return the mean excess of the high-pass correlation with the luma over .2 in magnitude."""
    return torch.relu(luma_correlation(scene).abs() - _ALLOWED).mean()


def luma_correlation(scene: Scene) -> Tensor:
    """Return the correlation (B,) of output and luma, each less its Gaussian mean with a sigma of 4 pixels."""
    luma = kornia.color.rgb_to_grayscale(scene.content.float())
    pair = torch.stack([_highpass(scene.output.float()), _highpass(luma)]).flatten(2)
    pair = pair - pair.mean(dim=-1, keepdim=True)
    product = (pair[0] * pair[1]).sum(-1)
    return product / (pair.square().sum(-1).prod(0) + 1e-12).sqrt()


def _highpass(images: Tensor) -> Tensor:
    side = 2 * round(2.5 * _SIGMA) + 1
    return images - kornia.filters.gaussian_blur2d(images, (side, side), (_SIGMA, _SIGMA), "reflect")
