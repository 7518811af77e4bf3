"""Guided filter: a low-resolution map as a local linear function of an RGB image, which determines its edges."""

from __future__ import annotations

import torch
from torch import Tensor

from ir_transfer.nn.box_mean import box_mean
from ir_transfer.nn.thermal.local_contrast import cell_means

_SCENE = (21, 11)  # cells: sides of the windows in which coefficients are fitted and averaged
_OBJECTS = (5, 3)
_LEFT = 0.5  # share of the residual that is added where there are no objects
_NOISE = 1e-3  # variance below which a window counts as flat, of sRGB whose mean around it is .4
_LEVEL, _DARK, _AROUND = 0.4, 0.05, 25  # mean after exposure, mean of noise, cells: side of its window


def fit_to_overview(thermal: Tensor, overview: Tensor, objects: Tensor) -> Tensor:
    """Return the local linear fit of a map to its RGB image (He et al. 2013, equations 19 to 21).

    The coefficients apply to the image at any larger size (He and Sun 2015), so that the edges of the result are those
    of the full-size image and its values those of the map. The exposure of the image is equalised locally first, so
    that dark areas have edges too. Windows of 84 pixels preserve the tones of materials and remove blotches of the map
    that the image does not show, but also the heat of people, whose clothes may have any colour, and trees against a
    dark sky. The residual is therefore fitted in windows of 20 pixels, and added in full at objects and by half
    elsewhere.

    Args:
        thermal: Map (B, 1, h, w), one value for each cell of 4 x 4 pixels of the overview.
        overview: sRGB (B, 3, H, W) in [0, 1].
        objects: Probability of people, two-wheelers or vehicles in [0, 1], (B, 1, h, w).

    Returns:
        Slopes for red, green and blue, and the offset: (B, 4, h, w).
    """
    rgb = cell_means(overview.to(thermal))
    exposure = _LEVEL / (box_mean(rgb.mean(1, keepdim=True), _AROUND) + _DARK)
    rgb = rgb * exposure
    fit = _fit(thermal, rgb, *_SCENE)
    left = (_LEFT + (1 - _LEFT) * objects.to(thermal)) * (thermal - fitted(fit, rgb))
    fit = fit + _fit(left, rgb, *_OBJECTS)
    return torch.cat([fit[:, :3] * exposure, fit[:, 3:]], dim=1)


def _fit(thermal: Tensor, rgb: Tensor, window: int, average: int) -> Tensor:
    """Return slopes and offset (B, 4, h, w), fitted in windows and averaged over others."""
    opponent = torch.cat(_rotated(rgb - 0.5), dim=1)
    x, y, z = opponent.chunk(3, dim=1)
    products = torch.cat([opponent, thermal, opponent * thermal, x * opponent, y * y, y * z, z * z], dim=1)
    means, mean, cross, squares = torch.split(box_mean(products, window), [3, 1, 3, 6], dim=1)
    mx, my, mz = means.chunk(3, dim=1)
    scatter = squares - torch.cat([mx * means, my * my, my * mz, mz * mz], dim=1)
    slope = torch.cat(_rotated_back(_solved(scatter, cross - means * mean)), dim=1)
    offset = mean - (slope * box_mean(rgb, window)).sum(1, keepdim=True)
    return box_mean(torch.cat([slope, offset], dim=1), average)


def fitted(fit: Tensor, images: Tensor) -> Tensor:
    """Return ``slope . rgb + offset`` (B, 1, h, w).

    Args:
        fit: Slopes and offset at each pixel (B, 4, h, w).
        images: sRGB (B, 3, h, w) in [0, 1].
    """
    smooth: Tensor = (fit[:, :3] * images.to(fit)).sum(1, keepdim=True) + fit[:, 3:]
    return smooth


def _rotated(rgb: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return gray, red against blue, and green against both: orthonormal, and well conditioned for gray images."""
    red, green, blue = rgb.chunk(3, dim=1)
    return (red + green + blue) * 3**-0.5, (red - blue) * 2**-0.5, (red - 2 * green + blue) * 6**-0.5


def _rotated_back(opponent: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    gray, against_blue, against_green = (
        opponent[:, index : index + 1] * scale**-0.5 for index, scale in enumerate((3, 2, 6))
    )
    return gray + against_blue + against_green, gray - 2 * against_green, gray - against_blue + against_green


def _solved(scatter: Tensor, right: Tensor) -> Tensor:
    """Solve regularised symmetric 3 x 3 systems by cofactors, which exported graphs support.

    Args:
        scatter: Upper triangles (B, 6, h, w), by rows.
        right: Right-hand sides (B, 3, h, w).
    """
    xx, xy, xz, yy, yz, zz = scatter.chunk(6, dim=1)
    xx, yy, zz = xx + _NOISE, yy + _NOISE, zz + _NOISE
    first = torch.cat([yy * zz - yz * yz, xz * yz - xy * zz, xy * yz - xz * yy], dim=1)
    second = torch.cat([first[:, 1:2], xx * zz - xz * xz, xz * xy - xx * yz], dim=1)
    third = torch.cat([first[:, 2:], second[:, 2:], xx * yy - xy * xy], dim=1)
    determinant = xx * first[:, :1] + xy * first[:, 1:2] + xz * first[:, 2:]
    rows = [(cofactors * right).sum(1, keepdim=True) for cofactors in (first, second, third)]
    solved: Tensor = torch.cat(rows, dim=1) / determinant.clamp(min=_NOISE**3)
    return solved
