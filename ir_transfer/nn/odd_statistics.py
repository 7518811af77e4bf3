"""Odd statistics of images, which change sign when the image is negated: third moments and asymmetries.

Even statistics are equal for an image and its negative, so they carry no information about its polarity.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

SIDES = (192, 256)
"""Height and width in pixels of the input."""

LEVELS = 5
"""Scales: cells of 1, 2, 4, 8 and 16 pixels."""

_THRESHOLDS = (1.0, 2.0, 4.0, 8.0)
_ROWS = 8
_ASYMMETRIES = 3 + len(_THRESHOLDS)
COUNT = (
    LEVELS * _ASYMMETRIES  # of blobs
    + LEVELS * 3  # of blobs in the upper, middle and lower third
    + 2 * _ASYMMETRIES  # of intensities
    + LEVELS * 2  # of vertical gradients
    + LEVELS * (LEVELS - 1) // 2
    + 2 * (LEVELS - 1)  # of coarse structure against fine energy
    + _ROWS
)
"""Number of statistics."""


def odd_statistics(images: Tensor) -> Tensor:
    """Return statistics (B, C) of images (B, 1, 192, 256) of any gain and offset.

    A blob is a cell minus the mean over 7 x 7 cells, which is wide enough that the surroundings of a hot spot do not
    count as cold blobs. Asymmetries of hot and cold blobs are the skewness and means of odd functions with thresholds.
    The correlation of a level with the local energy of a finer one is included because smooth skies are cold.
    """
    x = _standardised(images.float())
    cells = [x]
    for _ in range(LEVELS - 1):
        cells.append(F.avg_pool2d(cells[-1], 2))
    blobs = [_standardised(level - _surroundings(level)) for level in cells]
    found = [one for blob in blobs for one in _asymmetries(blob)]
    found += [_exceedance(third, 2).mean((1, 2, 3)) for blob in blobs for third in blob.chunk(3, dim=2)]
    found += [one for level in (cells[1], cells[3]) for one in _asymmetries(_standardised(level))]
    for level in cells:
        slope = _standardised(level[..., 1:, :] - level[..., :-1, :])
        found += [_cube_root(slope.pow(3).mean((1, 2, 3))), _exceedance(slope, 2).mean((1, 2, 3))]
    found += _against_energy(blobs, cells)
    profile = F.adaptive_avg_pool2d(x, (_ROWS, 1))[:, 0, :, 0]
    return torch.cat([torch.stack(found, dim=1), profile], dim=1)


def _asymmetries(x: Tensor) -> list[Tensor]:
    """Return odd statistics (B,) of standardised values (B, 1, h, w)."""
    powers = [_cube_root(x.pow(3).mean((1, 2, 3))), (x * x.abs()).mean((1, 2, 3)), torch.tanh(2 * x).mean((1, 2, 3))]
    return powers + [_exceedance(x, threshold).mean((1, 2, 3)) for threshold in _THRESHOLDS]


def _exceedance(x: Tensor, threshold: float) -> Tensor:
    """Return the signed excess of values over a threshold on either side."""
    return x - x.clamp(-threshold, threshold)


def _against_energy(blobs: list[Tensor], cells: list[Tensor]) -> list[Tensor]:
    """Return correlations (B,) of coarse blobs, and of the intensity at two scales, with the energy of finer blobs."""
    found = []
    for fine in range(LEVELS - 1):
        energy = blobs[fine].pow(2)
        for coarse in range(fine + 1, LEVELS):
            energy = F.avg_pool2d(energy, 2)
            found.append(_correlation(blobs[coarse], energy))
        found.append(_correlation(cells[-1], energy.sqrt()))
        found.append(_correlation(F.avg_pool2d(cells[-1], 2), F.avg_pool2d(energy, 2).sqrt()))
    return found


def _correlation(a: Tensor, b: Tensor) -> Tensor:
    return (_standardised(a) * _standardised(b)).mean((1, 2, 3))


def _standardised(x: Tensor) -> Tensor:
    std, mean = torch.std_mean(x, dim=(1, 2, 3), keepdim=True)
    return (x - mean) / (std + 1e-4)


def _surroundings(x: Tensor) -> Tensor:
    x = F.avg_pool2d(x, (7, 1), stride=1, padding=(3, 0), count_include_pad=False)
    return F.avg_pool2d(x, (1, 7), stride=1, padding=(0, 3), count_include_pad=False)


def _cube_root(x: Tensor) -> Tensor:
    return x.sign() * (x.abs() + 1e-9).pow(1 / 3)
