"""Options of rasters and of translation in tiles; does not import torch."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from ir_transfer.errors import InputError
from ir_transfer.imaging.encode import Compression
from ir_transfer.imaging.image_io import BitDepth

MEMORY = 2 * 10**9
"""Default memory limit in bytes on a CPU."""
SMALLEST_TILE = 64
"""Smallest side of a tile in pixels."""


@dataclass(frozen=True)
class RasterOptions:
    """How GeoTIFFs and other rasters are read and written.

    Attributes:
        bands: One or three bands, counted from 1; those interpreted as red, green and blue if None.
        levels: Values that become 0 and 1, or ``"percentile"``; by the data type of the file if None.
        bit_depth: Bit depth of the result; by the data type of the file if None.
        cog: Write cloud-optimised GeoTIFFs.
        overviews: Write overviews.
        nodata: Value of invalid pixels in files that do not declare it.
        page: Page of a file with several images, counted from 1, or ``"all"``; the first full-size page if None.
        compression: Compression of the result; None keeps that of the source, or a lossless one if that is lossy.
    """

    bands: tuple[int, ...] | None = None
    levels: tuple[float, float] | Literal["percentile"] | None = None
    bit_depth: BitDepth | None = None
    cog: bool = False
    overviews: bool = False
    nodata: float | None = None
    page: int | Literal["all"] | None = None
    compression: Compression | None = None

    @property
    def needs_windows(self) -> bool:
        """Whether an option applies only to files that are read in windows."""
        return bool(self.bands or self.cog or self.overviews or self.nodata is not None)

    def settings(self) -> dict[str, Any]:
        """Return the options that are set, for the manifest."""
        elsewhere = {"bit_depth", "compression"}  # in the settings of every run, and in the lines of rasters
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in asdict(self).items()
            if value is not None and value is not False and name not in elsewhere
        }


@dataclass(frozen=True)
class SizeOptions:
    """Limits above which an image is translated in tiles.

    Attributes:
        memory: Memory limit of the process in bytes; None is 2 GB on a CPU, and no limit but its own on a GPU.
        tile: Side of the tiles, applied to every larger image; chosen by the memory if None.
    """

    memory: int | None = None
    tile: int | None = None

    def check(self) -> None:
        """Raise :class:`InputError` for a value out of its range."""
        if self.tile is not None and self.tile < SMALLEST_TILE:
            raise InputError(f"expected --tile-size of at least {SMALLEST_TILE}, got {self.tile}")


PLAIN_RASTER = RasterOptions()
ANY_SIZE = SizeOptions()
