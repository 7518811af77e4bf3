"""Heat: the apparent-intensity contrast of objects against a ring of their surroundings.

Hot regions are compact regions of high contrast, which replace labelled objects if there are none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_opening, uniform_filter
from skimage.measure import label, regionprops
from torch import Tensor

from ir_transfer.errors import InputError

MARGIN = 0.03
"""Least difference, as a share of the range, of the mean of an object and of its ring, for the object to be hotter."""
EXCESS = 0.15
"""Least excess of a hot pixel over its local mean, as a share of the range."""
CONTRAST = 0.08
"""Least excess of a hot region's frame over its ring: well above :data:`MARGIN`, so that noise has no effect."""
AREA = (60, 0.04)
"""Smallest region in pixels, largest as a share of the image."""
ASPECT = (0.8, 5.0)
"""Height over width: people and fronts of cars, but no wires, roofs or skylines."""
FILL = 0.35
"""Least share of its frame that a region fills."""


class HeatObject(Protocol):
    """A labelled object with a ring around it."""

    @property
    def label(self) -> str:
        """Its label."""

    def means(self, image: NDArray[np.float64]) -> tuple[float, float] | None:
        """Return the means of an image (H, W) in the object and its ring, ignoring NaN; None if either has no pixel."""

    def moved(self, by: int) -> HeatObject:
        """Return the object moved right and down by a number of pixels."""


@dataclass(frozen=True)
class Box:
    """An object's frame in pixels: columns ``left <= x < right``, rows ``top <= y < bottom``."""

    left: int
    top: int
    right: int
    bottom: int
    label: str = ""

    def grown(self) -> Box:
        """Return the frame extended on each side by half of its width or height, at least 3 pixels."""
        dx, dy = (max(side // 2, 3) for side in (self.right - self.left, self.bottom - self.top))
        return Box(self.left - dx, self.top - dy, self.right + dx, self.bottom + dy, self.label)

    def cut_from(self, image: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the part of an image (H, W) inside the frame."""
        return image[max(self.top, 0) : max(self.bottom, 0), max(self.left, 0) : max(self.right, 0)]

    def means(self, image: NDArray[np.float64]) -> tuple[float, float] | None:
        """Return the means of an image (H, W) inside the frame and in the ring, which is :meth:`grown` without it."""
        inside, grown = self.cut_from(image), self.grown().cut_from(image)
        count, grown_count = (int(np.count_nonzero(~np.isnan(part))) for part in (inside, grown))
        if not 0 < count < grown_count:
            return None
        total, grown_total = float(np.nansum(inside)), float(np.nansum(grown))
        return total / count, (grown_total - total) / (grown_count - count)

    def moved(self, by: int) -> Box:
        """Return the frame moved right and down by a number of pixels."""
        return replace(self, left=self.left + by, top=self.top + by, right=self.right + by, bottom=self.bottom + by)


@dataclass(frozen=True, eq=False)
class Region:
    """The pixels of an object.

    Attributes:
        inside: Rows and columns of its pixels (N, 2).
        ring: Rows and columns of the pixels around it (M, 2).
        label: Its label.
    """

    inside: NDArray[np.int64]
    ring: NDArray[np.int64]
    label: str = ""

    def means(self, image: NDArray[np.float64]) -> tuple[float, float] | None:
        """Return the means of an image (H, W) in the object and in its ring, over pixels inside the image."""
        places = (p[((p >= 0) & (p < image.shape)).all(axis=1)] for p in (self.inside, self.ring))
        values = [image[tuple(pixels.T)] for pixels in places]
        seen = [found[~np.isnan(found)] for found in values]
        if not all(len(found) for found in seen):
            return None
        inside, around = (float(found.mean()) for found in seen)
        return inside, around

    def moved(self, by: int) -> Region:
        """Return the region moved right and down by a number of pixels."""
        return Region(self.inside + by, self.ring + by, self.label)


def hotter_than_ring(image: NDArray[np.float64], box: HeatObject, margin: float = MARGIN) -> bool:
    """Return whether the mean inside an object exceeds the mean of the ring around it by more than ``margin``.

    Args:
        image: (H, W) in [0, 1], white-hot.
        box: An object with at least one pixel of it and of its ring inside the image.
        margin: Share of the full range.

    Raises:
        InputError: The image has no pixel of the object, or none of the ring.
    """
    means = box.means(image)
    if means is None:
        raise InputError(f"expected a box with a ring in an image of {image.shape}, got {box}: leave it out")
    return means[0] - means[1] > margin


def object_heat(output: Tensor, boxes: Sequence[HeatObject], margin: float = MARGIN) -> tuple[int, int]:
    """Return the number of objects that are hotter than their ring, and the number of objects in the image.

    Args:
        output: (1, 1, H, W) in [0, 1], white-hot.
        boxes: Objects in pixels of this image; objects outside the image, or that fill it, are ignored.
        margin: Share of the full range.
    """
    image = output[0, 0].double().cpu().numpy()
    seen = [means for box in boxes if (means := box.means(image)) is not None]
    return sum(inside - around > margin for inside, around in seen), len(seen)


def hot_in_ground_truth(ground_truth: Tensor, boxes: Sequence[HeatObject], margin: float = MARGIN) -> list[HeatObject]:
    """Return the objects that are hotter than their ring in the ground-truth image.

    Detected labels contain errors, and real objects may be as cold as their surroundings. :func:`object_heat` of an
    output over the returned objects is its recall of hot objects.

    Args:
        ground_truth: (1, 1, H, W) in [0, 1], white-hot.
        boxes: Objects in pixels of this image.
        margin: Share of the full range.
    """
    return [box for box in boxes if object_heat(ground_truth, [box], margin)[0]]


def hot_regions(ground_truth: Tensor) -> list[Box]:
    """Return the frames of compact, locally hot regions of a ground-truth infrared image.

    Connected pixels (after an opening by 3 x 3 that cuts thin bridges) that exceed the mean over a square of half the
    shorter side by :data:`EXCESS`, within :data:`AREA`, :data:`ASPECT` and :data:`FILL`, and hotter than their ring by
    :data:`CONTRAST`. They are people, engines and lamps, but also some sunlit trunks and walls; they have not been
    verified, so that a share of them is an indication, not a recall.

    Args:
        ground_truth: (1, 1, H, W) in [0, 1], white-hot.
    """
    image = ground_truth[0, 0].double().cpu().numpy()
    local_mean = uniform_filter(image, size=max(min(image.shape) // 2, 3), mode="reflect")
    hot = binary_opening(image - local_mean > EXCESS, np.ones((3, 3)))
    frames = []
    for region in regionprops(label(hot)):
        top, left, bottom, right = region.bbox
        aspect, area = (bottom - top) / (right - left), region.area
        sized = AREA[0] <= area <= AREA[1] * image.size and ASPECT[0] <= aspect <= ASPECT[1]
        if sized and region.extent >= FILL:
            frames.append(Box(left, top, right, bottom, "hot"))
    return [frame for frame in frames if hotter_than_ring(image, frame, CONTRAST)]
