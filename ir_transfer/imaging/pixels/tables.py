"""What GDAL says of stored numbers: colour tables, zero as white, the encodings of CIE Lab."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

INKS, LAB, ICC_LAB, ITU_LAB = 5, 8, 9, 10
"""Photometric interpretations of TIFF."""

_LARGEST_UNSIGNED = 65535


def white_is_zero(dataset: Any) -> bool:
    """Return whether the smallest number of an open dataset is white."""
    return bool(dataset.tags(ns="IMAGE_STRUCTURE").get("MINISWHITE") == "YES") or _is_reversed(_table(dataset))


def _table(dataset: Any) -> NDArray[np.uint8] | None:
    """Return the colour table (n, 4) of a dataset."""
    if dataset.colorinterp[0].name != "palette":
        return None
    try:
        found = dataset.colormap(1)
    except ValueError:
        return None
    table = np.zeros((max(found) + 1, 4), np.uint8)
    for index, entry in found.items():
        table[index] = entry
    return table


def _is_reversed(table: NDArray[np.uint8] | None) -> bool:
    """Return whether a table is the one that GDAL makes for gray files whose zero is white."""
    if table is None or len(table) < 3:
        return False
    ramp = np.arange(len(table))[::-1]
    return bool((table[:, :3] == table[:, :1]).all()) and any(
        np.array_equal(table[:, 0], one.astype(np.uint8)) for one in (ramp, ramp >> 8, ramp * 255 // (len(table) - 1))
    )


def palette_of(dataset: Any) -> NDArray[np.uint8] | None:
    """Return the colour table (n, 4) of an image of indices; None for one of numbers."""
    if dataset.tags(ns="IMAGE_STRUCTURE").get("MINISWHITE") == "YES" and dataset.dtypes[0] != "uint8":
        return None
    table = _table(dataset)
    if table is None or _is_reversed(table):
        return None
    return table


def plain_lab(numbers: NDArray[Any], photometric: int) -> NDArray[Any]:
    """Return CIE Lab (3, H, W) as :class:`~ir_transfer.imaging.pixels.stage.Meaning` has it."""
    half = numbers.dtype.type(128 if numbers.dtype == np.uint8 else 32768)
    result = numbers.copy()
    if photometric == LAB:
        result[1:] = numbers[1:] ^ half  # signed to offset
    elif photometric == ICC_LAB and numbers.dtype == np.uint16:
        result[0] = np.minimum(numbers[0].astype(np.uint32) * _LARGEST_UNSIGNED // 65280, _LARGEST_UNSIGNED)
    return result
