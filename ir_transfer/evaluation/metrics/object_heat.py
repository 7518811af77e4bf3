"""Are objects hotter than what surrounds them?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from ir_transfer.errors import InputError

MARGIN = 0.03


class HeatObject(Protocol):
    """Something labelled, with a ring around it."""

    @property
    def label(self) -> str:
        """What it is."""

    def means(self, picture: NDArray[np.float64]) -> tuple[float, float] | None:
        """Return the means inside and around it; None if the picture (H, W) has no pixel of either. NaN is no pixel."""

    def moved(self, by: int) -> HeatObject:
        """Return it moved by pixels in both directions."""


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

    def means(self, picture: NDArray[np.float64]) -> tuple[float, float] | None:
        """Return the means of a picture (H, W) inside the frame and in the ring, which is :meth:`grown` without it."""
        inside, grown = self.cut_from(picture), self.grown().cut_from(picture)
        count, grown_count = (int(np.count_nonzero(~np.isnan(part))) for part in (inside, grown))
        if not 0 < count < grown_count:
            return None
        total, grown_total = float(np.nansum(inside)), float(np.nansum(grown))
        return total / count, (grown_total - total) / (grown_count - count)

    def moved(self, by: int) -> Box:
        """Return the frame moved by pixels in both directions."""
        return replace(self, left=self.left + by, top=self.top + by, right=self.right + by, bottom=self.bottom + by)


@dataclass(frozen=True, eq=False)
class Region:
    """An object's own pixels.

    Attributes:
        inside: Rows and columns of its pixels (N, 2).
        ring: The same of the pixels around it (M, 2).
        label: What it is.
    """

    inside: NDArray[np.int64]
    ring: NDArray[np.int64]
    label: str = ""

    def means(self, picture: NDArray[np.float64]) -> tuple[float, float] | None:
        """Return the means of a picture (H, W) inside it and in its ring, as far as the picture has them."""
        places = (p[((p >= 0) & (p < picture.shape)).all(axis=1)] for p in (self.inside, self.ring))
        values = [picture[tuple(pixels.T)] for pixels in places]
        seen = [found[~np.isnan(found)] for found in values]
        if not all(len(found) for found in seen):
            return None
        inside, around = (float(found.mean()) for found in seen)
        return inside, around

    def moved(self, by: int) -> Region:
        """Return it moved by pixels in both directions."""
        return Region(self.inside + by, self.ring + by, self.label)


def hotter_than_ring(picture: NDArray[np.float64], box: HeatObject, margin: float = MARGIN) -> bool:
    """Tell whether the mean inside an object exceeds the mean of the ring around it by more than ``margin``.

    Args:
        picture: (H, W) in [0, 1], white-hot.
        box: At least one pixel of it and of its ring inside the picture.
        margin: Share of the full range.

    Raises:
        InputError: The picture has no pixel of the object, or none of the ring.
    """
    means = box.means(picture)
    if means is None:
        raise InputError(f"expected a box with a ring in a picture of {picture.shape}, got {box}: leave it out")
    return means[0] - means[1] > margin


def object_heat(output: Tensor, boxes: Sequence[HeatObject], margin: float = MARGIN) -> tuple[int, int]:
    """Return how many of the objects in a picture are hotter than their ring, and how many there are.

    Args:
        output: (1, 1, H, W) in [0, 1], white-hot.
        boxes: In pixels of this picture; those outside it, or that fill it, do not count.
        margin: Share of the full range.
    """
    picture = output[0, 0].double().cpu().numpy()
    seen = [means for box in boxes if (means := box.means(picture)) is not None]
    return sum(inside - around > margin for inside, around in seen), len(seen)


def hot_in_truth(truth: Tensor, boxes: Sequence[HeatObject], margin: float = MARGIN) -> list[HeatObject]:
    """Return the objects that are hotter than their ring in the true picture.

    Labels that are found rather than drawn hold mistakes, and real objects may be as cold as what surrounds them. What
    remains is hot for certain, and :func:`object_heat` of an output is then its recall.

    Args:
        truth: (1, 1, H, W) in [0, 1], white-hot.
        boxes: In pixels of this picture.
        margin: Share of the full range.
    """
    return [box for box in boxes if object_heat(truth, [box], margin)[0]]
