"""Reads rasters in boxes: chosen bands, numbers mapped to [0, 1], and a mask of valid pixels."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ir_transfer.errors import DecodeError, InputError
from ir_transfer.imaging.header import header_of, read_header
from ir_transfer.imaging.pixels.containers import Container
from ir_transfer.imaging.pixels.gdal_dataset import is_measured
from ir_transfer.imaging.pixels.pages import Page, open_page, page_of
from ir_transfer.imaging.pixels.stage import HALF_OPAQUE, Alpha, Reading, composited, mean_colour
from ir_transfer.imaging.pixels.tiff import Box, TiffImage
from ir_transfer.imaging.pixels.tiff_tags import GPS_BLOCK
from ir_transfer.imaging.raster.gdal import open_raster
from ir_transfer.imaging.raster.levels import Asked, Levels, percentile_levels
from ir_transfer.imaging.raster.virtual_file import open_virtual_file

_OVERVIEW_SIDE = 1024
_SIDE = 1024  # pixels of a window that is read at a time
_AT_ONCE = 2**21  # pixels of strips that are read at a time
_LARGEST_STRIP = 2**25  # pixels; a larger one is read in parts
_MOST_SOURCES = 50
_OPAQUE = 255
_GRADED = 0.2  # of the pixels: edges and haze are less
_SLACK = 1e-4  # rounding errors of a writer of float images


class Raster:
    """An open raster.

    A pixel is invalid where the mask or alpha is 0, where a chosen band is NaN or infinite, where all chosen bands hold
    their nodata value, or where one does and that value is outside of the levels (inside, a valid band may be that
    dark). Invalid pixels take the mean colour of the valid ones in a subsampled read: the network sees this colour
    beside valid pixels, and it is the same for every window.

    Args:
        path: A file or a virtual path of GDAL.
        bands: One or three bands, from 1; by default those that the file names red, green and blue; see
            :func:`~ir_transfer.imaging.pixels.bands.choose_bands`.
        levels: The values for 0 and 1; ``"percentile"`` takes the 2nd and 98th percentile over all valid pixels, for
            which the file is read once (numbers of over 16 bits: twice). By default the range of the type for 8 bits,
            inks, CIE Lab and images without a georeference, and percentiles for others, which are measurements.
        nodata: Number of invalid pixels; the one that the file declares if None.
        page: Page of a TIFF, from 1; the first of full size if None.

    Attributes:
        bands: The chosen bands.
        levels: The range that is used.
        fill: The colour (3,) in [0, 1] of invalid pixels.
        may_be_invalid: Whether the file can hold invalid pixels.

    Raises:
        MissingFileError: No such file.
        DecodeError: GDAL cannot read it.
        InputError: Bands or levels that do not fit the file.
    """

    def __init__(
        self,
        path: str,
        bands: Sequence[int] | None = None,
        levels: Asked = None,
        nodata: float | None = None,
        page: int | None = None,
    ) -> None:
        self.path = path
        chosen, container = _page_or_container(path, page)
        if chosen is None and page not in {None, 1}:
            raise InputError(f"{path}: expected a TIFF file with --page {page}, got another path: extract it")
        self.dataset: Any = open_raster(path, 0 if chosen is None else chosen.index)
        try:
            self.image = TiffImage(self.dataset, path, chosen, bands, nodata, page, container)
            if chosen is not None and chosen.directory.integer(GPS_BLOCK, 0):
                self.reading.notes.append("the GPS position in its EXIF is not written to the result of a raster")
            self._report_images(chosen, container)
            self._refuse_mixed_sources()
            self._describe(levels)
        except BaseException:
            self.dataset.close()
            raise

    @property
    def bands(self) -> tuple[int, ...]:
        """The chosen bands, from 1."""
        return self.image.choice.numbers

    @property
    def reading(self) -> Reading:
        """How the file is read."""
        return self.image.reading

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the numbers of the file."""
        return self.image.dtype

    @property
    def may_be_invalid(self) -> bool:
        """Whether the file can hold invalid pixels."""
        return self.image.is_masked

    def _report_images(self, chosen: Page | None, container: Container | None) -> None:
        """Report further images in a file from which no page can be chosen."""
        count = max(len(self.dataset.subdatasets), 1 if container is None else container.images)
        if chosen is None and count > 1:
            self.reading.notes.append(f"it has {count} images: the first is used (extract the file to choose another)")

    def _describe(self, levels: Asked) -> None:
        image = self.image
        measured = is_measured(self.dataset)
        is_image = image.dtype == np.uint8 or image.meaning.kind != "plain" or not measured
        has_white = image.white > 1 and is_image
        self._is_container = levels is None and has_white
        self.fill = np.full(3, 0.5, np.float32)
        if isinstance(levels, tuple):
            self.levels = Levels(*levels)
        elif self._is_container:
            self.levels = Levels(0, image.white)
        else:
            # Without a range, a nodata value counts as outside of it.
            image.strict_nodata = True
            is_unit = levels is None and not measured
            if is_unit:
                self.levels = self._unit_range(self._valid_of(*image.read(most=_OVERVIEW_SIDE)))
            else:
                self.levels = percentile_levels(self._valid_parts, image.dtype)
        if image.meaning.kind != "plain" and not self._is_container:
            raise InputError(f"{self.path}: expected no levels for inks or CIE Lab: convert the file to RGB first")
        image.strict_nodata = not all(value is None or self.levels.holds(value) for value in image.nodata)
        if self.may_be_invalid:
            values, alpha = image.read(most=_OVERVIEW_SIDE)
            shown = self._shown(values)
            valid = np.ones(shown.shape[1:], np.bool_) if alpha is None else alpha >= HALF_OPAQUE
            self._report_graded(alpha)
            if valid.any():
                self.fill = np.broadcast_to(mean_colour(shown, valid), (3,)).astype(np.float32)

    def _report_graded(self, alpha: Alpha | None) -> None:
        """Report an alpha band of many levels, since writers tag any fourth band as alpha."""
        band = self.image.alpha_band
        if band is None or alpha is None:
            return
        graded = float(((alpha > 0) & (alpha < _OPAQUE)).mean())
        if graded >= _GRADED:
            self.reading.notes.append(
                f"its band {band} is tagged as alpha and {graded:.0%} of its values are intermediate, as in near "
                f"infrared: if it is data, remove the tag (gdal_edit.py -colorinterp_{band} undefined)"
            )

    def _valid_parts(self) -> Iterator[NDArray[Any]]:
        """Yield the valid numbers of the whole raster in windows of whole blocks."""
        for box in self._blocks():
            yield self._valid_of(*self.image.read(box))

    def _blocks(self) -> Iterator[Box]:
        height, width = self.height, self.width
        rows, columns = self.dataset.block_shapes[0]
        if self.image.meaning.orientation >= 5:
            rows, columns = columns, rows
        # Whole blocks, so that GDAL reads each once, unless a block is most of the image.
        rows = min(rows, max(1, _LARGEST_STRIP // width))
        down = max(1, _AT_ONCE // (rows * width)) * rows if columns >= width else max(1, _SIDE // rows) * rows
        across = width if columns >= width else max(1, _SIDE // columns) * columns
        for top in range(0, height, down):
            for left in range(0, width, across):
                yield top, left, min(top + down, height), min(left + across, width)

    @staticmethod
    def _valid_of(values: NDArray[Any], alpha: Alpha | None) -> NDArray[Any]:
        return values.reshape(len(values), -1) if alpha is None else values[:, alpha >= HALF_OPAQUE]

    def _unit_range(self, values: NDArray[Any]) -> Levels:
        """Return the range of an image without a georeference whose type has no white level."""
        low, high = (float(values.min()), float(values.max())) if values.size else (0.0, 0.0)
        if self.dtype.kind == "f" and low >= -_SLACK and high <= 1 + _SLACK:
            return Levels(0, 1)
        raise InputError(
            f"{self.path}: expected unsigned levels of at most 16 bits or floats in [0, 1], got {self.dtype} of "
            f"{low:.4g} to {high:.4g}: set the values for black and white with --levels LO,HI, or --levels percentile"
        )

    def _refuse_mixed_sources(self) -> None:
        """Refuse a VRT over files of different interpretation, which GDAL would mix silently."""
        if self.dataset.driver != "VRT":
            return
        found = {}
        for file in self.dataset.files[1 : _MOST_SOURCES + 1]:
            page, container = _page_or_container(file, None)
            if page is not None:
                found[page.directory.appearance] = file, page
            else:
                _refuse_turned(self.path, file, container)
        if len(found) > 1:
            files = " and ".join(sorted(file for file, _ in found.values())[:2])
            raise InputError(
                f"{self.path}: expected sources of one photometric interpretation, orientation and colour profile, "
                f"got others in {files}: convert all to one"
            )
        for _, page in found.values():
            self.image.adopt(page)

    @property
    def height(self) -> int:
        """Rows of the upright image."""
        return self.image.height

    @property
    def width(self) -> int:
        """Columns of the upright image."""
        return self.image.width

    def read(self, y0: int, x0: int, y1: int, x1: int) -> tuple[NDArray[np.float32], NDArray[np.bool_] | None]:
        """Return a box as float32 sRGB (3, h, w) in [0, 1] and its valid pixels (h, w); None if all are valid.

        Raises:
            DecodeError: A block in the box is damaged.
        """
        values, alpha = self.image.read((y0, x0, y1, x1))
        unit = self._shown(values)
        if len(unit) == 1:
            unit = np.repeat(unit, 3, axis=0)
        if alpha is None:
            return unit, None
        # NaN times zero is not zero.
        unit = composited(np.nan_to_num(unit), alpha, self.fill.astype(np.float64))
        valid = alpha >= HALF_OPAQUE
        return unit, None if valid.all() else valid

    def overview(self) -> NDArray[np.float32]:
        """Return the whole raster as float32 sRGB (3, h, w) in [0, 1], reduced to at most 1024 pixels a side."""
        values, alpha = self.image.read(most=_OVERVIEW_SIDE)
        unit = self._shown(values)
        unit = np.repeat(unit, 3, axis=0) if len(unit) == 1 else unit
        return unit if alpha is None else composited(np.nan_to_num(unit), alpha, self.fill.astype(np.float64))

    def _shown(self, values: NDArray[Any]) -> NDArray[np.float32]:
        """Return numbers of the file as sRGB or gray in [0, 1]."""
        meaning, white = self.image.meaning, self.image.white
        if self._is_container:
            made: NDArray[np.float32] = meaning.to_srgb(values, white).astype(np.float32)
            return made / np.float32(white)
        shown: NDArray[np.float32] = meaning.to_srgb(self.levels.unit(values), 1.0).astype(np.float32)
        return shown

    def close(self) -> None:
        """Close the file."""
        self.dataset.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _page_or_container(path: str, asked: int | None) -> tuple[Page | None, Container | None]:
    """Return the page of a TIFF that is meant, or the metadata of another file that GDAL reads by a virtual path."""
    file = open_virtual_file(path)
    if file is None:
        return open_page(path, asked), None
    with file:
        if file.read(2) in {b"II", b"MM"}:
            return page_of(file, asked, path), None
        file.seek(0)
        try:
            return None, header_of(file, path).container
        except DecodeError:
            return None, None  # a VRT, or a format that only GDAL reads


def _refuse_turned(path: str, source: str, container: Container | None) -> None:
    """Refuse a VRT over a source with an EXIF orientation, which GDAL does not apply."""
    try:
        orientation = read_header(Path(source)).orientation if container is None else container.orientation
    except DecodeError:
        return  # no RGB image
    if orientation != 1:
        raise InputError(
            f"{path}: expected sources that are stored upright, got the orientation {orientation} of {source}: pass "
            "the files themselves, or rotate them first"
        )
