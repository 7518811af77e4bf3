"""What every use of GDAL here shares: a bounded cache, quiet opening and errors in this package's words."""

from __future__ import annotations

import errno
import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import rasterio
from rasterio.errors import NotGeoreferencedWarning, RasterioError

from ir_transfer.errors import DecodeError, EncodeError, MissingFileError

_CACHE_MB = 64  # GDAL's own default is a twentieth of the machine's memory
_NEARLY_FULL = 2**20


@contextmanager
def environment() -> Iterator[None]:
    """Bound GDAL's cache of blocks, and keep masks inside the files that are written."""
    with rasterio.Env(GDAL_CACHEMAX=_CACHE_MB, GDAL_TIFF_INTERNAL_MASK=True), _no_place():
        yield


@contextmanager
def _no_place() -> Iterator[None]:
    """A raster without a place on Earth is no reason for a warning: its translation has none either."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        yield


def open_raster(path: str) -> Any:
    """Open a file or any other path of GDAL for reading.

    Raises:
        MissingFileError: No such file.
        DecodeError: GDAL cannot read it.
    """
    if not is_virtual(path) and not Path(path).exists():
        raise MissingFileError(f"{path}: expected a raster, found none: check the path")
    if not has_name_for_gdal(path):
        raise DecodeError(f"{path}: expected a raster whose name is UTF-8, got other bytes: rename it")
    try:
        with _no_place():
            return rasterio.open(path)
    except (RasterioError, OSError) as error:
        raise DecodeError(f"{path}: expected a raster that GDAL reads, got: {reason(error)}: check the file") from error


def has_name_for_gdal(path: str) -> bool:
    """Return whether a path is UTF-8, the only names that GDAL takes."""
    return not any("\ud800" <= character <= "\udfff" for character in path)


def is_virtual(path: str) -> bool:
    """Return whether a path is one of GDAL's own, such as ``/vsizip/a.zip/b.tif`` or ``zip://a.zip!b.tif``."""
    return path.startswith("/vsi") or "://" in path


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn what GDAL or the system says while a file is written into :class:`EncodeError`, ``errno`` kept."""
    try:
        yield
    except EncodeError:
        raise
    except (RasterioError, OSError) as error:
        raise encode_error(path, reason(error), getattr(error, "errno", None)) from error


def encode_error(path: Path, what: str, number: int | None = None) -> EncodeError:
    """Return the error for a raster that could not be written; a full disk is told by its ``errno``."""
    full = number in {errno.ENOSPC, errno.EDQUOT} or _is_full(path.parent)  # GDAL itself names no reason
    remedy = "free some space" if full else "is there space left on the disk? is the folder writable?"
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
