"""Correlation of low-resolution maps: are large areas as warm, relative to each other, as in the truth?"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from ir_transfer.evaluation.metrics.correlation import pearson

CELL = 16
"""Side of a cell in pixels."""


def cell_correlation(output: Tensor, truth: Tensor, cell: int = CELL) -> Tensor:
    """Return Pearson's correlation (B,) over the means of cells; 0 where one picture's cells are all alike.

    It depends neither on tone (gain and offset) nor on detail, nor on a registration that is a few pixels off.
    Cells cut by the right or lower border count with the pixels that they have.

    Args:
        output: (B, 1, H, W) in [0, 1].
        truth: Same shape.
        cell: Side of a cell in pixels.
    """
    means = [F.avg_pool2d(picture.double(), cell, ceil_mode=True) for picture in (output, truth)]
    return pearson(*means)
