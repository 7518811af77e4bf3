"""A TIFF or any other GDAL dataset as an upright image: read whole, in boxes, or reduced."""

import base64
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.enums import ColorInterp, MaskFlags
from rasterio.errors import RasterioError
from rasterio.windows import Window

from ir_transfer.errors import DecodeError, InputError
from ir_transfer.imaging.pixels import tiff_tags
from ir_transfer.imaging.pixels.bands import BandChoice, alpha_band, choose_bands
from ir_transfer.imaging.pixels.colour import ColourSpace, Declared, precision_notes
from ir_transfer.imaging.pixels.containers import Container
from ir_transfer.imaging.pixels.gdal_dataset import (
    ICC_LAB,
    INKS,
    ITU_LAB,
    LAB,
    band_colours,
    is_gray,
    is_placed,
    opaque_where,
    palette_of,
    plain_lab,
    to_alpha,
    white_is_zero,
)
from ir_transfer.imaging.pixels.kinds import holds_nodata
from ir_transfer.imaging.pixels.pages import Page
from ir_transfer.imaging.pixels.plain_file import declared_space
from ir_transfer.imaging.pixels.stage import Alpha, Kind, Meaning, Reading, stored_box, unmultiplied, upright
from ir_transfer.imaging.pixels.tiff_colour import declared_by
from ir_transfer.imaging.raster.gdal import reason

_ASSOCIATED_ALPHA, _NOT_CMYK = 1, 2  # values of the tags ExtraSamples and InkSet
_YCBCR, _JPEGS = 6, frozenset({6, 7})
_SPACE_IN_PROFILE = slice(16, 20)
Box = tuple[int, int, int, int]


class TiffImage:
    """Bands of an open dataset and their interpretation.

    A pixel is invalid where alpha or a mask is 0, where a chosen band is NaN or infinite, where all chosen bands hold
    the nodata value, or, if ``strict_nodata`` is set, where one of them does.

    Args:
        dataset: Open on the chosen page.
        name: Name in error messages.
        page: The page with its tags; None for anything but a TIFF file, such as a VRT.
        bands: One or three bands, from 1; see :func:`~ir_transfer.imaging.pixels.bands.choose_bands`.
        nodata: Value of invalid pixels; the one that the file declares if None.
        asked_page: The page that the user asked for.
        container: Metadata of a file that is not a TIFF, such as a JPEG in an archive.
        joint: See :class:`~ir_transfer.imaging.pixels.kinds.Wanted`.

    Attributes:
        choice: The bands that are read.
        alpha_band: Number of the alpha band; None without one, or if the user asks for it as data.
        meaning: Interpretation of their numbers.
        dtype: Type of the numbers.
        white: The value for 1.0; 1.0 itself for floats and signed numbers.
        is_masked: Whether the file can hold invalid pixels.
        strict_nodata: Whether one band with the nodata value makes a pixel invalid.
        reading: How the file is read.

    Raises:
        InputError: Bands that the file does not have, or complex numbers.
        DecodeError: An encoding that is not implemented.
    """

    def __init__(
        self,
        dataset: Any,
        name: str,
        page: Page | None = None,
        bands: Sequence[int] | None = None,
        nodata: float | None = None,
        asked_page: int | None = None,
        container: Container | None = None,
        joint: bool = False,
    ) -> None:
        self.dataset, self.name = dataset, name
        self._container = container
        self._page = page or Page(0, 1, 1, tiff_tags.Directory("<"))
        self._tags = self._page.directory
        self.reading = Reading(notes=[] if container is None else list(container.notes))
        self._palette = palette_of(dataset)
        if self._palette is None:
            self.choice = choose_bands(dataset, bands, name, any_count=joint)
        elif bands is None or tuple(bands) == (1,):
            self.choice = BandChoice((1,), ("palette",))
        else:
            raise InputError(f"{name}: expected no --bands for an image with a palette, got {bands}: omit it")
        self.strict_nodata = joint
        self._describe_numbers(nodata)
        self.meaning = self._meaning()
        self._report(page, asked_page)

    def _describe_numbers(self, nodata: float | None) -> None:
        dataset, numbers = self.dataset, self.choice.numbers
        self.dtype = np.result_type(*(dataset.dtypes[band - 1] for band in numbers))
        if self._palette is not None:
            self.dtype = self._palette.dtype
        if self.dtype.kind not in "uif":
            raise InputError(f"{self.name}: expected bands of real numbers, got {self.dtype}: convert the file")
        bits = max((int(dataset.tags(band, ns="IMAGE_STRUCTURE").get("NBITS", 64)) for band in numbers), default=64)
        bits = min(bits, self.dtype.itemsize * 8) if self._palette is None else self.dtype.itemsize * 8
        self.bits = bits
        self.white = float(2**bits - 1) if self.dtype.kind == "u" and bits <= 16 else 1.0
        alpha = alpha_band(dataset)
        self.alpha_band = None if alpha in numbers else alpha  # a band that the user asks for is data
        self.nodata = [dataset.nodatavals[band - 1] for band in numbers] if nodata is None else [nodata] * len(numbers)
        flags = [set(dataset.mask_flag_enums[band - 1]) for band in numbers]
        self._has_mask = any(MaskFlags.per_dataset in one and MaskFlags.alpha not in one for one in flags)
        self._by_nodata = all(value is not None for value in self.nodata) and self._palette is None
        self.is_masked = bool(self.alpha_band or self._has_mask or self._by_nodata or self.dtype.kind == "f")
        if self._palette is not None:
            self.is_masked |= bool((self._palette[:, 3] < 255).any())

    def _meaning(self) -> Meaning:
        tags, dataset = self._tags, self.dataset
        photometric = tags.integer(tiff_tags.PHOTOMETRIC, -1)
        chosen = self.choice.numbers
        first = chosen in {(1, 2, 3), (1,)}
        inks = [ColorInterp.cyan, ColorInterp.magenta, ColorInterp.yellow, ColorInterp.black]
        kind: Kind = "plain"
        if first and photometric in {LAB, ICC_LAB, ITU_LAB} and dataset.count >= 3:
            kind = "lab"
        elif band_colours(dataset)[:4] == inks and (first or photometric == INKS) and len(chosen) <= 3:
            kind = "inks"
            self.choice = BandChoice((1, 2, 3, 4), ("cyan", "magenta", "yellow", "black"))
            self.nodata = self.nodata[:1] * 4
            if tags.integer(tiff_tags.INK_SET, 1) == _NOT_CMYK:
                self.reading.notes.append("its inks are declared not to be CMYK: treated as CMYK")
        self._lab = photometric if kind == "lab" else 0
        if photometric == ITU_LAB:
            raise DecodeError(
                f"{self.name}: expected CIE Lab as TIFF or the ICC encodes it, got ITU Lab: convert it to RGB"
            )
        is_packed = photometric == _YCBCR and tags.integer(tiff_tags.COMPRESSION, 1) not in _JPEGS
        if is_packed and tags.orientation != 1:  # libtiff turns each strip as it converts it to RGB
            raise DecodeError(
                f"{self.name}: expected upright rows of YCbCr without JPEG compression, got the orientation "
                f"{tags.orientation}: convert it to RGB"
            )
        is_reversed = self._palette is None and len(chosen) == 1 and white_is_zero(dataset)
        space = self._space(1 if len(chosen) == 1 and self._palette is None else 4 if kind == "inks" else 3)
        extra = tags.integers(tiff_tags.EXTRA_SAMPLES)
        premultiplied = self.alpha_band is not None and _ASSOCIATED_ALPHA in extra
        orientation = self._tags.orientation if self._container is None else self._container.orientation
        if orientation != 1 and is_placed(dataset):
            self.reading.notes.append(
                f"its orientation tag ({orientation}) is not applied: its georeference is that of the stored rows"
            )
            orientation = 1
        return Meaning(kind, is_reversed, space, orientation, premultiplied)

    def adopt(self, page: Page) -> None:
        """Apply the colour profile of a source to a VRT, which has none.

        Raises:
            InputError: The source has an orientation tag, which the VRT ignores, or GDAL would convert its numbers.
        """
        bits = max(page.directory.integers(tiff_tags.BITS) or (1,))
        if page.directory.integer(tiff_tags.PHOTOMETRIC, 1) in {INKS, LAB, ICC_LAB, ITU_LAB} and bits == 8:
            raise InputError(
                f"{self.name}: expected sources of gray or RGB, got inks or CIE Lab of 8 bits: use the files "
                "directly, or convert them to RGB"
            )
        if page.directory.orientation != 1:
            raise InputError(
                f"{self.name}: expected sources that are stored upright, got the orientation "
                f"{page.directory.orientation}: pass the files themselves, or rotate them first"
            )
        if self._palette is None:
            declared = declared_by(page, page.directory.data(tiff_tags.PROFILE), len(self.choice.numbers))
            self.reading.notes += [declared.note] if declared.note else []
            if declared.space is not None:
                self.meaning = replace(self.meaning, space=declared.space)
                self.reading.notes += precision_notes(declared.space, self.dtype)
                self.reading.facts["profile"] = declared.space.name

    def _space(self, bands: int) -> ColourSpace | None:
        profile = self._tags.data(tiff_tags.PROFILE)
        if not profile and (text := self.dataset.tags(ns="COLOR_PROFILE").get("SOURCE_ICC_PROFILE")):
            profile = base64.b64decode(text)
        declared = Declared()
        if self._container is not None:
            declared = declared_space(self._container, bands)
        elif not (self._lab and (not profile or profile[_SPACE_IN_PROFILE] == b"Lab ")):  # which adds no information
            declared = declared_by(self._page, profile, bands)
        self.reading.notes += [declared.note] if declared.note else []
        return declared.space

    def _report(self, page: Page | None, asked_page: int | None) -> None:
        facts, meaning = self.reading.facts, self.meaning
        if page is not None:
            if page.index:
                facts["directory"] = page.index
            if page.count > 1:
                facts["page"], facts["pages"] = page.number, page.count
            self.reading.notes += page.notes(asked_page)
        if meaning.space is not None:
            facts["profile"] = meaning.space.name
            self.reading.notes += precision_notes(meaning.space, self.dtype)
        if meaning.orientation != 1:
            facts["orientation"] = meaning.orientation
        plain = self.choice.numbers == ((1, 2, 3) if self.dataset.count > 2 else (1,))
        if self._palette is None and meaning.kind == "plain" and (not plain or any(self.dataset.descriptions)):
            facts |= self.choice.facts()
        note = self.choice.note(self.dataset.count)
        self.reading.notes += [note] if note else []

    @property
    def height(self) -> int:
        """Rows of the upright image."""
        return int(self.dataset.width if self.meaning.orientation >= 5 else self.dataset.height)

    @property
    def width(self) -> int:
        """Columns of the upright image."""
        return int(self.dataset.height if self.meaning.orientation >= 5 else self.dataset.width)

    def read(self, box: Box | None = None, most: int | None = None) -> tuple[NDArray[Any], Alpha | None]:
        """Return the numbers (n, h, w) of a box and their alpha (h, w), which is None if all pixels are opaque.

        Args:
            box: ``y0, x0, y1, x1`` in the upright image; all of it if None.
            most: Largest number of rows or columns: a larger box is subsampled.

        Raises:
            DecodeError: A block in the box is damaged.
        """
        y0, x0, y1, x1 = box or (0, 0, self.height, self.width)
        orientation = self.meaning.orientation
        top, left, bottom, right = stored_box(
            (y0, x0, y1, x1), int(self.dataset.height), int(self.dataset.width), orientation
        )
        window = Window(left, top, right - left, bottom - top)
        shape: tuple[int, int] | None = None
        if most is not None and max(bottom - top, right - left) > most:
            scale = max(bottom - top, right - left) / most
            shape = max(1, round((bottom - top) / scale)), max(1, round((right - left) / scale))
        try:
            numbers, alpha = self._stored(window, shape)
        except (RasterioError, OSError) as error:
            raise DecodeError(
                f"{self.name}: expected whole blocks at rows {top} to {bottom}, columns {left} to {right}, "
                f"got: {reason(error)}: the file is damaged, replace it or download it again"
            ) from error
        if alpha is not None and alpha.min() == 255:
            alpha = None
        if alpha is not None and self.meaning.premultiplied:
            numbers = unmultiplied(numbers, alpha, self.white)
        turned = upright(numbers, orientation)
        return turned, None if alpha is None else upright(alpha[None], orientation)[0]

    def _stored(self, window: Window, shape: tuple[int, int] | None) -> tuple[NDArray[Any], Alpha | None]:
        bands = list(self.choice.numbers)
        out_shape = None if shape is None else (len(bands), *shape)
        numbers: NDArray[Any] = self.dataset.read(bands, window=window, out_shape=out_shape)
        alphas: list[Alpha] = []
        if self._palette is not None:
            shown = self._palette[np.minimum(numbers[0], len(self._palette) - 1)]
            numbers, palette_alpha = shown[..., :3].transpose(2, 0, 1), shown[..., 3]
            if (numbers == numbers[:1]).all() and is_gray(self._palette):
                numbers = numbers[:1]
            alphas.append(palette_alpha)
        if self.alpha_band is not None:
            stored = self.dataset.read(self.alpha_band, window=window, out_shape=shape)
            alphas.append(to_alpha(stored, self.bits))
        if self._has_mask:
            alphas.append(self.dataset.read_masks(bands[0], window=window, out_shape=shape))
        if self._by_nodata:
            same = holds_nodata(numbers, self.nodata)
            invalid = np.any(same, axis=0) if self.strict_nodata else np.all(same, axis=0)
            alphas.append(opaque_where(np.logical_not(invalid)))
        if self.dtype.kind == "f":
            alphas.append(opaque_where(np.isfinite(numbers).all(0)))
        if self._lab:
            numbers = plain_lab(numbers, self._lab)
        return numbers, np.minimum.reduce(alphas) if alphas else None

    def partial_nodata(self, numbers: NDArray[Any]) -> NDArray[np.bool_] | None:
        """Return the pixels (h, w) in which some bands, but not all, hold nodata; None if there are none.

        Args:
            numbers: Result of :meth:`read`, (n, h, w).
        """
        if not self._by_nodata or len(numbers) == 1 or self.meaning.kind != "plain":
            return None
        same = holds_nodata(numbers, self.nodata)
        partial = np.logical_and(same.any(0), ~same.all(0))
        return partial if partial.any() else None
