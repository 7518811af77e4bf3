"""Distinguishes rasters, which are read in windows, from images, which are decoded as a whole."""

from pathlib import Path
from typing import Literal

import rasterio

from ir_transfer.errors import ForeignReferenceError, IrTransferError
from ir_transfer.imaging.companions import image_companions
from ir_transfer.imaging.image_io import read_bytes
from ir_transfer.imaging.image_names import TIFF_SUFFIXES
from ir_transfer.imaging.pixels.gdal_dataset import is_measured
from ir_transfer.imaging.pixels.pages import open_page
from ir_transfer.imaging.raster.gdal import has_name_for_gdal, open_raster
from ir_transfer.imaging.raster.references import is_virtual

_SUFFIXES = TIFF_SUFFIXES | {".vrt"}
_ENDINGS = tuple(_SUFFIXES)


def is_raster(
    path: str, max_pixels: int, *, by_windows: bool = False, page: int | Literal["all"] | None = None
) -> bool:
    """Return whether a path is a raster: georeferenced, of more than four bands, or larger than ``max_pixels``.

    A file that cannot be read is not a raster: reading it as an image reports the error. One that refers to a file
    that is not allowed is a raster, and refused when opened.

    Args:
        path: A file or a virtual path of GDAL.
        max_pixels: Pixels of the largest image that is decoded as a whole.
        by_windows: Whether every TIFF counts as a raster.
        page: Page of a TIFF, from 1; with ``"all"``, the file is a raster if any of its pages is; the first of full
            size if None.
    """
    if is_virtual(path) or path.lower().endswith(".vrt"):
        return True
    if not path.lower().endswith(_ENDINGS):
        return False
    if not has_name_for_gdal(path):
        return by_windows or _is_raster_of_another_name(Path(path), max_pixels)
    if page == "all":
        return any(_is_raster(path, max_pixels, number, by_windows=by_windows) for number in _numbers(path))
    return _is_raster(path, max_pixels, page, by_windows=by_windows)


def _is_raster_of_another_name(path: Path, max_pixels: int) -> bool:
    """Return whether a file whose name is not UTF-8, which GDAL cannot open, is a raster, by its bytes or sidecars."""
    if image_companions(path):
        return True
    try:
        return holds_raster(read_bytes(path, max_pixels), path.name, max_pixels)
    except IrTransferError:
        return False


def holds_raster(data: bytes, name: str, max_pixels: int) -> bool:
    """Return whether the bytes of a file are those of a raster; see :func:`is_raster`."""
    if Path(name).suffix.lower() not in _SUFFIXES:
        return False
    with rasterio.MemoryFile(data, ext="tif") as memory:
        return _is_raster(memory.name, max_pixels)


def _numbers(path: str) -> list[int | None]:
    """Return the numbers of the pages of a TIFF; None alone for any other file."""
    first = open_page(path, None)
    return [None] if first is None else [*range(1, first.count + 1)]


def _is_raster(path: str, max_pixels: int, page: int | None = None, *, by_windows: bool = False) -> bool:
    try:
        found = open_page(path, page)
        with open_raster(path, 0 if found is None else found.index) as dataset:
            is_large = dataset.width * dataset.height > max_pixels
            return by_windows or is_measured(dataset) or is_large
    except ForeignReferenceError:
        return True  # as an image it would silently lose its georeference
    except IrTransferError:
        return False
