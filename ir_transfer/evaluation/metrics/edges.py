"""Are the photograph's edges still there, and still in place? Labels drawn on it must fit the output."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from kornia.filters import spatial_gradient
from numpy.typing import NDArray
from skimage.registration import phase_cross_correlation
from torch import Tensor

STRONG = 0.9
"""Edges are the gradient magnitudes above this quantile of their picture."""

WINDOW = 64
"""Side of the windows whose shift is measured, half a window apart."""

STRUCTURE = 0.01
"""A window with a smaller spread of gradient magnitudes in either picture shows nothing that could shift."""

LIMIT = 0.5
"""Largest median shift in pixels at which labels still fit."""

_UPSAMPLING = 20  # phase correlation answers in twentieths of a pixel


def magnitude(picture: Tensor) -> Tensor:
    """Return the Sobel gradient magnitude (B, 1, H, W) of a picture."""
    gradient: Tensor = spatial_gradient(picture, mode="sobel")
    length: Tensor = gradient.norm(dim=2)
    return length


def edges_kept(output: Tensor, luma: Tensor) -> Tensor:
    """Return the share (B,) of the photograph's edge pixels that have an edge pixel of the output within 1 pixel.

    Edges are the strongest tenth of either picture's gradients (:data:`STRONG`), so that neither contrast nor polarity
    matters; chance alone keeps up to 0.6 of scattered edges, far less of lines. A flat picture has no edge.

    Args:
        output: (B, 1, H, W) in [0, 1].
        luma: Same shape, of the photograph.
    """
    wanted, found = (_strong(picture) for picture in (luma, output))
    near = F.max_pool2d(found.float(), 3, stride=1, padding=1) > 0
    kept = (wanted & near).sum(dim=(1, 2, 3))
    return kept.double() / wanted.sum(dim=(1, 2, 3)).clamp(min=1)


def _strong(picture: Tensor) -> Tensor:
    strength = magnitude(picture)
    # A rounding error of a flat picture is no edge.
    limits = np.quantile(strength.flatten(1).cpu().numpy(), STRONG, axis=1).clip(min=1e-4)
    return strength > torch.from_numpy(limits).to(strength)[:, None, None, None]


def shift(output: Tensor, luma: Tensor) -> tuple[float, int]:
    """Return how far in pixels an output has moved from its photograph, and the number of windows measured.

    Phase correlation (Kuglin and Hines 1975) of the gradient magnitudes, refined to a twentieth of a pixel by an
    up-sampled transform (Guizar-Sicairos et al. 2008), in windows half a :data:`WINDOW` apart that have
    :data:`STRUCTURE` in both pictures. The median over windows is taken of each component, and its length returned: a
    window without a counterpart finds a random shift, and random lengths do not cancel while random directions do.
    0 windows, and no meaning, for a flat picture.

    Args:
        output: (1, 1, H, W) in [0, 1].
        luma: Same shape, of the photograph.
    """
    pictures = [magnitude(picture)[0, 0].double().cpu().numpy() for picture in (luma, output)]
    height, width = pictures[0].shape
    side = min(WINDOW, height, width)
    taper = np.outer(np.hanning(side), np.hanning(side))
    found = []
    for top in range(0, height - side + 1, max(side // 2, 1)):
        for left in range(0, width - side + 1, max(side // 2, 1)):
            windows = [picture[top : top + side, left : left + side] for picture in pictures]
            if min(window.std() for window in windows) >= STRUCTURE:
                found.append(_move(*(taper * (window - window.mean()) for window in windows)))
    return (float(np.hypot(*np.median(found, axis=0))), len(found)) if found else (0.0, 0)


def _move(fixed: NDArray[np.float64], moved: NDArray[np.float64]) -> NDArray[np.float64]:
    by, _, _ = phase_cross_correlation(fixed, moved, upsample_factor=_UPSAMPLING, normalization="phase")
    return np.asarray(by, dtype=np.float64)
