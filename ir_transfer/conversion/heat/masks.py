"""Soft masks of objects, aligned with the edges of the RGB image, since labels are drawn by hand."""

import math
from dataclasses import dataclass
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from ir_transfer.conversion.heat.rules import PARTS
from ir_transfer.labels.regions import Box, Region

Floats = NDArray[np.float32]

_SOFTNESS = 0.015  # standard deviation of an edge's blur, relative to the shorter side of the object
_SHARPEST = 0.7  # pixels: smallest standard deviation, similar to the blur of a lens
_REACH = 0.5, 0.04  # search distance of edges relative to the shorter side: from an ellipse, from a mask
_REACH_OF_MAP = 0.25, 2.0  # from a class map: relative to the shorter side, and at most in positions of the map
_FEWEST = 2  # smallest search distance in pixels
_EDGE = 0.05  # variance of the luma at an edge, relative to that around the object, so that dark images have edges too
_SURE = 0.3, 0.7  # coverage below which a pixel is outside, and above which it is inside
_BLUR_OF_BOX = 0.1  # half the width of the slope at the edges of a box, relative to its shorter side
_EVEN = 0.5  # probability above which a position belongs to the object
_FADE = 0.25  # relative to the box: length over which a part fades into the rest of its object


@dataclass(frozen=True)
class Soft:
    """The soft mask of an object.

    Attributes:
        window: Rows and columns of the image that enclose it.
        share: Coverage (h, w) in [0, 1] in the window.
    """

    window: tuple[slice, slice]
    share: Floats


class HeatObject(Protocol):
    """An object whose apparent intensity may be shifted."""

    @property
    def name(self) -> str:
        """Name of its class."""

    @property
    def box(self) -> Box:
        """Left, top, right, bottom in pixels."""

    def soft(self, luma: Floats) -> Soft | None:
        """Return its soft mask in an RGB image of this luma (H, W) in [0, 1]; None if it is outside the image."""


@dataclass(frozen=True)
class Outlined:
    """An object with a mask or a box: labelled, or found by Mask R-CNN.

    Attributes:
        region: The object, which may extend beyond the image.
    """

    region: Region

    @property
    def name(self) -> str:
        """Name of its class."""
        return self.region.name

    @property
    def box(self) -> Box:
        """Left, top, right, bottom in pixels."""
        return self.region.box

    def soft(self, luma: Floats) -> Soft | None:
        """Return its soft mask in an RGB image of this luma (H, W) in [0, 1]; None if it is outside the image.

        A mask is used nearly unchanged; a box is replaced by its inscribed ellipse. Both are aligned with the edges of
        the RGB image, so that no rectangle is visible.
        """
        return soft_mask(self.region, luma)


@dataclass(frozen=True)
class MappedObject:
    """An object of a coarse class map, which is interpolated.

    Attributes:
        name: Name of its class.
        place: Row and column of the map where ``share`` begins.
        share: Probabilities (h, w) in [0, 1] of the object, near 0 at the borders.
        cell: Height and width of a position of the map in pixels of the image.
    """

    name: str
    place: tuple[int, int]
    share: Floats
    cell: tuple[float, float]

    @property
    def box(self) -> Box:
        """Left, top, right, bottom in pixels of the positions that belong to the object."""
        rows, columns = (np.flatnonzero((self.share >= _EVEN).any(axis)) for axis in (1, 0))
        (top, bottom), (left, right) = (
            ((start + first) * side, (start + last + 1) * side)
            for start, side, first, last in zip(
                self.place, self.cell, (rows[0], columns[0]), (rows[-1], columns[-1]), strict=True
            )
        )
        return float(left), float(top), float(right), float(bottom)

    def soft(self, luma: Floats) -> Soft | None:
        """Return its soft mask in an RGB image of this luma (H, W) in [0, 1]; None if it is outside the image."""
        left, top, right, bottom = self.box
        share, most = _REACH_OF_MAP
        reach = max(_FEWEST, round(min(share * min(right - left, bottom - top), most * max(self.cell))))
        window, weights = [], []
        for start, count, side, length in zip(self.place, self.share.shape, self.cell, luma.shape, strict=True):
            pixels = slice(
                max(math.floor(start * side) - reach, 0), min(math.ceil((start + count) * side) + reach, length)
            )
            if pixels.stop <= pixels.start:
                return None
            window.append(pixels)
            weights.append(linear_weights(_centres(pixels) / side - start - 0.5, count))
        rows, columns = window
        mask = _sure(weights[0] @ self.share @ weights[1].T)
        sigma = max(_SHARPEST, _SOFTNESS * min(rows.stop - rows.start, columns.stop - columns.start))
        return _finished(mask, (rows, columns), luma, reach, sigma)


def linear_weights(places: NDArray[np.float64], count: int) -> Floats:
    """Return the weights (P, count) of values at 0, 1, ... in a linear interpolation at positions (P,).

    The first and last value are used for positions beyond them.
    """
    distances = np.abs(places.clip(0, count - 1)[:, None] - np.arange(count))
    return (1 - distances).clip(0).astype(np.float32)


def soft_mask(region: Region, luma: Floats) -> Soft | None:
    """Return the soft mask of an object with a mask or a box, None if it is outside the image.

    Args:
        region: The object, which may extend beyond the image.
        luma: Luma (H, W) in [0, 1] of the RGB image.
    """
    height, width = luma.shape
    left, top, right, bottom = region.box
    seen = min(right, width) - max(left, 0), min(bottom, height) - max(top, 0)
    if min(seen) <= 0:
        return None
    boxed = region.draw is None or region.rectangular
    sigma = max(_SHARPEST, _SOFTNESS * min(seen))
    reach = max(_FEWEST, round(_REACH[not boxed] * min(seen)))
    margin = math.ceil(3 * sigma) + 2 * reach
    window = _around(top, bottom, margin, height), _around(left, right, margin, width)
    mask = _ellipse(window, region.box) if boxed else region.mask(height, width)[window].astype(np.float32)
    if not mask.any():
        return None
    limits = _inside(window, region.box, max(1.0, _BLUR_OF_BOX * min(seen))) if boxed else None
    return _finished(mask, window, luma, reach, sigma, limits)


def part_of(soft: Soft, box: Box, part: str) -> Soft:
    """Return the soft mask of a part of an object, which fades into the rest of it.

    Args:
        soft: Soft mask of the object.
        box: Box of the object.
        part: One of :data:`~ir_transfer.conversion.heat.rules.PARTS`.
    """
    left, top, right, bottom = PARTS[part]
    rows, columns = (_centres(side) for side in soft.window)
    across = _fading((columns - box[0]) / (box[2] - box[0]), left, right)
    down = _fading((rows - box[1]) / (box[3] - box[1]), top, bottom)
    return Soft(soft.window, (soft.share * down[:, None] * across).astype(np.float32))


def _finished(
    mask: Floats, window: tuple[slice, slice], luma: Floats, reach: int, sigma: float, limits: Floats | None = None
) -> Soft:
    """Align a mask (h, w) of a window with the edges of the RGB image within reach, times its limits, and blur it."""
    drawn = _drawn_to_edges(mask, np.ascontiguousarray(luma[window]), reach)
    if limits is not None:
        drawn *= limits
    return Soft(window, cv2.GaussianBlur(drawn, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE).astype(np.float32))


def _around(start: float, stop: float, margin: int, length: int) -> slice:
    return slice(max(math.floor(max(start, 0)) - margin, 0), min(math.ceil(min(stop, length)) + margin, length))


def _centres(side: slice) -> NDArray[np.float64]:
    return np.arange(side.start, side.stop) + 0.5


def _ellipse(window: tuple[slice, slice], box: Box) -> Floats:
    left, top, right, bottom = box
    rows, columns = (_centres(side) for side in window)
    down = (2 * rows - top - bottom) / max(bottom - top, 1)
    across = (2 * columns - left - right) / max(right - left, 1)
    return (down[:, None] ** 2 + across**2 <= 1).astype(np.float32)


def _inside(window: tuple[slice, slice], box: Box, slope: float) -> Floats:
    """Return 1 inside a box, falling smoothly to 0 over a slope around its edges."""
    rows, columns = (_centres(side) for side in window)
    down = _smooth(np.minimum(rows - box[1], box[3] - rows) / (2 * slope) + 0.5)
    across = _smooth(np.minimum(columns - box[0], box[2] - columns) / (2 * slope) + 0.5)
    return (down[:, None] * across).astype(np.float32)


def _fading(place: NDArray[np.float64], first: float, last: float) -> NDArray[np.float64]:
    """Return 1 between two positions of a box and 0 elsewhere, with slopes except at the edges of the box."""
    share = np.ones_like(place)
    if first > 0:
        share = np.minimum(share, (place - first) / _FADE + 0.5)
    if last < 1:
        share = np.minimum(share, (last - place) / _FADE + 0.5)
    return _smooth(share)


def _smooth(share: NDArray[np.float64]) -> NDArray[np.float64]:
    share = share.clip(0, 1)
    return share * share * (3 - 2 * share)


def _drawn_to_edges(mask: Floats, luma: Floats, reach: int) -> Floats:
    """Return the mask filtered by the luma (guided filter: He, Sun and Tang 2010, equations 11 to 14)."""
    # Own code, since kornia's filter convolves, which takes seconds for a large object.
    size = 2 * reach + 1, 2 * reach + 1
    edge = max(_EDGE * float(luma.var()), 1e-6)
    guide, given = cv2.blur(luma, size), cv2.blur(mask, size)
    slope = (cv2.blur(luma * mask, size) - guide * given) / (cv2.blur(luma * luma, size) - guide * guide + edge)
    level = given - slope * guide
    drawn = cv2.blur(slope, size) * luma + cv2.blur(level, size)
    return _sure(drawn)


def _sure(share: NDArray[np.floating[Any]]) -> Floats:
    """Map shares smoothly to 0 below and to 1 above the thresholds :data:`_SURE`."""
    low, high = _SURE
    return _smooth((share.astype(np.float64) - low) / (high - low)).astype(np.float32)
