"""Reduction of an image to its overview and the encoder's image by tensors of the graph, so that any size works."""

from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from ir_transfer.nn.limits import SMALLEST_SIDE
from ir_transfer.nn.thermal.overview import ENCODED_PIXELS, LARGEST_SCALE, MULTIPLE, resized


class FactorTable(NamedTuple):
    """Overview factor as a step function of the number of pixels.

    Attributes:
        limits: Largest number of pixels for each factor but the last, ascending.
        factors: Factors, one more than ``limits``.
    """

    limits: tuple[int, ...]
    factors: tuple[int, ...]

    def factor(self, height: Tensor, width: Tensor) -> Tensor:
        """Return the factor, an integer tensor (), for height and width, integer tensors ()."""
        above = (torch.tensor(self.limits) < height * width).sum()
        return torch.tensor(self.factors)[above]


def factor_table(factor_of: Callable[[int], int], largest: int) -> FactorTable:
    """Return the table of a non-decreasing function.

    Args:
        factor_of: Returns the factor for a number of pixels.
        largest: Number of pixels up to which the table is valid.
    """
    limits: list[int] = []
    factors = [factor_of(1)]
    while factors[-1] != factor_of(largest):
        low, high = limits[-1] + 1 if limits else 1, largest
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if factor_of(middle) == factors[-1] else (low, middle)
        limits.append(low)
        factors.append(factor_of(high))
    return FactorTable(tuple(limits), tuple(factors))


def cells_of(size: Tensor, side: Tensor | int) -> Tensor:
    """Return the number of cells of a given side that cover a size, rounded up; integer tensors ()."""
    return torch.div(size + side - 1, side, rounding_mode="floor")


def traced_overview(images: Tensor, factor: Tensor) -> Tensor:
    """Return the same as :func:`ir_transfer.nn.thermal.overview.overview_of`, for a factor that is a tensor ().

    Args:
        images: Images (1, C, H, W).
        factor: Side in pixels of the cells that are averaged.
    """
    channels = images.shape[1]
    height, width = sizes_of(images)
    rows, columns = cells_of(height, factor), cells_of(width, factor)
    padded = F.pad(images, (0, columns * factor - width, 0, rows * factor - height))  # type: ignore[arg-type]
    # Rows, then columns: reducing both at once, over six axes, takes four times as long in OpenVINO.
    by_rows: Tensor = padded.reshape(channels, rows, factor, columns * factor).sum(2)  # type: ignore[call-overload]
    cells: Tensor = by_rows.reshape(1, channels, rows, columns, factor).sum(4)  # type: ignore[call-overload]
    return cells / (_covered(height, rows, factor) * _covered(width, columns, factor).T)


def traced_encoder_image(overview: Tensor) -> tuple[Tensor, tuple[Tensor, Tensor]]:
    """Return the same as :func:`ir_transfer.nn.thermal.overview.encoder_image`, for an overview (1, 3, h, w)."""
    height, width = sizes_of(overview)
    scale = (ENCODED_PIXELS / (height * width).to(torch.float32)).sqrt().clamp(max=LARGEST_SCALE)
    sides = ((scale * size / MULTIPLE).round().to(torch.int64) for size in (height, width))
    rows, columns = ((MULTIPLE * side).clamp(min=SMALLEST_SIDE) for side in sides)
    scales = rows / height, columns / width
    return resized(overview, rows, columns, scales), scales


def _covered(size: Tensor, cells: Tensor, factor: Tensor) -> Tensor:
    """Return the number of pixels of a size in each cell, float32 (cells, 1)."""
    starts = torch.arange(cells) * factor  # type: ignore[call-overload]
    return torch.minimum(size - starts, factor).to(torch.float32)[:, None]


def sizes_of(images: Tensor) -> tuple[Tensor, Tensor]:
    """Return height and width of images (B, C, H, W) as integer tensors (), which a trace records."""
    height, width = (as_tensor(size) for size in images.shape[-2:])
    return height, width


def as_tensor(size: int | Tensor) -> Tensor:
    """Return a size as an integer tensor (); during tracing, sizes are tensors already."""
    return size if isinstance(size, Tensor) else torch.tensor(size)
