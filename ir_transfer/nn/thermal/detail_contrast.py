"""Contrast of fine detail: a statistic of the exemplar that, like the tone, is transferred to the translated image.

A network that is trained on detail of uncertain sign predicts too small an amplitude. Its coefficients are therefore
scaled so that the amplitude of the detail is the RGB image's contrast, times the factor of
:mod:`~ir_transfer.nn.thermal.detail_strength`, which is trained without the sign.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ir_transfer.nn.box_mean import box_mean
from ir_transfer.nn.precision import at_least_float32
from ir_transfer.nn.resize import resize_short_side
from ir_transfer.nn.thermal.exemplar_encoder import pooled
from ir_transfer.nn.thermal.guided_filter import fitted
from ir_transfer.nn.thermal.local_contrast import CELL, NOISE, cell_means, noise_level

SHORT_SIDE = 320
"""Short side in pixels at which exemplars are measured.

In images whose spectrum falls as 1 / f, the contrast of detail in pixels hardly depends on this size.
"""

_WINDOW = 5  # cells: detail is the difference from the mean of 20 x 20 pixels
_LEAST_SHARE = 0.06  # of the wanted energy: least energy of the added detail, even if that of the map suffices
_LARGEST_SHARE = 0.5  # of the image's variance
_LARGEST_GAIN = 3.0
_FLOOR = 1e-6
_POWER = 1.5
_LEAST_SQUARE = 1e-14  # keeps the gradient of a flat area finite
_NOISY = 0.02  # deviation of luminance below which noise dominates
_DARK = 0.05  # luminance below which contrast no longer rises
_EXPONENT = 0.4
_FLAT = 0.01  # contrast below which the strength of detail falls in proportion
_FAINT = 0.003  # deviation of detail that is too faint to be amplified


def detail_contrast(images: Tensor) -> Tensor:
    """Return the local deviation of an image's detail as a share of the image's deviation (B, 1).

    Args:
        images: In any range (B, 1, h, w).
    """
    sized = resize_short_side(at_least_float32(images), SHORT_SIDE, clamp=False)
    detail = sized[..., ::CELL, ::CELL] - local_mean(cell_means(sized))
    variance = sized.var((1, 2, 3), correction=0)[:, None]
    return (local_energy(detail.square(), None) / variance.clamp(min=_FLOOR)).sqrt()


def local_energy(squares: Tensor, weights: Tensor | None) -> Tensor:
    """Return the square of the power mean with exponent 1.5 of the detail's local deviations (B, 1).

    A few hot outlines can dominate the root mean square of an exemplar, which is too much for texture of all surfaces;
    the mean is too little for texture that covers the image.

    Args:
        squares: Squares of the detail (B, 1, h, w).
        weights: Position weights (B or 1, 1, H, W), or None for equal ones.
    """
    powers = (local_mean(squares).clamp(min=0) + _LEAST_SQUARE).pow(_POWER / 2)
    return mean_over(powers, weights).pow(2 / _POWER)


def local_mean(cells: Tensor) -> Tensor:
    """Return the means of 5 x 5 cells around each one (B, C, h, w)."""
    return box_mean(cells, _WINDOW)


def mean_over(values: Tensor, weights: Tensor | None) -> Tensor:
    """Return the mean (B, 1) of values (B, 1, h, w), with position weights (B or 1, 1, H, W) of any size."""
    if weights is None:
        return values.mean((1, 2, 3))[:, None]
    share = pooled(weights, values)
    total: Tensor = (values * share).sum((1, 2, 3)) / share.sum((1, 2, 3)).clamp(min=_FLOOR)
    return total[:, None]


def map_energy(fit: Tensor, overview: Tensor, weights: Tensor | None) -> Tensor:
    """Return variance and local energy of the detail (B, 2) of a thermal map that is fitted to its RGB image.

    Args:
        fit: Slopes and offset (B, 4, h, w); see :func:`~ir_transfer.nn.thermal.guided_filter.fit_to_overview`.
        overview: sRGB (B, 3, H, W) in [0, 1].
        weights: Position weights (B or 1, 1, H, W), or None for equal ones.
    """
    pixels = overview[..., ::CELL, ::CELL]
    smooth = fitted(fit, pixels)
    centred = smooth - mean_over(smooth, weights)[..., None, None]
    detail = (fit[:, :3] * (pixels - local_mean(cell_means(overview)))).sum(1, keepdim=True)
    return torch.cat([mean_over(centred.square(), weights), local_energy(detail.square(), weights)], dim=1)


def local_gain(energy: Tensor, luma: Tensor, weights: Tensor | None = None, objects: Tensor | None = None) -> Tensor:
    """Return the gain (B, 1, h, w) that gives detail the strength expected from the RGB image's contrast.

    In six sets of pairs, the local deviation of long-wave images is proportional to the RGB image's local contrast to
    the power of 0.23 to 0.52; with a power of 1, lamps would dominate the detail. The network's own amplitude is lowest
    where the sign of the detail is uncertain, which left parked cars and clothes without contours.

    Args:
        energy: Square of the detail (B, 1, h, w).
        luma: Mean and deviation of the luminance around each position (B, 2, h, w), in [0, 1].
        weights: Position weights (B or 1, 1, H, W), or None for equal ones.
        objects: Probability of people, two-wheelers or vehicles (B, 1, h, w), whose weak contrast is that of clothes
            and body panels rather than noise; None for no objects.
    """
    mean, deviation = luma.chunk(2, dim=1)
    noise = noise_level(deviation, weights).square() - NOISE**2
    if objects is not None:
        noise = noise * (1 - objects.to(noise))
    variance = (deviation.square() - NOISE**2 - noise).clamp(min=0)
    contrast = variance / (variance + _NOISY**2).sqrt() / (mean + _DARK)
    strength = contrast / (contrast + _FLAT).pow(1 - _EXPONENT)
    return strength / (local_mean(energy) + _FAINT**2).sqrt()


def coarser(gain: Tensor) -> Tensor:
    """Return a gain (B, 1, h, w) at half the resolution, (B, 1, ceil(h / 2), ceil(w / 2))."""
    return F.avg_pool2d(gain, 2, ceil_mode=True, count_include_pad=False)


def finer(values: Tensor, like: Tensor) -> Tensor:
    """Return values (B, C, ceil(h / 2), ceil(w / 2)) interpolated to the positions of a map (B, K, h, w)."""
    height, width = like.shape[-2:]
    return F.interpolate(values, scale_factor=2, mode="bilinear")[..., :height, :width]


def detail_gain(energy: Tensor, contrast: Tensor) -> Tensor:
    """Return the gain (B, 1) of the detail that gives the image the wanted contrast of detail.

    It is at most 3, beyond which it would amplify the noise of images without detail.

    Args:
        energy: Variance of the fitted thermal map, local energy of its own detail, and that of the detail that is
            added to it (B, 3).
        contrast: Wanted :func:`detail_contrast` (B or 1, 1).
    """
    variance, of_map, of_detail = energy.chunk(3, dim=1)
    share = contrast.square().clamp(max=_LARGEST_SHARE)
    wanted = share * variance
    missing = torch.maximum(wanted - of_map, _LEAST_SHARE * wanted) / (1 - share)
    # The gradient of the root is infinite at 0, the value of a flat map.
    return (missing / of_detail.clamp(min=_FLOOR) + _FLOOR).sqrt().clamp(max=_LARGEST_GAIN)
