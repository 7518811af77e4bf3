"""Sampling of low-resolution maps at the pixels of a window of the full-size image, such as a tile."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from ir_transfer.nn.interpolation import interpolated

_MOST_ROWS = 1.5  # of those needed: a strip of a large image may be thinner than a cell


class Window(NamedTuple):
    """A window of a full-size image.

    Attributes:
        top: First row.
        left: First column.
        height: Rows of the window.
        width: Columns of the window.
        full_height: Rows of the whole image.
        full_width: Columns of the whole image.
    """

    top: int
    left: int
    height: int
    width: int
    full_height: int
    full_width: int

    @classmethod
    def whole(cls, height: int, width: int) -> Window:
        """Return the window that is the whole image."""
        return cls(0, 0, height, width, height, width)

    def rows(self, top: int, bottom: int) -> Window:
        """Return the rows from ``top`` to below ``bottom`` of this window."""
        return self._replace(top=self.top + top, height=bottom - top)


def sample(maps: Tensor, window: Window, stride: int) -> Tensor:
    """Return maps (B, C, h, w) interpolated bilinearly at every pixel of a window, (B, C, height, width).

    The value of a pixel depends only on its position in the full-size image, so that tiles equal the whole image.

    Args:
        maps: One value for each cell of ``stride`` pixels; the last cells may reach beyond the image.
        window: Window to read.
        stride: Side of a cell in pixels.
    """
    if stride == 1:
        return maps[..., window.top : window.top + window.height, window.left : window.left + window.width]
    rows = _cells(window.top, window.height, stride, maps.shape[-2])
    columns = _cells(window.left, window.width, stride, maps.shape[-1])
    part = maps[..., rows.start : rows.stop, columns.start : columns.stop]
    top, left = window.top - rows.start * stride, window.left - columns.start * stride
    height, width = len(rows) * stride, len(columns) * stride
    if height > _MOST_ROWS * window.height:
        part, top, height = _interpolated_rows(part, top, window.height, stride), 0, window.height
    larger = F.interpolate(part, (height, width), mode="bilinear", align_corners=False)
    return larger[..., top : top + window.height, left : left + window.width]


def _interpolated_rows(maps: Tensor, top: int, height: int, stride: int) -> Tensor:
    """Return maps (B, C, h, w) interpolated at rows ``top`` to ``top + height`` of cells of ``stride`` pixels."""
    centres = torch.arange(top, top + height, device=maps.device, dtype=torch.float64) + 0.5
    return interpolated(maps, -2, centres / stride - 0.5)


def _cells(start: int, count: int, stride: int, cells: int) -> range:
    """Return the cells that pixels ``start`` to ``start + count`` depend on: theirs and one on each side."""
    return range(max(start // stride - 1, 0), min((start + count - 1) // stride + 2, cells))
