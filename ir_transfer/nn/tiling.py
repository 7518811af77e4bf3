"""What a tile must bring: how far the network looks, and which of its positions count in the statistics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor


def radii(down: Sequence[int], up: Sequence[int]) -> tuple[int, int]:
    """Return how many pixels beyond an aligned box the features, and the output, inside of it depend on.

    Counted in cells of ``2^l`` pixels, the box being made of cells of the deepest level: a 3x3 convolution at level l
    looks one cell further, pooling 2x2 no further, and up-sampling to the end of the next deeper level's cell.

    Args:
        down: 3x3 convolutions of the encoder at each level, shallowest first.
        up: Those of the decoder, its last layer included.

    Returns:
        The radius of the deepest features, which that of no other level exceeds, and that of the output.
    """
    features = sum(count * 2**level for level, count in enumerate(down))
    reached = 0
    for level, count in enumerate(up):
        cell = 2**level
        reached = -(-reached // cell) * cell + count * cell
    return features, reached + features


@dataclass(frozen=True)
class Inside:
    """The part of a tile that counts; what surrounds it is there for the receptive field alone.

    Attributes:
        box: Top, left, bottom and right in pixels of the tile: multiples of the coarsest cell, or the tile's own end.
        weights: (1, 1, h, w) of the tile, 0 for pixels that do not count and 1 for the others; None if all count.
    """

    box: tuple[int, int, int, int]
    weights: Tensor | None = None

    def padded(self, height: int, width: int, bottom: int, right: int) -> Inside:
        """Return the same for the tile (height, width) after so many rows and columns of reflection.

        What is reflected at the image's own border counts as it does in the whole image.
        """
        top, left, lower, outer = self.box
        box = (top, left, lower + bottom * (lower == height), outer + right * (outer == width))
        weights = None if self.weights is None else F.pad(self.weights, (0, right, 0, bottom), mode="reflect")
        return Inside(box, weights)

    def features(self, features: Tensor, stride: int) -> Tensor:
        """Return the positions that count of features (B, C, ceil(h / stride), ceil(w / stride))."""
        top, left, bottom, right = self.box
        return features[..., top // stride : -(-bottom // stride), left // stride : -(-right // stride)]

    def shares(self, stride: int) -> Tensor | None:
        """Return how much each of these positions counts (1, 1, ...): the weight of the pixels it stands for."""
        if self.weights is None:
            return None
        return self.features(F.avg_pool2d(self.weights, stride, ceil_mode=True), stride)
