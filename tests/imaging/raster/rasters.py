"""Small rasters for tests."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from affine import Affine
from numpy.typing import NDArray
from rasterio.errors import NotGeoreferencedWarning

# Not a sum of powers of two: it shows whether any digit is lost.
PLACE = Affine(0.1 + 0.2, 0.0, 485900.123456789, 0.0, -(0.1 + 0.2), 5209247.987654321)
PLACED: dict[str, Any] = {"crs": "EPSG:26914", "transform": PLACE}


def numbers(count: int, height: int, width: int, dtype: str = "uint8", seed: int = 0) -> NDArray[Any]:
    """Return smooth bands (count, H, W) between a tenth and nine tenths of 8 bits, or of 10,000."""
    generator = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    waves = [np.sin(y / (7 + 3 * band)) + np.cos(x / (11 + band)) for band in range(count)]
    unit = (np.stack(waves) + 2) / 5 + 0.1 + 0.05 * generator.random((count, height, width))
    return (unit * (255 if dtype == "uint8" else 10_000)).astype(dtype)


def write(
    path: Path, bands: NDArray[Any], *, mask: NDArray[np.bool_] | None = None, colors: Any = None, **options: Any
) -> Path:
    """Write bands (count, H, W) as a GeoTIFF, or with another ``driver``."""
    count, height, width = bands.shape
    profile = {"driver": "GTiff", "height": height, "width": width, "count": count, "dtype": bands.dtype}
    with warnings.catch_warnings(), rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True):
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(path, "w", **{**profile, **options}) as dataset:
            dataset.write(bands)
            if colors is not None:
                dataset.colorinterp = colors
            if mask is not None:
                dataset.write_mask(mask)
    return path
