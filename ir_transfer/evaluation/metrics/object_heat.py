"""Are objects hotter than what surrounds them?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from ir_transfer.errors import InputError

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

    Raises:
        InputError: The picture has no pixel of the box, or none of the ring.
    """
    inside, grown = box.cut_from(picture), box.grown().cut_from(picture)
    if not 0 < inside.size < grown.size:
        raise InputError(f"expected a box with a ring in a picture of {picture.shape}, got {box}: leave it out")
    around = (grown.sum() - inside.sum()) / (grown.size - inside.size)
    return bool(inside.mean() - around > margin)


def object_heat(output: Tensor, boxes: Sequence[Box], margin: float = MARGIN) -> tuple[int, int]:
    """Return how many of the boxes in a picture are hotter than their ring, and how many there are.

    Args:
        output: (1, 1, H, W) in [0, 1], white-hot.
        boxes: Frames in pixels of this picture; those outside it, or that fill it, do not count.
        margin: Share of the full range.
    """
    picture = output[0, 0].double().cpu().numpy()
    seen = [box for box in boxes if 0 < box.cut_from(picture).size < box.grown().cut_from(picture).size]
    return sum(hotter_than_ring(picture, box, margin) for box in seen), len(seen)
