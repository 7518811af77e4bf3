"""What an open GDAL dataset declares: colour table, white as zero, encoding of CIE Lab, nodata, georeferencing."""

from contextlib import suppress
from typing import Any

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from rasterio._err import CPLE_BaseError
from rasterio.enums import ColorInterp

INKS, LAB, ICC_LAB, ITU_LAB = 5, 8, 9, 10
"""Photometric interpretations of TIFF."""

_LARGEST_UNSIGNED = 65535


def band_colours(dataset: Any) -> list[ColorInterp]:
    """Return the colour interpretation of each band.

    rasterio raises pending GDAL errors here, such as an unknown tag or a missing later page.
    """
    with suppress(CPLE_BaseError):
        return list(dataset.colorinterp)
    return list(dataset.colorinterp)


def white_is_zero(dataset: Any) -> bool:
    """Return whether 0 is white in an open dataset."""
    return bool(dataset.tags(ns="IMAGE_STRUCTURE").get("MINISWHITE") == "YES") or _is_reversed(_table(dataset))


def _table(dataset: Any) -> NDArray[np.uint8] | None:
    """Return the colour table (n, 4) of a dataset."""
    if band_colours(dataset)[0].name != "palette":
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
    """Return whether a colour table is the one that GDAL makes for gray files in which 0 is white."""
    if table is None or len(table) < 3:
        return False
    ramp = np.arange(len(table))[::-1]
    return bool((table[:, :3] == table[:, :1]).all()) and any(
        np.array_equal(table[:, 0], one.astype(np.uint8)) for one in (ramp, ramp >> 8, ramp * 255 // (len(table) - 1))
    )


def palette_of(dataset: Any) -> NDArray[np.uint8] | None:
    """Return the colour table (n, 4) of an indexed image; None for any other."""
    if dataset.tags(ns="IMAGE_STRUCTURE").get("MINISWHITE") == "YES" and dataset.dtypes[0] != "uint8":
        return None
    table = _table(dataset)
    if table is None or _is_reversed(table):
        return None
    return table


def plain_lab(numbers: NDArray[Any], photometric: int) -> NDArray[Any]:
    """Return CIE Lab (3, H, W) in the encoding of :class:`~ir_transfer.imaging.pixels.stage.Meaning`."""
    half = numbers.dtype.type(128 if numbers.dtype == np.uint8 else 32768)
    result = numbers.copy()
    if photometric == LAB:
        result[1:] = numbers[1:] ^ half  # signed to offset
    elif photometric == ICC_LAB and numbers.dtype == np.uint16:
        result[0] = np.minimum(numbers[0].astype(np.uint32) * _LARGEST_UNSIGNED // 65280, _LARGEST_UNSIGNED)
    return result


def is_measured(dataset: Any) -> bool:
    """Return whether an open dataset holds measurements: it is georeferenced, or has more bands than an image."""
    colours = 5 if ColorInterp.cyan in band_colours(dataset) else 4
    return is_placed(dataset) or dataset.count > colours


def is_placed(dataset: Any) -> bool:
    """Return whether an open dataset is georeferenced."""
    return bool(dataset.crs or dataset.gcps[0] or dataset.rpcs or dataset.transform != Affine.identity())


def to_alpha(stored: NDArray[Any], bits: int) -> NDArray[np.uint8]:
    """Return an alpha band (h, w) of any type, of ``bits`` bits, as 0 (transparent) to 255."""
    if stored.dtype == np.uint8 and bits == 8:
        return stored
    white = 1.0 if stored.dtype.kind == "f" else float(2 ** min(bits, stored.dtype.itemsize * 8) - 1)
    return np.rint(np.clip(np.nan_to_num(stored / white), 0, 1) * 255).astype(np.uint8)


def is_gray(palette: NDArray[Any]) -> bool:
    """Return whether every colour of a palette (n, 4) is gray."""
    return bool((palette[:, :1] == palette[:, :3]).all())


def opaque_where(valid: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Return alpha (h, w): 255 where a pixel is valid, else 0."""
    return valid.astype(np.uint8) * np.uint8(255)
