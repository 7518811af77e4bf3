"""Are objects hotter than what surrounds them?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

MARGIN = 0.03


@dataclass(frozen=True)
class Box:
    """An object's frame in pixels: columns ``left <= x < right``, rows ``top <= y < bottom``."""

    left: int
    top: int
    right: int
    bottom: int
    label: str = ""

    def grown(self) -> Box:
        """Return the frame with half its own width and height (at least 3 pixels) more on each side."""
        dx, dy = (max(side // 2, 3) for side in (self.right - self.left, self.bottom - self.top))
        return Box(self.left - dx, self.top - dy, self.right + dx, self.bottom + dy, self.label)

    def cut_from(self, picture: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the part of a picture (H, W) inside the frame."""
        return picture[max(self.top, 0) : max(self.bottom, 0), max(self.left, 0) : max(self.right, 0)]


def hotter_than_ring(picture: NDArray[np.float64], box: Box, margin: float = MARGIN) -> bool:
    """Tell whether the mean inside a box exceeds the mean of the ring around it by more than ``margin``.

    Args:
        picture: (H, W) in [0, 1], white-hot.
        box: At least one pixel of it inside the picture; the ring is :meth:`Box.grown` without the box.
        margin: Share of the full range.
    """
    inside, grown = box.cut_from(picture), box.grown().cut_from(picture)
    around = (grown.sum() - inside.sum()) / max(grown.size - inside.size, 1)
    return bool(inside.mean() - around > margin)


def object_heat(output: Tensor, boxes: Sequence[Box], margin: float = MARGIN) -> tuple[int, int]:
    """Return how many of the boxes in a picture are hotter than their ring, and how many there are.

    Args:
        output: (1, 1, H, W) in [0, 1], white-hot.
        boxes: Frames in pixels of this picture; those outside it do not count.
        margin: Share of the full range.
    """
    picture = output[0, 0].double().cpu().numpy()
    seen = [box for box in boxes if box.cut_from(picture).size]
    return sum(hotter_than_ring(picture, box, margin) for box in seen), len(seen)
