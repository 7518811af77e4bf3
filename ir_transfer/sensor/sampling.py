"""From the image's grid to the sensor's and back, so that the image keeps its size and nothing moves."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ir_transfer.sensor.model import Sampling

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Grid:
    """The sensor's pixels that see the image.

    Attributes:
        rows: How many rows.
        columns: How many columns.
        row_step: Rows of the image per row of the sensor, at least 1.
        column_step: Columns of the image per column of the sensor, at least 1.
    """

    rows: int
    columns: int
    row_step: float
    column_step: float


def fit(sampling: Sampling | None, height: int, width: int) -> Grid:
    """Return the grid for an image of square pixels: the whole image lies on the sensor, as large as it can.

    An image of another shape than the sensor's leaves a part of the sensor unused. Along an axis where the image
    is coarser than that, the image's own sampling is kept.

    Args:
        sampling: The sensor's; the image's own if None.
        height: Of the image.
        width: Of the image.
    """
    if sampling is None:
        return Grid(height, width, 1.0, 1.0)
    step = max(width / (sampling.width * sampling.pixel_aspect), height / sampling.height)
    rows = min(max(round(height / step), 1), height, sampling.height)
    columns = min(max(round(width / (step * sampling.pixel_aspect)), 1), width, sampling.width)
    return Grid(rows, columns, height / rows, width / columns)


def shrink(image: Floats, grid: Grid) -> Floats:
    """Return the means (number of rows, number of columns) of the areas of the sensor's pixels, exact for any ratio."""
    if image.shape == (grid.rows, grid.columns):
        return image
    size = (grid.columns, grid.rows)
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), dtype=np.float32)


def enlarge(seen: Floats, height: int, width: int) -> Floats:
    """Return the sensor's image at (height, width), linear between the centres of its pixels, constant outside them.

    Linear, since it never overshoots: no value lies beyond those that the sensor saw.
    """
    if seen.shape == (height, width):
        return seen
    return np.asarray(cv2.resize(seen, (width, height), interpolation=cv2.INTER_LINEAR), dtype=np.float32)
