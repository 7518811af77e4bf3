"""Overview of an image, and the image of the size that the content encoder was trained on."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from ir_transfer.nn.interpolation import interpolated
from ir_transfer.nn.limits import SMALLEST_SIDE

ENCODED_PIXELS = 360 * 480
"""Number of pixels of the encoder's image, that of the images from which it was distilled.

In images enlarged to a width of 800 pixels, the thermal map of the overview itself correlates less with real infrared
than that of this size (RoadScene .65 and .76), and in images of 320 x 240 pixels, it misses far people.
"""

MULTIPLE = 8
"""Both sides of the encoder's image are multiples of it, so that its levels up to stride 8 align, as in training."""

LARGEST_SCALE = 2.0
"""Largest enlargement of a side."""

Scale = tuple[float | Tensor, float | Tensor]
"""Pixels of the encoder's image for each pixel of the overview, vertically and horizontally."""

SAME: Scale = (1.0, 1.0)
"""Scale if the encoder's image is the overview."""


def overview_of(images: Tensor, factor: int) -> Tensor:
    """Return images (B, C, H, W) averaged over cells of ``factor`` pixels a side; the last cells may be smaller."""
    return F.avg_pool2d(images, factor, ceil_mode=True, count_include_pad=False) if factor > 1 else images


def encoded_size(height: int, width: int) -> tuple[int, int]:
    """Return height and width of the encoder's image for an overview, multiples of :data:`MULTIPLE`."""
    scale = min(math.sqrt(ENCODED_PIXELS / (height * width)), LARGEST_SCALE)
    rows, columns = (max(SMALLEST_SIDE, round(scale * side / MULTIPLE) * MULTIPLE) for side in (height, width))
    return rows, columns


def encoder_image(overview: Tensor) -> tuple[Tensor, Scale]:
    """Return an overview (B, 3, h, w) interpolated to :func:`encoded_size`, (B, 3, h', w'), and its scale."""
    height, width = overview.shape[-2:]
    rows, columns = encoded_size(height, width)
    scale = rows / height, columns / width
    return (overview, SAME) if scale == SAME else (resized(overview, rows, columns, scale), scale)


def at_overview(maps: Tensor, scale: Scale, overview: Tensor, stride: int) -> Tensor:
    """Return maps of the encoder's image at the positions of the overview.

    Args:
        maps: One value for each cell of ``stride`` pixels of the encoder's image (B, C, h, w).
        scale: Of the encoder's image.
        overview: The overview (B, 3, H, W).
        stride: Side of a cell in pixels.

    Returns:
        One value for each cell of ``stride`` pixels of the overview (B, C, ceil(H / stride), ceil(W / stride)).
    """
    if scale is SAME:
        return maps
    rows, columns = ((size + stride - 1) // stride for size in overview.shape[-2:])
    vertical, horizontal = scale
    return resized(maps, rows, columns, (1 / vertical, 1 / horizontal))


def resized(maps: Tensor, rows: int | Tensor, columns: int | Tensor, scale: Scale) -> Tensor:
    """Return maps (B, C, h, w) of any range interpolated bilinearly to (B, C, rows, columns).

    The scale need not be the ratio of the sizes, since the last cells of maps may reach beyond their image.
    """
    for axis, count, factor in zip((-2, -1), (rows, columns), scale, strict=True):
        centres = torch.arange(count, device=maps.device, dtype=torch.float32) + 0.5  # type: ignore[arg-type]
        maps = interpolated(maps, axis, centres / factor - 0.5)
    return maps
