"""A raster as a picture that is read by boxes: bands chosen, numbers brought to [0, 1], invalid pixels told apart."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from rasterio.enums import ColorInterp, MaskFlags
from rasterio.errors import RasterioError
from rasterio.windows import Window

from ir_transfer.data.raster.gdal import open_raster, reason
from ir_transfer.data.raster.levels import Asked, Levels, percentile_levels
from ir_transfer.errors import DecodeError, InputError

_OVERVIEW_SIDE = 1024
_COLOURS = (ColorInterp.red, ColorInterp.green, ColorInterp.blue)


class Raster:
    """An open raster.

    A pixel is invalid where the raster's mask or alpha says so, where a chosen band is no finite number, where all
    chosen bands hold their nodata value, or where one does and that value lies outside the levels (within them, one
    band may well be that dark). Invalid pixels take the mean colour of the valid ones of a decimated read: it decides
    what the network sees beside the border of the valid ones, and is the same for every window.

    Args:
        path: A file or any other path of GDAL.
        bands: One or three bands, from 1; by default those interpreted as red, green and blue, else 1, 2 and 3, else 1.
        levels: What becomes 0 and 1; ``"percentile"`` takes the 2nd and 98th over a decimated read of at most 1024
            pixels a side. By default 0 to 255 for 8 bits and percentiles for others.

    Attributes:
        bands: The chosen bands.
        levels: The range that is used.
        fill: The colour (3,) in [0, 1] that invalid pixels take.
        may_be_invalid: Whether the file can hold invalid pixels at all.

    Raises:
        MissingFileError: No such file.
        DecodeError: GDAL cannot read it.
        InputError: Bands or levels that do not fit the file.
    """

    def __init__(self, path: str, bands: Sequence[int] | None = None, levels: Asked = None) -> None:
        self.path = path
        self.dataset: Any = open_raster(path)
        try:
            self.bands = _chosen_bands(self.dataset, bands, path)
            self._describe(levels)
        except BaseException:
            self.dataset.close()
            raise

    def _describe(self, levels: Asked) -> None:
        chosen = [self.dataset.mask_flag_enums[band - 1] for band in self.bands]
        self.dtype = np.result_type(*(self.dataset.dtypes[band - 1] for band in self.bands))
        if self.dtype.kind not in "uif":
            raise InputError(f"{self.path}: expected bands of real numbers, got {self.dtype}: convert the file")
        self._masked = not all(flags == [MaskFlags.all_valid] for flags in chosen)
        self._by_nodata = all(MaskFlags.nodata in flags and MaskFlags.alpha not in flags for flags in chosen)
        self.may_be_invalid = self._masked or self.dtype.kind == "f"
        self._strict = False
        narrow = self.dtype == np.uint8
        if isinstance(levels, tuple):
            self.levels = Levels(*levels)
        elif narrow and levels is None:
            self.levels = Levels(0, 255)
        else:
            self.levels = Levels(0, 1)
        percentiles = not isinstance(levels, tuple) and not (narrow and levels is None)
        self.fill = np.full(3, 0.5, np.float32)
        if not percentiles and not self.may_be_invalid:
            return
        scale = max(self.height, self.width) / _OVERVIEW_SIDE
        shape = tuple(max(1, round(side / max(scale, 1))) for side in (self.height, self.width))
        box = Window(0, 0, self.width, self.height)
        if percentiles:
            # No range is known yet: a nodata value counts as outside of it.
            self._strict = True
            values, valid = self._numbers(box, shape)
            self.levels = percentile_levels(values if valid is None else values[:, valid])
        self._strict = self._by_nodata and not all(
            self.levels.holds(self.dataset.nodatavals[band - 1]) for band in self.bands
        )
        values, valid = self._numbers(box, shape)
        seen = self.levels.unit(values if valid is None else values[:, valid]).reshape(len(values), -1)
        if seen.size:
            self.fill = np.broadcast_to(seen.mean(1, dtype=np.float64).astype(np.float32), (3,))

    @property
    def height(self) -> int:
        """Rows."""
        return int(self.dataset.height)

    @property
    def width(self) -> int:
        """Columns."""
        return int(self.dataset.width)

    def read(self, y0: int, x0: int, y1: int, x1: int) -> tuple[NDArray[np.float32], NDArray[np.bool_] | None]:
        """Return float sRGB (3, h, w) in [0, 1] of a box, and which pixels (h, w) are valid; None if all are.

        Raises:
            DecodeError: The file is damaged there.
        """
        values, valid = self._numbers(Window(x0, y0, x1 - x0, y1 - y0), None)
        unit = self.levels.unit(values)
        if len(unit) == 1:
            unit = np.repeat(unit, 3, axis=0)
        if valid is not None:
            unit[:, ~valid] = self.fill[:, None]
        return unit, valid

    def _numbers(self, box: Window, shape: tuple[int, ...] | None) -> tuple[NDArray[Any], NDArray[np.bool_] | None]:
        """Return the file's numbers (n, h, w) of a box, decimated to a shape, and which pixels are valid."""
        out_shape = None if shape is None else (len(self.bands), *shape)
        try:
            values = self.dataset.read(self.bands, window=box, out_shape=out_shape)
            masks = self.dataset.read_masks(self.bands, window=box, out_shape=out_shape) > 0 if self._masked else None
        except (RasterioError, OSError) as error:
            raise DecodeError(
                f"{self.path}: expected whole blocks at rows {box.row_off} to {box.row_off + box.height}, columns "
                f"{box.col_off} to {box.col_off + box.width}, got: {reason(error)}: the file is damaged, fetch it again"
            ) from error
        valid: NDArray[np.bool_] | None = None
        if masks is not None:
            valid = masks.any(0) if self._by_nodata and not self._strict else masks.all(0)
        if self.dtype.kind == "f":
            finite = np.isfinite(values).all(0)
            valid = finite if valid is None else valid & finite
        return values, None if valid is None or valid.all() else valid

    def close(self) -> None:
        """Close the file."""
        self.dataset.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _chosen_bands(dataset: Any, asked: Sequence[int] | None, path: str) -> tuple[int, ...]:
    if ColorInterp.palette in dataset.colorinterp:
        raise InputError(
            f"{path}: expected bands of intensities, got a palette: expand it first (gdal_translate -expand rgb)"
        )
    if asked is not None:
        if len(asked) not in {1, 3} or not all(1 <= band <= dataset.count for band in asked):
            raise InputError(f"{path}: expected one or three bands of 1 to {dataset.count}, got {tuple(asked)}")
        return tuple(asked)
    meaning = list(dataset.colorinterp)
    if all(colour in meaning for colour in _COLOURS):
        return tuple(meaning.index(colour) + 1 for colour in _COLOURS)
    plain = [number for number, kind in enumerate(meaning, start=1) if kind != ColorInterp.alpha]
    return tuple(plain[:3]) if len(plain) >= 3 else (plain[0],)
