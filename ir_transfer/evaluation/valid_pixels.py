"""Valid pixels of a scene, and the parts of its images available to metrics."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor

Rectangle = tuple[int, int, int, int]
"""Top, left, bottom and right; the last two are excluded."""

_MOST_CELLS = 512  # per side of the grid in which the largest rectangle is looked for


class ValidPixels:
    """The pixels of a scene that are valid in its RGB image and in its ground truth.

    Args:
        valid: Bool (1, 1, H, W), with at least one true pixel.
    """

    def __init__(self, valid: Tensor) -> None:
        self.mask = valid

    @property
    def share(self) -> float:
        """Share of the pixels that are valid."""
        return float(self.mask.double().mean())

    def counted(self, image: Tensor) -> Tensor:
        """Return the valid pixels of an image (1, 1, H, W) as one row (1, 1, 1, N)."""
        return image[self.mask].reshape(1, 1, 1, -1)

    def hidden(self, image: Tensor) -> Tensor:
        """Return an image (1, 1, H, W) with NaN where it is not valid."""
        return image.masked_fill(~self.mask, torch.nan)

    def extended(self, image: Tensor) -> Tensor:
        """Return an image (1, 1, H, W) whose invalid pixels take the nearest valid value, as borders are replicated."""
        rows, columns = self._nearest
        return image[..., rows, columns]

    def rectangle(self, image: Tensor, least: int) -> Tensor | None:
        """Return the largest rectangle without invalid pixels of an image; None if a side is below ``least`` pixels."""
        top, left, bottom, right = self.largest
        return None if min(bottom - top, right - left) < least else image[..., top:bottom, left:right]

    @cached_property
    def largest(self) -> Rectangle:
        """The largest rectangle without invalid pixels; accurate to a few pixels for large images."""
        return largest_rectangle(self.mask[0, 0].cpu().numpy())

    @cached_property
    def _nearest(self) -> tuple[Tensor, Tensor]:
        invalid = ~self.mask[0, 0].cpu().numpy()
        rows, columns = ndimage.distance_transform_edt(invalid, return_distances=False, return_indices=True)
        return torch.from_numpy(rows).to(self.mask.device), torch.from_numpy(columns).to(self.mask.device)


def whole_windows(valid: Tensor, side: int, stride: int = 1) -> Tensor:
    """Return whether windows of ``side`` pixels contain only valid pixels: bool (1, 1, h, w), without padding."""
    return F.max_pool2d((~valid).float(), side, stride) == 0


def largest_rectangle(valid: NDArray[np.bool_]) -> Rectangle:
    """Return the largest rectangle of true pixels of (H, W), an empty one if there is none.

    Each row in turn is the base of a histogram of the true pixels above it, whose largest rectangle is found with a
    stack of rising bars. Images of more than 512 pixels a side are reduced to cells, which are true if all their pixels
    are.
    """
    height, width = valid.shape
    cell = max(1, -(-max(height, width) // _MOST_CELLS))
    rows, columns = height // cell, width // cell
    cells = np.all(valid[: rows * cell, : columns * cell].reshape(rows, cell, columns, cell), axis=(1, 3))
    bars = np.zeros(columns + 1, np.int64)
    best, found = 0, (0, 0, 0, 0)
    for row in range(rows):
        bars[:-1] = (bars[:-1] + 1) * np.take(cells, row, axis=0)
        stack: list[tuple[int, int]] = []
        for column, bar in enumerate(bars.tolist()):
            left = column
            while stack and stack[-1][1] >= bar:
                left, tall = stack.pop()
                if tall * (column - left) > best:
                    best, found = tall * (column - left), (row + 1 - tall, left, row + 1, column)
            stack.append((left, bar))
    top, left, bottom, right = (edge * cell for edge in found)
    return top, left, bottom, right
