"""Blur by the modulation transfer function (MTF) of lens and detector, and resampling to the sensor's grid and back."""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.fft import dctn, idctn

from ir_transfer.sensor.model import Optics, Sampling

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


def diffraction(frequency: Floats) -> Floats:
    """Return the MTF of a diffraction-limited lens with a circular aperture.

    2 / pi * (arccos(v) - v sqrt(1 - v^2)) below v = 1 and 0 above (Goodman, Introduction to Fourier Optics, ch. 6;
    Holst, Electro-Optical Imaging System Performance, ch. 6).

    Args:
        frequency: v, of any shape, as a share of the cut-off 1 / (wavelength * f_number); at least 0.
    """
    v = np.minimum(frequency, np.float32(1))
    return np.asarray(np.float32(2 / np.pi) * (np.arccos(v) - v * np.sqrt(1 - v**2)))


@lru_cache(maxsize=2)
def mtf(optics: Optics, pixel_aspect: float, height: int, width: int, grid: Grid) -> Floats:
    """Return the MTF (h, w) at the lowest frequencies of an image's cosine transform; 1 at [0, 0], 0 beyond its end.

    Diffraction times exp(-2 pi^2 s^2 (fx^2 + fy^2)) with s = ``aberration_px``, times sinc(fx) sinc(fy) with
    sinc(f) = sin(pi f) / (pi f) for the area of a detector, where fx and fy are in cycles per detector pixel. Along an
    axis where the sensor is coarser than the image, the sinc is omitted: the sampling averages over that area.

    Args:
        optics: Lens and detector.
        pixel_aspect: Width of a detector divided by its height.
        height: Rows of the image.
        width: Columns of the image.
        grid: Grid of the sensor over the image.
    """
    cut_off = optics.pitch_um / (optics.wavelength_um * optics.f_number)  # in cycles per height of a detector
    y = _frequencies(height, grid.row_step, cut_off)
    x = _frequencies(width, grid.column_step, cut_off * pixel_aspect)
    found = diffraction(np.hypot(y[:, None], x / np.float32(pixel_aspect)) / np.float32(cut_off))
    for f, own in ((y[:, None], grid.rows == height), (x[None], grid.columns == width)):
        found *= np.exp(-2 * (np.pi * optics.aberration_px * f) ** 2)
        if optics.footprint and own:
            found *= np.sinc(f)
    return found


def _frequencies(side: int, step: float, cut_off: float) -> Floats:
    """Return the frequencies of a cosine transform below the cut-off, in cycles per detector."""
    found = np.arange(side) * (step / (2 * side))
    return found[found <= cut_off].astype(np.float32)


def blur(image: Floats, transfer: Floats) -> Floats:
    """Return the image (H, W) with each coefficient of its cosine transform multiplied by the MTF.

    The cosine transform of type II extends the image by reflection. The mean is preserved and nothing is shifted.

    Args:
        image: Intensity (H, W).
        transfer: Result of :func:`mtf`.
    """
    rows, columns = transfer.shape
    waves = dctn(image, norm="ortho")
    waves[:rows, :columns] *= transfer
    waves[rows:] = 0
    waves[:rows, columns:] = 0
    return np.asarray(idctn(waves, norm="ortho", overwrite_x=True), dtype=np.float32)
