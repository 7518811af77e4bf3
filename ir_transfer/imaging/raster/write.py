"""Writes a GeoTIFF from complete windows, with the georeference, metadata and layout of its source."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import rasterio.shutil
from affine import Affine
from rasterio.enums import MaskFlags, Resampling
from rasterio.windows import Window

from ir_transfer.imaging.encode import Compression
from ir_transfer.imaging.image_io import OutputLevels
from ir_transfer.imaging.raster.gdal import encode_error, writing
from ir_transfer.imaging.raster.store import WindowStore

_LOSSLESS = frozenset({"deflate", "lzw", "zstd", "packbits", "lzma"})
_PREDICTED = frozenset({"deflate", "lzw", "zstd"})
_ASKED: dict[Compression, dict[str, Any]] = {
    "fast": {"compress": "deflate", "zlevel": 1, "predictor": 2},
    "small": {"compress": "deflate", "zlevel": 9, "predictor": 2},
    "none": {"compress": "none"},
}
_BLOCK = 512
_SMALLEST_OVERVIEW = 256
# These describe the numbers and overviews of the source only.
_NOT_KEPT = frozenset({"TIFFTAG_MINSAMPLEVALUE", "TIFFTAG_MAXSAMPLEVALUE", "OVR_RESAMPLING_ALG"})
DESCRIPTION = "apparent infrared intensity, relative"


@dataclass(frozen=True)
class Layout:
    """Properties that the result has from its source.

    Attributes:
        creation: Creation options of the GTiff driver, with coordinate reference system and transform.
        gcps: Ground control points and their coordinate reference system.
        rpcs: Rational polynomial coefficients.
        tags: Metadata of the file.
        nodata: Level of invalid pixels; None if they have a mask, or if there are none.
        masked: Whether invalid pixels have an internal mask.
    """

    creation: Mapping[str, Any]
    gcps: tuple[list[Any], Any] = field(default_factory=lambda: ([], None))
    rpcs: Any = None
    tags: Mapping[str, str] = field(default_factory=dict)
    nodata: int | None = None
    masked: bool = False


def layout_of(
    dataset: Any,
    bands: tuple[int, ...],
    dtype: np.dtype[Any],
    *,
    may_be_invalid: bool,
    own_nodata: float | None = None,
    compression: Compression | None = None,
) -> Layout:
    """Return the layout of a one-channel result for an open raster.

    Blocks are those of a GeoTIFF source, 512 x 512 for other formats. If ``compression`` is None, that of the source is
    kept, except that Deflate replaces lossy and unknown ones. The nodata value is that of the source if the levels can
    hold it, else 0; for a source with a mask or an alpha band, the result has an internal mask.
    """
    flags = {flag for band in bands for flag in dataset.mask_flag_enums[band - 1]}
    masked = may_be_invalid and MaskFlags.per_dataset in flags
    nodata: int | None = None
    if may_be_invalid and not masked:
        own = dataset.nodatavals[bands[0] - 1] if own_nodata is None else own_nodata
        fits = own is not None and float(own).is_integer() and 0 <= own <= np.iinfo(dtype).max
        nodata = int(own) if fits else 0
    gcps = dataset.gcps
    placed = {} if gcps[0] and dataset.transform == Affine.identity() else {"transform": dataset.transform}
    creation = {
        "crs": dataset.crs,
        **placed,
        **_blocks(dataset),
        **_compression(dataset, compression),
        "BIGTIFF": "IF_SAFER",
    }
    tags = {name: value for name, value in dataset.tags().items() if name not in _NOT_KEPT}
    return Layout(creation, gcps, dataset.rpcs, tags, nodata, masked)


def _blocks(dataset: Any) -> dict[str, Any]:
    height, width = dataset.block_shapes[0]
    if dataset.driver in {"GTiff", "COG"} and width == dataset.width and not dataset.profile.get("tiled"):
        return {"tiled": False, "blockysize": height}
    if dataset.driver not in {"GTiff", "COG"} or height % 16 or width % 16:
        height = width = _BLOCK
    return {"tiled": True, "blockysize": height, "blockxsize": width}


def _compression(dataset: Any, asked: Compression | None) -> dict[str, Any]:
    if asked is not None:
        return _ASKED[asked]
    found = str(dataset.profile.get("compress", "")).lower()
    if not found and dataset.driver in {"GTiff", "COG"}:
        return {}
    kind = found if found in _LOSSLESS else "deflate"
    return {"compress": kind, **({"predictor": 2} if kind in _PREDICTED else {})}


def hidden(levels: OutputLevels, valid: Any, nodata: int | None) -> OutputLevels:
    """Return levels in which invalid pixels hold the nodata value; valid pixels of that level move by one."""
    if nodata is None:
        return levels if valid is None else np.where(valid, levels, 0).astype(levels.dtype)
    neighbour = nodata + 1 if nodata < np.iinfo(levels.dtype).max else nodata - 1
    moved = np.where(levels == nodata, neighbour, levels)
    return (moved if valid is None else np.where(valid, moved, nodata)).astype(levels.dtype)


def write_raster(
    store: WindowStore, layout: Layout, out: Path, *, cog: bool, overviews: bool, tags: Mapping[str, str]
) -> None:
    """Write the file under a temporary name in the store's folder, read it back, and rename it.

    Args:
        store: Store with all windows.
        layout: See :func:`layout_of`.
        out: Path of the file.
        cog: Whether to write a cloud-optimised GeoTIFF, which always has overviews.
        overviews: Whether to add overviews (averages, halved until a side is below 256).
        tags: Metadata in addition to that of the source.

    Raises:
        EncodeError: The file could not be written, most often because the disk is full.
    """
    made, optimised = store.folder / "made.tif", store.folder / "optimised.tif"
    try:
        with writing(made):
            _write_plain(store, layout, made, tags)
            if overviews and not cog:
                with rasterio.open(made, "r+", driver="GTiff") as dataset:
                    dataset.build_overviews(_factors(store.height, store.width), Resampling.average)
            if cog:
                rasterio.shutil.copy(made, optimised, driver="COG", **_cog_options(layout))
            finished = optimised if cog else made
            _read_back(store, finished)
            _to_disk(finished)
            finished.replace(out)
    finally:  # an incomplete file must not fill the disk
        made.unlink(missing_ok=True)
        optimised.unlink(missing_ok=True)


def _write_plain(store: WindowStore, layout: Layout, path: Path, tags: Mapping[str, str]) -> None:
    path.unlink(missing_ok=True)
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        height=store.height,
        width=store.width,
        count=1,
        dtype=store.dtype,
        nodata=layout.nodata,
        **layout.creation,
    ) as dataset:
        dataset.update_tags(**layout.tags, **tags)
        dataset.set_band_description(1, DESCRIPTION)
        if layout.gcps[0]:
            dataset.gcps = layout.gcps
        if layout.rpcs is not None:
            dataset.rpcs = layout.rpcs
        for y0, y1 in _strips(store.height, layout.creation["blockysize"]):
            box = Window(0, y0, store.width, y1 - y0)
            dataset.write(store.levels(y0, y1), 1, window=box)
            if layout.masked:
                valid = store.valid(y0, y1)
                dataset.write_mask(np.ones((y1 - y0, store.width), bool) if valid is None else valid, window=box)


def _cog_options(layout: Layout) -> dict[str, Any]:
    compress = layout.creation.get("compress")
    level = {"LEVEL": layout.creation["zlevel"]} if "zlevel" in layout.creation else {}
    kept = _PREDICTED | {"lzma", "none"}
    blocks = layout.creation.get("blockxsize", _BLOCK)
    return {
        "COMPRESS": str(compress).upper() if compress in kept else "DEFLATE",
        **level,
        "PREDICTOR": "YES",
        "BLOCKSIZE": blocks if blocks >= 128 else _BLOCK,
        "BIGTIFF": "IF_SAFER",
        "RESAMPLING": "AVERAGE",
        "OVERVIEWS": "IGNORE_EXISTING",
    }


def _read_back(store: WindowStore, path: Path) -> None:
    """Compare the file with the store: GDAL may report no error on a full disk."""
    with rasterio.open(path, driver="GTiff") as dataset:
        for y0, y1 in _strips(store.height, _BLOCK):
            if not np.array_equal(dataset.read(1, window=Window(0, y0, store.width, y1 - y0)), store.levels(y0, y1)):
                raise encode_error(path, f"other levels when it was read back (rows {y0} to {y1})")


def _to_disk(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _strips(height: int, rows: int) -> Iterator[tuple[int, int]]:
    """Yield spans of rows that are whole blocks, of 256 rows or so."""
    step = rows * max(1, 256 // rows)
    for y0 in range(0, height, step):
        yield y0, min(y0 + step, height)


def _factors(height: int, width: int) -> list[int]:
    """Return the factors of overviews, halved until a side is below 256."""
    factors, factor = [], 2
    while min(height, width) // factor >= _SMALLEST_OVERVIEW // 2:
        factors.append(factor)
        factor *= 2
    return factors or [2]
