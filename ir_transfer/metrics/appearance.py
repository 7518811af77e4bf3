"""Contrast, intensity distribution, power spectrum and line noise of an image."""

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import median_filter
from scipy.stats import trim_mean, wasserstein_distance
from torch import Tensor


def contrast(output: Tensor, reference: Tensor) -> Tensor:
    """Return the standard deviation (B,) over that of a reference; a flat reference counts as 1/1000 of the range.

    Args:
        output: (B, 1, H, W) in [0, 1].
        reference: (1 or B, 1, h, w) in [0, 1]: the exemplar, or the ground truth.
    """
    ours, theirs = (image.double().flatten(1).std(dim=1, correction=0) for image in (output, reference))
    return ours / theirs.clamp(min=1e-3)


def wasserstein(output: Tensor, reference: Tensor) -> Tensor:
    """Return the 1-Wasserstein (earth mover's) distance (B,) of the images' intensities, as a share of the range.

    The mean absolute difference of the two quantile functions, without bins.

    Args:
        output: (B, 1, H, W) in [0, 1].
        reference: (1 or B, 1, h, w) in [0, 1], of any size: the exemplar, or the ground truth.
    """
    pairs = zip(output, reference.expand(len(output), -1, -1, -1), strict=True)
    found = [wasserstein_distance(*(p.flatten().double().cpu().numpy() for p in pair)) for pair in pairs]
    return torch.tensor(found, dtype=torch.float64)


FLOOR = 1 / (12 * 255**2)
"""Power of 8-bit rounding noise, added before the logarithm, so that flat images have a finite level."""

RINGS = 32
"""Rings of equal width from 0 to 0.5 cycles per pixel, for images of any size and aspect."""


def radial_power(image: Tensor) -> Tensor:
    """Return the mean power per pixel and frequency (B, RINGS) in each ring of frequencies, without the mean.

    A Hann window removes the jump between opposite borders; its loss of power is compensated.

    Args:
        image: (B, 1, H, W) in [0, 1], sides >= 16.
    """
    centred = image[:, 0].double() - image[:, 0].double().mean(dim=(1, 2), keepdim=True)
    height, width = centred.shape[-2:]
    window = torch.outer(*(torch.hann_window(side, dtype=torch.float64) for side in (height, width)))
    power = torch.fft.fft2(centred * window.to(centred)).abs().square() / window.square().sum().item()
    radius = torch.hypot(torch.fft.fftfreq(height)[:, None], torch.fft.fftfreq(width)[None])
    ring = (radius * 2 * RINGS).long().flatten()
    inside = (ring < RINGS) & (radius.flatten() > 0)
    sums = power.new_zeros(len(power), RINGS).index_add(
        1, ring[inside].to(power.device), power.flatten(1)[:, inside.to(power.device)]
    )
    means: Tensor = sums / torch.bincount(ring[inside], minlength=RINGS).to(sums)
    return means


def spectrum_distance(output: Tensor, ground_truth: Tensor) -> Tensor:
    """Return the mean difference (B,) in dB of the two images' radial power spectra, over rings that both have.

    Args:
        output: (B, 1, H, W) in [0, 1], sides >= 16.
        ground_truth: Same shape.
    """
    levels = [10 * (radial_power(image) + FLOOR).log10() for image in (output, ground_truth)]
    # A small image has no frequency in some rings, whose mean is NaN.
    return (levels[0] - levels[1]).abs().nanmean(dim=1)


SPAN = 9
"""Number of lines whose median a line is compared with."""

_MAD_TO_SIGMA = 1.4826


def line_noise(image: Tensor) -> Tensor:
    """Return the standard deviation (B,) of line-to-line offsets, rows and columns added in quadrature.

    An offset is the trimmed mean along a line of its difference from the median of the :data:`SPAN` lines around it,
    without the lowest and highest quarter, which excludes objects; unlike a median, it resolves less than a step of
    8-bit values. The standard deviation is estimated from the median absolute value, which excludes horizons. It is a
    share of the range; white noise of standard deviation s contributes about s / sqrt(length of a line).

    Args:
        image: (B, 1, H, W) in [0, 1].
    """
    arrays = image[:, 0].double().cpu().numpy()
    found = [np.hypot(_row_noise(one), _row_noise(one.T)) for one in arrays]
    return torch.tensor(found, dtype=torch.float64)


def _row_noise(image: NDArray[np.float64]) -> float:
    smooth = median_filter(image, size=(SPAN, 1), mode="reflect")
    offsets = trim_mean(image - smooth, 0.25, axis=1)
    return float(_MAD_TO_SIGMA * np.median(np.abs(offsets)))
