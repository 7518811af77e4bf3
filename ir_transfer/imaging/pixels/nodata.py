"""Pixels without a value, by the nodata value of their band."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


def holds_nodata(numbers: NDArray[Any], nodata: Sequence[float]) -> NDArray[np.bool_]:
    """Return which numbers (n, h, w) are the nodata value of their band.

    As in GDAL, a float32 file holds the nearest float of a value such as -3.4e38.
    """
    dtype = numbers.dtype
    same = [
        np.zeros(band.shape, np.bool_)
        if not (dtype.kind == "f" or _fits(value, dtype))
        else np.isnan(band)
        if np.isnan(value)
        else band == np.asarray(value).astype(dtype)
        for band, value in zip(numbers, nodata, strict=True)
    ]
    return np.stack(same)


def _fits(value: float, dtype: np.dtype[Any]) -> bool:
    limits = np.iinfo(dtype)
    return float(value).is_integer() and limits.min <= value <= limits.max
