"""Guided filter: a low-resolution map as a local linear function of an RGB image, which places its edges."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

_FIT, _AVERAGE = 5, 3  # cells: sides of the windows in which coefficients are fitted and averaged
_NOISE = 3e-4  # variance of sRGB in [0, 1] below which a window counts as flat


class LinearFit(NamedTuple):
    """Coefficients of ``slope . rgb + offset``.

    Attributes:
        slope: (B, 3, h, w).
        offset: (B, 1, h, w).
    """

    slope: Tensor
    offset: Tensor


def fit_to_rgb(target: Tensor, rgb: Tensor) -> LinearFit:
    """Return the local linear fit of a map to an RGB image of the same size (He et al. 2013, equations 19 to 21).

    The coefficients apply to the image at any larger size (He and Sun 2015), so that the edges of the result are those
    of the full-size image and its values those of the map.

    Args:
        target: Map (B, 1, h, w).
        rgb: sRGB (B, 3, h, w) in [0, 1], averaged over the cells of the map.
    """
    mean_rgb, mean = _box(rgb, _FIT), _box(target, _FIT)
    covariance = _box(rgb * target, _FIT) - mean_rgb * mean
    red, green, blue = rgb.split(1, dim=1)
    products = torch.cat([red * rgb, green * green, green * blue, blue * blue], dim=1)
    r, g, b = mean_rgb.split(1, dim=1)
    scatter = _box(products, _FIT) - torch.cat([r * mean_rgb, g * g, g * b, b * b], dim=1)
    slope = _solve(scatter, covariance)
    offset = mean - (slope * mean_rgb).sum(1, keepdim=True)
    return LinearFit(_box(slope, _AVERAGE), _box(offset, _AVERAGE))


def _solve(scatter: Tensor, right: Tensor) -> Tensor:
    """Solve the regularised symmetric 3 x 3 systems (B, 6, h, w) by cofactors for right sides (B, 3, h, w)."""
    rr, rg, rb, gg, gb, bb = scatter.split(1, dim=1)
    rr, gg, bb = rr + _NOISE, gg + _NOISE, bb + _NOISE
    first = torch.cat([gg * bb - gb * gb, rb * gb - rg * bb, rg * gb - rb * gg], dim=1)
    second = torch.cat([first[:, 1:2], rr * bb - rb * rb, rb * rg - rr * gb], dim=1)
    third = torch.cat([first[:, 2:], second[:, 2:], rr * gg - rg * rg], dim=1)
    determinant = rr * first[:, :1] + rg * first[:, 1:2] + rb * first[:, 2:]
    rows = [(cofactors * right).sum(1, keepdim=True) for cofactors in (first, second, third)]
    return torch.cat(rows, dim=1) / determinant.clamp(min=_NOISE**3)


def _box(values: Tensor, side: int) -> Tensor:
    return F.avg_pool2d(values, side, 1, side // 2, count_include_pad=False)
