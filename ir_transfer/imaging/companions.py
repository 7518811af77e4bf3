"""Companion files of an image: sidecars, sources of a VRT, the archive that contains it."""

import hashlib
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from rasterio.errors import RasterioError
from rasterio.windows import Window

from ir_transfer.errors import DecodeError
from ir_transfer.imaging.image_names import world_endings
from ir_transfer.imaging.raster.gdal import environment, open_raster, reason
from ir_transfer.regular_files import open_regular

_VIRTUAL = re.compile(r"/vsi[a-z0-9_]+/")
_ADDED = (".aux.xml", ".msk", ".ovr")
"""Suffixes that GDAL appends to a whole file name: metadata (statistics, nodata), mask and overviews."""
_READ_AT_ONCE = 2**24  # bytes of pixels


def image_companions(path: Path) -> list[Path]:
    """Return the existing sidecars of an image file: mask, overviews, GDAL's metadata and world file."""
    names = [path.name + added for added in _ADDED] + [path.stem + one for one in sorted(world_endings(path.suffix))]
    return [other for name in names if (other := path.with_name(name)) != path and _is_file(other)]


def hash_image_companions(path: Path) -> str | None:
    """Return a hash of the sidecars of an image file, None if it has none.

    Raises:
        DecodeError: One of them cannot be read.
    """
    return _hash_all(image_companions(path), path.parent)


def hash_raster(path: str) -> tuple[str, str | None]:
    """Return a hash of the file or archive that contains a raster, and one of its companion files, None without any.

    A raster without a local file, such as one on the network, is hashed by its pixels, masks and georeference.

    Args:
        path: A file or a virtual path of GDAL.

    Raises:
        MissingFileError: No such raster.
        DecodeError: The raster or one of its files cannot be read.
    """
    main = _file_of(path)
    with environment(), open_raster(path) as dataset:
        others, local = _others(dataset.files, {_absolute(main)} if main is not None else set())
        if main is None or not local:
            return _hash_pixels(dataset, path), None
    return hash_file(main), _hash_all(others, main.parent)


def hash_file(path: Path) -> str:
    """Return the sha256 of a file.

    Raises:
        DecodeError: It cannot be read.
    """
    try:
        with open_regular(path) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise DecodeError(
            f"{path}: expected a readable file, got: {error.strerror}: check the path and its permissions"
        ) from error


def _others(names: Iterable[str], known: set[str]) -> tuple[list[Path], bool]:
    """Return the local files of GDAL's names and, recursively, their further files, and whether all are local."""
    found: list[Path] = []
    local = True
    for name in names:
        file = _file_of(name)
        if file is None:
            local = False
        elif (place := _absolute(file)) not in known:
            known.add(place)
            found.append(file)
            inner, here = _others(_behind(file, name), known)
            found, local = found + inner, local and here
    return found, local


def _behind(file: Path, name: str) -> Iterator[str]:
    yield from map(str, image_companions(file))
    if file.suffix.lower() == ".vrt" and not name.startswith("/vsi"):
        with open_raster(name) as dataset:
            yield from dataset.files


def _file_of(path: str) -> Path | None:
    """Return the local file or archive of a path of GDAL; None if there is none."""
    rest = path
    while prefix := _VIRTUAL.match(rest):
        rest = rest[prefix.end() :]
    if rest.startswith("{"):  # /vsizip/{folder/a.zip}/b.tif
        rest = rest[1:].replace("}", "", 1)
    whole = Path(rest)
    candidates = [whole] if rest == path else [whole, *whole.parents]
    return next((one for one in candidates if _is_file(one)), None)


def _absolute(path: Path) -> str:
    return os.path.abspath(path)  # noqa: PTH100  # without "..", which GDAL removes from relative paths


def _is_file(path: Path) -> bool:
    return os.path.isfile(path)  # noqa: PTH113  # false for a name that is longer than the system allows


def _hash_all(files: Iterable[Path], folder: Path) -> str | None:
    """Return a hash of the contents of files and of their names relative to a folder; None without files."""
    hashes = sorted(f"{os.path.relpath(file, folder)}\0{hash_file(file)}" for file in files)
    if not hashes:
        return None
    return hashlib.sha256("\n".join(hashes).encode(errors="surrogateescape")).hexdigest()


def _hash_pixels(dataset: Any, path: str) -> str:
    made = hashlib.sha256(repr((dataset.crs, dataset.transform, dataset.nodatavals, dataset.tags())).encode())
    itemsize = 16  # of the widest type, complex numbers
    rows = max(1, _READ_AT_ONCE // (dataset.count * dataset.width * itemsize))
    try:
        for top in range(0, dataset.height, rows):
            window = Window(0, top, dataset.width, min(rows, dataset.height - top))
            made.update(dataset.read(window=window).tobytes())
            made.update(dataset.dataset_mask(window=window).tobytes())
    except RasterioError as error:
        raise DecodeError(f"{path}: expected a readable raster, got: {reason(error)}: check the file") from error
    return made.hexdigest()
