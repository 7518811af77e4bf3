"""Tiles: margins from receptive fields, and the part of a tile that contributes to statistics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor


def radii(down: Sequence[int], up: Sequence[int]) -> tuple[int, int]:
    """Return the margins in pixels on which features and output inside an aligned box depend.

    Cells of level l have ``2^l`` pixels, and the box consists of cells of the deepest level. A 3x3 convolution at level
    l extends the margin by one cell, 2x2 pooling does not, and up-sampling extends it to whole cells of the next deeper
    level.

    Args:
        down: Number of 3x3 convolutions of the encoder at each level, shallowest first.
        up: Number of those of the decoder, including its last layer.

    Returns:
        Margin of the deepest features, which is the largest of all levels, and margin of the output.
    """
    features = sum(count * 2**level for level, count in enumerate(down))
    reached = 0
    for level, count in enumerate(up):
        cell = 2**level
        reached = -(-reached // cell) * cell + count * cell
    return features, reached + features


@dataclass(frozen=True)
class Inside:
    """Part of a tile without its margins.

    Attributes:
        box: Top, left, bottom and right in pixels of the tile: multiples of the coarsest cell, or the end of the tile.
        weights: Weights (1, 1, h, w) of the tile's pixels, 0 for invalid and 1 for valid ones; None if all are valid.
    """

    box: tuple[int, int, int, int]
    weights: Tensor | None = None

    def padded(self, height: int, width: int, bottom: int, right: int) -> Inside:
        """Return the part of the tile (height, width) after padding by reflection at the bottom and right.

        Padding at the border of the image is included, as in the whole image.
        """
        top, left, lower, outer = self.box
        box = (top, left, lower + bottom * (lower == height), outer + right * (outer == width))
        weights = None if self.weights is None else F.pad(self.weights, (0, right, 0, bottom), mode="reflect")
        return Inside(box, weights)

    def features(self, features: Tensor, stride: int) -> Tensor:
        """Return features (B, C, ceil(h / stride), ceil(w / stride)) without margins."""
        top, left, bottom, right = self.box
        return features[..., top // stride : -(-bottom // stride), left // stride : -(-right // stride)]

    def shares(self, stride: int) -> Tensor | None:
        """Return the mean weight (1, 1, h', w') of the pixels of each position; None without weights."""
        if self.weights is None:
            return None
        return self.features(F.avg_pool2d(self.weights, stride, ceil_mode=True), stride)
