"""The reduction of an image to its overview with the factor as a value of the graph, so that any size is taken."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor


class FactorTable(NamedTuple):
    """The factor of the overview as a step function of the number of pixels.

    Attributes:
        limits: Largest number of pixels of every factor but the last, ascending.
        factors: One more than ``limits``.
    """

    limits: tuple[int, ...]
    factors: tuple[int, ...]

    def factor(self, height: Tensor, width: Tensor) -> Tensor:
        """Return the factor () as an integer tensor for sizes () that are integer tensors."""
        above = (torch.tensor(self.limits) < height * width).sum()
        return torch.tensor(self.factors)[above]


def factor_table(factor_of: Callable[[int], int], largest: int) -> FactorTable:
    """Return the table of a function of the number of pixels that never decreases.

    Args:
        factor_of: Returns the factor of an image of so many pixels.
        largest: Number of pixels up to which the table holds.
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
    """Return how many cells of a side () cover a size (), the last one perhaps in part; integers."""
    return torch.div(size + side - 1, side, rounding_mode="floor")


def traced_overview(images: Tensor, factor: Tensor) -> Tensor:
    """Return what :func:`ir_transfer.models.thermal.overview_of` does, for a factor () that is a tensor.

    Args:
        images: (1, C, H, W).
        factor: Side of the cells in pixels.
    """
    channels = images.shape[1]
    height, width = sizes_of(images)
    rows, columns = cells_of(height, factor), cells_of(width, factor)
    padded = F.pad(images, (0, columns * factor - width, 0, rows * factor - height))  # type: ignore[arg-type]
    # Rows, then columns: a reduction of both at once, over six axes, takes four times as long in OpenVINO.
    by_rows: Tensor = padded.reshape(channels, rows, factor, columns * factor).sum(2)  # type: ignore[call-overload]
    cells: Tensor = by_rows.reshape(1, channels, rows, columns, factor).sum(4)  # type: ignore[call-overload]
    return cells / (_covered(height, rows, factor) * _covered(width, columns, factor).T)


def _covered(size: Tensor, cells: Tensor, factor: Tensor) -> Tensor:
    """Return how many of a size's pixels every cell holds (cells, 1), as floats."""
    starts = torch.arange(cells) * factor  # type: ignore[call-overload]
    return torch.minimum(size - starts, factor).to(torch.float32)[:, None]


def sizes_of(images: Tensor) -> tuple[Tensor, Tensor]:
    """Return height and width of images (B, C, H, W) as integer tensors, which a trace records."""
    height, width = (as_tensor(size) for size in images.shape[-2:])
    return height, width


def as_tensor(size: int | Tensor) -> Tensor:
    """Return a size as an integer tensor (); while a graph is traced it is one already."""
    return size if isinstance(size, Tensor) else torch.tensor(size)
