"""Resampling from the image's grid to the sensor's and back, without a shift."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ir_transfer.sensor.model import Sampling

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Grid:
    """The part of the sensor's grid that the image covers.

    Attributes:
        rows: Number of rows.
        columns: Number of columns.
        row_step: Rows of the image per row of the sensor, at least 1.
        column_step: Columns of the image per column of the sensor, at least 1.
    """

    rows: int
    columns: int
    row_step: float
    column_step: float


def fit(sampling: Sampling | None, height: int, width: int) -> Grid:
    """Return the largest grid on the sensor that covers an image of square pixels completely.

    If the aspect ratios differ, a part of the sensor is unused. Along an axis where the image is coarser than the
    sensor, the image's sampling is kept.

    Args:
        sampling: Grid of the sensor; that of the image if None.
        height: Rows of the image.
        width: Columns of the image.
    """
    if sampling is None:
        return Grid(height, width, 1.0, 1.0)
    step = max(width / (sampling.width * sampling.pixel_aspect), height / sampling.height)
    rows = min(max(round(height / step), 1), height, sampling.height)
    columns = min(max(round(width / (step * sampling.pixel_aspect)), 1), width, sampling.width)
    return Grid(rows, columns, height / rows, width / columns)


def shrink(image: Floats, grid: Grid) -> Floats:
    """Return the means (rows, columns) of an image (H, W) over the sensor's pixels, exact at any ratio."""
    if image.shape == (grid.rows, grid.columns):
        return image
    size = (grid.columns, grid.rows)
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), dtype=np.float32)


def enlarge(seen: Floats, height: int, width: int) -> Floats:
    """Return the sensor's image enlarged to (height, width) by linear interpolation, which never overshoots."""
    if seen.shape == (height, width):
        return seen
    return np.asarray(cv2.resize(seen, (width, height), interpolation=cv2.INTER_LINEAR), dtype=np.float32)
