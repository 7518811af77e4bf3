"""Common use of GDAL: a bounded cache, opening by a fixed driver, and errors of this package."""

import errno
import re
import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import rasterio
from rasterio.errors import NotGeoreferencedWarning, RasterioError

from ir_transfer.errors import DecodeError, EncodeError, MissingFileError
from ir_transfer.imaging.image_names import BMP_SUFFIXES, JPEG_SUFFIXES, PNG_SUFFIXES
from ir_transfer.imaging.raster.references import (
    allow_network_files,
    check_overview_file,
    check_sidecars,
    check_source_name,
    check_vrt,
    gdal_name,
    is_network_path,
    is_virtual,
    restrict_gdal,
    vrt_sources,
)

restrict_gdal()
_CACHE_MB = 64  # GDAL's own default is a twentieth of the machine's memory
_NEARLY_FULL = 2**20
_PAGE = re.compile(r"(?P<page>GTIFF_DIR:\d+:)(?P<file>.+)", re.DOTALL)
# Drivers by suffix; any other file is opened as a TIFF.
_DRIVERS = {
    **dict.fromkeys(PNG_SUFFIXES, "PNG"),
    **dict.fromkeys(JPEG_SUFFIXES, "JPEG"),
    **dict.fromkeys(BMP_SUFFIXES, "BMP"),
    ".vrt": "VRT",
    ".webp": "WEBP",
    ".jp2": "JP2OpenJPEG",
}


@contextmanager
def environment() -> Iterator[None]:
    """Bound GDAL's block cache, and write masks into the files."""
    with rasterio.Env(GDAL_CACHEMAX=_CACHE_MB, GDAL_TIFF_INTERNAL_MASK=True), _no_place():
        yield


@contextmanager
def _no_place() -> Iterator[None]:
    """Ignore rasterio's warning about rasters without a georeference."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        yield


def open_raster(path: str, directory: int = 0) -> Any:
    """Open a file or a virtual path of GDAL for reading, by the driver of its suffix.

    The content does not select the driver: ``.vrt`` is a VRT, whose sources are checked; PNG, JPEG, BMP, WebP and JPEG
    2000 are recognised by their suffixes; any other file is a TIFF. ``GTIFF_DIR:2:NAME`` is the second directory of a
    TIFF. Inks and CIE Lab of a TIFF are not converted.

    Args:
        path: The file.
        directory: Index of the directory of a TIFF, from 0.

    Raises:
        MissingFileError: No such file.
        DecodeError: GDAL cannot read it, or it refers to a file that is not allowed.
    """
    page, file = (f"GTIFF_DIR:{directory + 1}:", path) if directory else _page_and_file(path)
    virtual = is_virtual(file)
    if not virtual and not Path(file).exists():
        raise MissingFileError(f"{path}: expected a raster, found none: check the path")
    if not virtual and not Path(file).is_file():
        raise DecodeError(f"{path}: expected a raster file, got a folder, pipe or device: check the path")
    if not has_name_for_gdal(path):
        raise DecodeError(f"{path}: expected a raster with a UTF-8 name, got other bytes: rename it")
    suffix = Path(file).suffix.lower()
    is_vrt = suffix == ".vrt"
    if not virtual:
        check_sidecars(Path(file))
        if is_vrt:
            check_vrt(Path(file))
    elif is_network_path(file):
        allow_network_files()
    driver = _DRIVERS.get(suffix, "GTiff")
    try:
        with _no_place():
            # absolute: a relative name may read as one of GDAL's own, such as GTIFF_DIR:1:other.tif
            name = gdal_name(file) if virtual else str(Path(file).absolute())
            dataset = rasterio.open(f"{page}{name}", driver=driver)
            try:
                _check_references(dataset, path, is_vrt=virtual and is_vrt)
                if driver != "GTiff" or not hides_numbers(dataset):
                    return dataset
                raw = rasterio.open(f"GTIFF_RAW:{page}{name}", driver=driver)
            except BaseException:
                dataset.close()
                raise
            dataset.close()
            return raw
    except DecodeError:
        raise
    except (RasterioError, OSError) as error:
        raise DecodeError(f"{path}: expected a raster that GDAL reads, got: {reason(error)}: check the file") from error


def hides_numbers(dataset: Any) -> bool:
    """Return whether GDAL converts the inks or CIE Lab of an open dataset to RGB, as it does for 8 bits.

    Opened as ``GTIFF_RAW:PATH``, it has the stored numbers.
    """
    return dataset.tags(ns="IMAGE_STRUCTURE").get("SOURCE_COLOR_SPACE") in {"CMYK", "CIELAB"}


def _page_and_file(path: str) -> tuple[str, str]:
    """Return the prefix that chooses a directory of a TIFF (``GTIFF_DIR:2:``), empty without one, and the file."""
    found = None if Path(path).exists() else _PAGE.fullmatch(path)
    return (found["page"], found["file"]) if found else ("", path)


def _check_references(dataset: Any, path: str, *, is_vrt: bool) -> None:
    check_overview_file(path, dataset.tags(ns="OVERVIEWS").get("OVERVIEW_FILE"))
    if is_vrt and not is_network_path(path):
        for text in dataset.tags(ns="xml:VRT").values():
            for name, _ in vrt_sources(text, path):
                check_source_name(name, path)


def has_name_for_gdal(path: str) -> bool:
    """Return whether a path is UTF-8, the only names that GDAL takes."""
    return not any("\ud800" <= character <= "\udfff" for character in path)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Translate errors of GDAL or the system while a file is written into :class:`EncodeError`, with ``errno``."""
    try:
        yield
    except EncodeError:
        raise
    except (RasterioError, OSError) as error:
        raise encode_error(path, reason(error), getattr(error, "errno", None)) from error


def encode_error(path: Path, what: str, number: int | None = None) -> EncodeError:
    """Return the error for a raster that could not be written; a full disk is recognised by its ``errno``."""
    full = number in {errno.ENOSPC, errno.EDQUOT} or _is_full(path.parent)  # GDAL's error has no reason
    remedy = "free some space" if full else "check the free space and the permissions of the folder"
    error = EncodeError(f"{path}: expected to write it, got: {what}: {remedy}")
    error.errno = errno.ENOSPC if full else number
    return error


def _is_full(folder: Path) -> bool:
    try:
        return shutil.disk_usage(folder).free < _NEARLY_FULL
    except OSError:
        return False


def reason(error: BaseException) -> str:
    """Return the deepest cause that GDAL gave, on one line."""
    while error.__cause__ is not None:
        error = error.__cause__
    return " ".join(str(error).split()) or type(error).__name__
