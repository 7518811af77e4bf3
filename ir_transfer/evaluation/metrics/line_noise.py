"""Row and column noise, the stripes of an infrared sensor."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import median_filter
from scipy.stats import trim_mean
from torch import Tensor

SPAN = 9
"""Lines across which a line is compared with its neighbours."""

_MAD_TO_SIGMA = 1.4826


def line_noise(picture: Tensor) -> Tensor:
    """Return the standard deviation (B,) of line-to-line offsets, rows and columns added in quadrature.

    An offset is the mean along a line of its difference from the median of the :data:`SPAN` lines around it, without
    the lowest and highest quarter: an object covers a part of the line only and does not count, and unlike a median
    the mean of 8-bit values is finer than their step. The spread over the lines is taken robustly (the
    median absolute value), so that a horizon does not count either. It is a share of the range; white noise of
    standard deviation s leaves about s / sqrt(length of a line).

    Args:
        picture: (B, 1, H, W) in [0, 1].
    """
    arrays = picture[:, 0].double().cpu().numpy()
    found = [np.hypot(_row_noise(one), _row_noise(one.T)) for one in arrays]
    return torch.tensor(found, dtype=torch.float64)


def _row_noise(picture: NDArray[np.float64]) -> float:
    smooth = median_filter(picture, size=(SPAN, 1), mode="reflect")
    offsets = trim_mean(picture - smooth, 0.25, axis=1)
    return float(_MAD_TO_SIGMA * np.median(np.abs(offsets)))
