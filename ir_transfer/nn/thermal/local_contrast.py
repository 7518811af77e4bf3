"""Locally standardised luminance: detail in dark parts of an RGB image becomes as strong as in bright parts."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from kornia.color import rgb_to_grayscale
from torch import Tensor

from ir_transfer.nn.box_mean import box_mean
from ir_transfer.nn.thermal.exemplar_encoder import pooled

CELL = 4
"""Side of a cell of the statistics in pixels of the overview."""

_NEIGHBOURHOOD = 5  # cells a side
NOISE = 0.01
"""Deviation added in quadrature, so that the noise of a flat dark area stays weak."""

_LARGEST = 3.0
_SMOOTHEST = 0.25  # share of an image
_QUIETEST = 0.05  # share of an image
_SPREAD = 4.0  # largest variance of noise, relative to that of the quietest positions
_UNIFORM = 1e-6  # variance of positions that are clipped or painted
_COUNTED = 2.5  # of the variance, since noise is not equally strong everywhere
_LARGEST_NOISE = 0.03  # deviation: an image without smooth areas is not all noise


def cell_means(images: Tensor) -> Tensor:
    """Return the means of cells of 4 x 4 pixels (B, C, ceil(h / 4), ceil(w / 4)) of images (B, C, h, w)."""
    return F.avg_pool2d(images, CELL, ceil_mode=True, count_include_pad=False)


def luma_statistics(overview: Tensor) -> Tensor:
    """Return mean and deviation of the luminance around every cell of 4 x 4 pixels, (B, 2, ceil(h / 4), ceil(w / 4)).

    Args:
        overview: The whole image, reduced (B, 3, h, w), sRGB in [0, 1].
    """
    luma = rgb_to_grayscale(overview.float())
    cells = torch.cat([cell_means(luma), cell_means(luma.square())], dim=1)
    means = box_mean(cells, _NEIGHBOURHOOD)
    mean, square = means.chunk(2, dim=1)
    return torch.cat([mean, ((square - mean.square()).clamp(min=0) + NOISE**2).sqrt()], dim=1)


def noise_level(deviation: Tensor, weights: Tensor | None = None) -> Tensor:
    """Return the deviation of the noise (B, 1, 1, 1) of RGB images, from the smoothest quarter of their positions.

    Night skies and other smooth areas have grain and compression artefacts, whose strength differs between cameras. The
    exemplar's grain takes their place; see :mod:`~ir_transfer.nn.thermal.grain`. Where less than a quarter of an image
    is smooth, as in woods by day, that quarter includes texture: the variance is therefore at most 4 times that of the
    quietest twentieth, without uniform positions. The level is at most 0.03. It includes :data:`NOISE`, as
    ``deviation`` does.

    Args:
        deviation: Local deviation of the luminance (B, 1, h, w); see :func:`luma_statistics`.
        weights: Position weights (B or 1, 1, H, W); positions of weight below 0.5 are ignored. None for equal ones.
    """
    values = deviation.flatten(1)
    counted = torch.ones_like(values) > 0
    if weights is not None:
        counted = (pooled(weights, deviation).flatten(1) > 0.5) & counted
    variance = values.clamp(max=_LARGEST_NOISE).square() - NOISE**2
    ordered = variance.masked_fill(~counted, _LARGEST_NOISE**2 - NOISE**2).sort(dim=1).values
    count = counted.sum(1, keepdim=True)
    uniform = (counted & (variance < _UNIFORM)).sum(1, keepdim=True)
    smooth, quiet = (
        ordered.gather(1, place.long().clamp(max=values.shape[1] - 1))
        for place in (_SMOOTHEST * count, uniform + _QUIETEST * (count - uniform))
    )
    noise = torch.minimum(smooth, _SPREAD * quiet)
    return (_COUNTED * noise.clamp(min=0) + NOISE**2).sqrt()[..., None, None]


def with_local_contrast(images: Tensor, statistics: Tensor) -> Tensor:
    """Return RGB images in [-1, 1] with their locally standardised luminance, (B, 4, h, w).

    Args:
        images: sRGB (B, 3, h, w) in [0, 1].
        statistics: Of the whole image, interpolated at each pixel (B, 2, h, w); see :func:`luma_statistics`.
    """
    return with_contrast_to(images, *statistics.to(images).chunk(2, dim=1))


def with_contrast_to(images: Tensor, mean: Tensor, deviation: Tensor) -> Tensor:
    """Return the same as :func:`with_local_contrast`, for mean and deviation (B, 1, h, w) each."""
    local = ((rgb_to_grayscale(images) - mean) / deviation).clamp(-_LARGEST, _LARGEST)
    return torch.cat([2 * images - 1, local], dim=1)
