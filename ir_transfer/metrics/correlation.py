"""Correlations of two images: of coarse cells, of edges, of fine detail, and of an output with its negative."""

import math
from collections.abc import Iterator

import torch
import torch.nn.functional as F
from kornia.filters import gaussian_blur2d, spatial_gradient
from torch import Tensor

from ir_transfer.metrics.edges import magnitude

EDGE_TOLERANCE = 3
"""Largest registration error of public pairs, in pixels."""

SIGN_TOLERANCE = 2
"""Largest registration error of a well-registered pair, in pixels."""

CELL = 16
"""Side of a cell in pixels."""

SIGMA = 4.0
"""Standard deviation in pixels of the Gaussian that a high-pass subtracts."""

_TRUNCATE = 4  # standard deviations that the kernel reaches


def pearson(a: Tensor, b: Tensor) -> Tensor:
    """Return Pearson's correlation of two images (B, 1, H, W) over their pixels (B,); 0 where one is flat.

    scipy.stats.pearsonr is not used, since it returns NaN or a rounding error for a flat image.
    """
    a, b = (x.flatten(1).double() for x in (a, b))
    return cosine(*(x - x.mean(dim=1, keepdim=True) for x in (a, b))).clamp(-1, 1)


def polarity_correlation(upright: Tensor, inverted: Tensor) -> Tensor:
    """Return the correlation (B,) of outputs made with an exemplar and with its negative.

    -1: the exemplar alone determines the polarity. +1: the exemplar's polarity has no effect. 0 for a flat output.

    Args:
        upright: Output with the exemplar, (B, 1, H, W) in [0, 1].
        inverted: Output with 1 - exemplar.
    """
    return pearson(upright, inverted)


def gradient_correlation(output: Tensor, other: Tensor) -> Tensor:
    """Return the correlation (B,) of Sobel gradient magnitudes: 1 if both images have the same edges.

    It does not depend on polarity, so the RGB image's luma can be the other image.

    Args:
        output: (B, 1, H, W) in [0, 1].
        other: Same shape: the luma of the RGB image, or the ground truth.
    """
    return pearson(magnitude(output), magnitude(other))


def tolerant_gradient_correlation(output: Tensor, ground_truth: Tensor, tolerance: int = EDGE_TOLERANCE) -> Tensor:
    """Return the largest :func:`gradient_correlation` (B,) over shifts of the ground truth.

    Public pairs are registered to 1 to 3 pixels, and sharp edges that are 2 pixels apart do not correlate. One shift is
    applied to the whole image, so that local distortions of edges are not rewarded.

    Args:
        output: (B, 1, H, W) in [0, 1], sides > 2 ``tolerance``.
        ground_truth: Same shape.
        tolerance: Largest shift in pixels, in each direction.
    """
    inner, moved = all_shifts(magnitude(output), magnitude(ground_truth), tolerance)
    return torch.stack([pearson(inner, other) for other in moved]).amax(dim=0)


def gradient_agreement(output: Tensor, ground_truth: Tensor, tolerance: int = SIGN_TOLERANCE) -> Tensor:
    """Return the largest cosine (B,) of the two gradient fields over shifts of the ground truth; 0 for a flat image.

    Edges are weighted by their strength in both images, and those of the wrong sign count negatively: a negative
    scores -1, where the correlation of magnitudes would be 1. One shift is applied to the whole image.

    Args:
        output: (B, 1, H, W) in [0, 1], white-hot, sides > 2 ``tolerance``.
        ground_truth: Same shape.
        tolerance: Largest shift in pixels, in each direction.
    """
    ours, theirs = (spatial_gradient(image.double(), mode="sobel") for image in (output, ground_truth))
    inner, moved = all_shifts(ours, theirs, tolerance)
    return torch.stack([cosine(inner.flatten(1), other.flatten(1)) for other in moved]).amax(dim=0)


def all_shifts(fixed: Tensor, moved: Tensor, tolerance: int) -> tuple[Tensor, Iterator[Tensor]]:
    """Return the first tensor (..., H, W) without a border, and the second at all shifts of up to ``tolerance``."""
    height, width = (side - 2 * tolerance for side in fixed.shape[-2:])
    steps = range(2 * tolerance + 1)
    inner = fixed[..., tolerance : tolerance + height, tolerance : tolerance + width]
    return inner, (moved[..., top : top + height, left : left + width] for top in steps for left in steps)


def cosine(a: Tensor, b: Tensor) -> Tensor:
    """Return the cosine (B,) of vectors (B, N); 0 where one is flat."""
    scale = a.norm(dim=1) * b.norm(dim=1)
    # A rounding error of a flat image must not become a direction.
    flat = scale <= 1e-6 * a.shape[1]
    return torch.where(flat, 0.0, (a * b).sum(dim=1) / scale.clamp(min=1e-12))


def cell_correlation(output: Tensor, ground_truth: Tensor, cell: int = CELL) -> Tensor:
    """Return Pearson's correlation (B,) over the means of cells; 0 where all cells of an image are equal.

    It does not depend on gain and offset, on detail, or on a registration error of a few pixels.
    Cells at the right and lower border are averaged over the pixels inside the image.

    Args:
        output: (B, 1, H, W) in [0, 1].
        ground_truth: Same shape.
        cell: Side of a cell in pixels.
    """
    means = [F.avg_pool2d(image.double(), cell, ceil_mode=True) for image in (output, ground_truth)]
    return pearson(*means)


def highpass(image: Tensor, sigma: float = SIGMA) -> Tensor:
    """Return an image (B, 1, H, W) minus its Gaussian blur; borders are replicated."""
    side = 2 * math.ceil(_TRUNCATE * sigma) + 1
    values = image.double()
    return values - gaussian_blur2d(values, (side, side), (sigma, sigma), border_type="replicate")


def highpass_correlation(output: Tensor, other: Tensor, sigma: float = SIGMA) -> Tensor:
    """Return Pearson's signed correlation (B,) of two images' :func:`highpass`; 0 where one is flat.

    With the RGB image's luma it measures embossing: a model that copies the RGB image's detail with one sign is near
    +1 or -1, real long-wave images are near 0. With the ground truth it measures correct detail.

    Args:
        output: (B, 1, H, W) in [0, 1], white-hot.
        other: Same shape: the luma of the RGB image, or the ground truth.
        sigma: Standard deviation of the Gaussian in pixels.
    """
    return pearson(highpass(output, sigma), highpass(other, sigma))
