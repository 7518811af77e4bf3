"""Bytes of a picture file to its own levels: Pillow where 8 bits are all there is, rasterio where there are more."""

from __future__ import annotations

import io
import logging
import re
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from ir_transfer.errors import DecodeError

Levels = NDArray[np.uint8 | np.uint16 | np.float32]

_MAGIC = {
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"II*\x00": "TIFF",
    b"MM\x00*": "TIFF",
    b"II+\x00": "TIFF",  # BigTIFF
    b"MM\x00+": "TIFF",
    b"BM": "BMP",
    b"RIFF": "WEBP",
}
_BITS, _PHOTOMETRIC, _ORIENTATION, _SAMPLE_FORMAT = 258, 262, 274, 339
_WHITE_IS_ZERO, _CMYK = 0, 5
_UNSIGNED, _FLOAT = 1, 3
_NAME_IN_MEMORY = re.compile(r"\S*[0-9a-f]{8}-[0-9a-f]{4}-\S+\s*")
_PILLOW_LOCK = threading.Lock()
_SLACK = 1e-4  # rounding of whoever wrote a float picture


def file_kind(data: bytes) -> str | None:
    """Return the kind of picture that the first bytes announce, whatever the file is called; None if unknown."""
    kind = next((kind for magic, kind in _MAGIC.items() if data.startswith(magic)), None)
    return None if kind == "WEBP" and data[8:12] != b"WEBP" else kind


def decode_levels(data: bytes, name: str, max_pixels: int, *, any_range: bool = False) -> tuple[Levels, float]:
    """Decode a picture, upright, alpha dropped, with all its bits.

    Args:
        data: The whole file.
        name: How the file is called in errors.
        max_pixels: Larger pictures are refused before their pixels are decoded.
        any_range: Return a TIFF's numbers of any type and range as they are, for a caller that knows what they mean.

    Returns:
        Levels (1 or 3, H, W) and the level that stands for 1.0 (1.0 itself for floats and signed numbers).

    Raises:
        DecodeError: Not a picture, damaged, too large, or values that have no meaning in [0, 1].
    """
    kind = file_kind(data)
    if kind is None:
        found = f"one that starts with {data[:8]!r}" if data else "zero bytes"
        raise DecodeError(f"{name}: expected a PNG, JPEG, TIFF, BMP or WebP picture, got {found}: replace or remove it")
    try:
        if kind == "TIFF":
            return _decode_tiff(data, name, max_pixels, any_range)
        if kind == "PNG" and data[24:25] == b"\x10":
            return _decode_wide_png(data, name, max_pixels)
        return _decode_narrow(data, kind, name, max_pixels)
    except DecodeError:
        raise
    except MemoryError as error:
        raise DecodeError(
            f"{name}: expected enough memory to decode it, got too little: use a smaller picture"
        ) from error
    except Exception as error:  # damaged bytes make decoders raise nearly anything
        raise DecodeError(
            f"{name}: expected a whole {kind} picture, got a damaged one ({_reason(error)}): replace it"
        ) from error


def _reason(error: Exception) -> str:
    """Return what a decoder says, without the address or the random name of the file in memory: runs must agree."""
    if isinstance(error, UnidentifiedImageError):
        return "unreadable header"
    return _NAME_IN_MEMORY.sub("", str(error)) or type(error).__name__


def decode_bands(data: bytes, name: str, bands: list[int], max_pixels: int) -> tuple[Levels, float]:
    """Decode some bands of a TIFF file, as they are.

    Args:
        data: The whole file.
        name: How the file is called in errors.
        bands: Their numbers, from 1.
        max_pixels: Larger pictures are refused before their pixels are decoded.

    Returns:
        Levels (number of bands, H, W) and the level that stands for 1.0.

    Raises:
        DecodeError: No TIFF file, damaged, too large, too few bands, or other than unsigned levels.
    """
    if file_kind(data) != "TIFF":
        raise DecodeError(f"{name}: expected a TIFF file with {max(bands)} bands, got another kind: check the card")
    try:
        with _rasterio().MemoryFile(data) as memory, memory.open(driver="GTiff") as source:
            _check_size(source.width, source.height, name, max_pixels)
            if source.count < max(bands):
                raise DecodeError(f"{name}: expected {max(bands)} bands, got {source.count}: check the card's bands")
            levels: NDArray[Any] = source.read(indexes=bands)
    except DecodeError:
        raise
    except Exception as error:  # damaged bytes make decoders raise nearly anything
        raise DecodeError(
            f"{name}: expected a whole TIFF file, got a damaged one ({_reason(error)}): replace it"
        ) from error
    if levels.dtype in (np.uint8, np.uint16):
        return levels, float(np.iinfo(levels.dtype).max)
    raise DecodeError(f"{name}: expected unsigned levels of 8 or 16 bits, got {levels.dtype}: convert the file")


def _open(data: bytes, kind: str, name: str, max_pixels: int) -> Image.Image:
    try:
        with _pillow_limit(max_pixels):
            image = Image.open(io.BytesIO(data), formats=[kind])
    except Image.DecompressionBombError:
        raise DecodeError(
            f"{name}: expected at most {max_pixels} pixels, got far more: raise --max-pixels if the file is trusted"
        ) from None
    _check_size(image.width, image.height, name, max_pixels)
    return image


@contextmanager
def _pillow_limit(max_pixels: int) -> Iterator[None]:
    """Raise Pillow's own limit, which is the process's, to that of one call while a header is read."""
    with _PILLOW_LOCK:
        before = Image.MAX_IMAGE_PIXELS
        if before is not None:
            Image.MAX_IMAGE_PIXELS = max(before, max_pixels)
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = before


def _check_size(width: int, height: int, name: str, max_pixels: int) -> None:
    if width * height > max_pixels:
        raise DecodeError(
            f"{name}: expected at most {max_pixels} pixels, got {width} x {height}: "
            "raise --max-pixels if the file is trusted"
        )


def _decode_narrow(data: bytes, kind: str, name: str, max_pixels: int) -> tuple[Levels, float]:
    with _open(data, kind, name, max_pixels) as image:
        upright = ImageOps.exif_transpose(image)
        gray = upright.mode in {"1", "L", "LA", "La"}
        levels = np.asarray(upright.convert("L" if gray else "RGB"))
    # A transposed view keeps the pixels interleaved, which is channels_last to torch.
    return (levels[None] if gray else levels.transpose(2, 0, 1)), 255.0


def _decode_wide_png(data: bytes, name: str, max_pixels: int) -> tuple[Levels, float]:
    with _open(data, "PNG", name, max_pixels) as image:
        orientation = image.getexif().get(_ORIENTATION, 1)
    bands = _read_bands(data, "PNG", name, max_pixels)
    return upright(_colour_bands(bands), orientation), 65535.0


def _decode_tiff(data: bytes, name: str, max_pixels: int, any_range: bool) -> tuple[Levels, float]:
    tags = _tiff_tags(data)
    bits = max(tags.get(_BITS, (1,)))
    samples = set(tags.get(_SAMPLE_FORMAT, (_UNSIGNED,)))
    if bits <= 8 and samples == {_UNSIGNED}:
        try:
            return _decode_narrow(data, "TIFF", name, max_pixels)
        except UnidentifiedImageError:
            pass  # five bands, or a compression that only GDAL knows
    bands = _read_bands(data, "GTiff", name, max_pixels)
    if any_range and not (samples == {_UNSIGNED} and bits <= 16):
        return upright(_colour_bands(bands), tags.get(_ORIENTATION, 1)), 1.0
    if samples == {_FLOAT}:
        bands, white = _unit_range(bands, name), 1.0
    elif samples == {_UNSIGNED} and bits <= 16:
        white = float(2**bits - 1)
    else:
        raise DecodeError(
            f"{name}: expected unsigned levels of at most 16 bits or floats in [0, 1], got {bands.dtype}: "
            "convert the file to one of these"
        )
    photometric = tags.get(_PHOTOMETRIC)
    if photometric == _CMYK and len(bands) >= 4:
        bands = ((white - bands[:3]) * ((white - bands[3:4]) / white) + (0.5 if white > 1 else 0)).astype(bands.dtype)
    elif photometric == _WHITE_IS_ZERO:
        bands = (white - bands[:1]).astype(bands.dtype)
    return upright(_colour_bands(bands), tags.get(_ORIENTATION, 1)), white


def _tiff_tags(data: bytes) -> dict[int, Any]:
    tags = ImageFileDirectory_v2(data[:16] if 43 in data[2:4] else data[:8])  # 43: BigTIFF
    file = io.BytesIO(data)
    file.seek(tags.next)
    tags.load(file)
    return dict(tags)


def _unit_range(bands: NDArray[Any], name: str) -> NDArray[np.float32]:
    shown = bands[:3]
    broken = int(np.count_nonzero(~np.isfinite(shown)))
    if broken:
        raise DecodeError(f"{name}: expected finite values in [0, 1], got {broken} that are NaN or infinite: fill them")
    low, high = float(shown.min()), float(shown.max())
    if low < -_SLACK or high > 1 + _SLACK:
        raise DecodeError(
            f"{name}: expected float values in [0, 1], got {low:.4g} to {high:.4g}: "
            "name the numbers for black and white with --levels LO,HI, or divide by the white level"
        )
    unit: NDArray[np.float32] = np.clip(bands, 0, 1).astype(np.float32)
    return unit


def _colour_bands(bands: NDArray[Any]) -> NDArray[Any]:
    """Return gray (1) or colour (3): one or two bands are gray and alpha, what follows the third is extra."""
    return bands[:3] if len(bands) >= 3 else bands[:1]


def upright(bands: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Apply an EXIF orientation (1 to 8) to bands (C, H, W)."""
    if orientation in {5, 6, 7, 8}:
        bands = bands.transpose(0, 2, 1)
    if orientation in {3, 4, 7, 8}:
        bands = bands[:, ::-1]
    if orientation in {2, 3, 6, 7}:
        bands = bands[:, :, ::-1]
    return np.ascontiguousarray(bands)


@cache
def _rasterio() -> ModuleType:
    import rasterio
    from rasterio.errors import NotGeoreferencedWarning

    from ir_transfer.data.raster.references import restrict_gdal

    restrict_gdal()
    # A photograph without coordinates is the rule here, and GDAL's complaints come back as our own errors.
    warnings.filterwarnings("ignore", category=NotGeoreferencedWarning)
    logging.getLogger("rasterio").addHandler(logging.NullHandler())
    module: ModuleType = rasterio
    return module


def _read_bands(data: bytes, driver: str, name: str, max_pixels: int) -> NDArray[Any]:
    with _rasterio().MemoryFile(data) as memory, memory.open(driver=driver) as source:
        _check_size(source.width, source.height, name, max_pixels)
        bands: NDArray[Any] = source.read(indexes=list(range(1, min(source.count, 4) + 1)))
    return bands
