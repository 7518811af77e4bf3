"""What a conversion is asked for about images of any size; free of torch."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from ir_transfer.errors import InputError
from ir_transfer.imaging.encode import Compression
from ir_transfer.imaging.image_io import BitDepth

MEMORY = 2 * 10**9
SMALLEST_TILE = 64


@dataclass(frozen=True)
class RasterOptions:
    """How GeoTIFFs and other rasters are read and written.

    Attributes:
        bands: One or three, from 1; those interpreted as red, green and blue if None.
        levels: Numbers that become 0 and 1, or ``"percentile"``; by the type of the file if None.
        bit_depth: Of the result; by the type of the file if None.
        cog: Make cloud-optimised GeoTIFFs.
        overviews: Make overviews.
        nodata: Number of invalid pixels in files that do not declare it.
        page: Image of a file with several, from 1, or ``"all"``; the first of full size if None.
        compression: Of the result; that of the source, or a lossless one in place of it, if None.
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
        """Whether something is asked for that only files read by windows have."""
        return bool(self.bands or self.cog or self.overviews or self.nodata is not None)

    def look(self) -> dict[str, Any]:
        """Return what was asked for, for the manifest; nothing if nothing was."""
        given = asdict(self).items()
        elsewhere = {"bit_depth", "compression"}  # in the look of every run, and in the lines of rasters
        asked = {
            name: value for name, value in given if value is not None and value is not False and name not in elsewhere
        }
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asked.items()}


@dataclass(frozen=True)
class SizeOptions:
    """When an image is translated by tiles.

    Attributes:
        memory: Bytes that the process may take; None lets a GPU find out, and is 2 GB on a CPU.
        tile: Side of the tiles, for every image that is larger; chosen by the memory if None.
    """

    memory: int | None = None
    tile: int | None = None

    def check(self) -> None:
        """Raise :class:`InputError` for a value out of its range."""
        if self.tile is not None and self.tile < SMALLEST_TILE:
            raise InputError(f"expected --tile-size of at least {SMALLEST_TILE}, got {self.tile}")


PLAIN_RASTER = RasterOptions()
ANY_SIZE = SizeOptions()
