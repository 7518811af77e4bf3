"""Picture files: reading with all bits, one-channel writing that appears whole or not at all."""

from __future__ import annotations

import errno
import hashlib
import io
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ir_transfer.data.image_decode import Levels, decode_levels
from ir_transfer.data.picture_names import is_picture_name
from ir_transfer.data.raster.levels import Asked, percentile_levels
from ir_transfer.data.raster.levels import Levels as Range
from ir_transfer.data.remote import is_remote, keeps_here, publish, stored_bytes
from ir_transfer.errors import DecodeError, EncodeError, InputError, IrTransferError, MissingFileError

Format = Literal["png", "tiff"]
BitDepth = Literal[8, 16]

OutputLevels = NDArray[np.uint8 | np.uint16]

OUTPUT_SUFFIX: dict[Format, str] = {"png": ".png", "tiff": ".tif"}
# Below Pillow's own warning; a picture of this size needs about 1 GB as float RGB.
MAX_PIXELS = 80_000_000
_NARROW_BITS = 14  # what infrared and machine cameras put into 16
_AT_ONCE = 2**20  # pixels that become levels: float64 of a whole picture would be twice its intensity
_BYTES_PER_PIXEL = 16  # four float32 bands: an uncompressed file cannot need more
LUMA = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in the luma (Rec. ITU-R BT.601)."""


@dataclass(frozen=True)
class Picture:
    """A decoded picture, upright, in the file's own levels (compact while it waits).

    Attributes:
        levels: (1, H, W) gray or (3, H, W) sRGB; unsigned, or float32 in [0, 1].
        white: The level that stands for 1.0.
        sha256: Hash of the file.
    """

    levels: Levels
    white: float
    sha256: str

    @property
    def height(self) -> int:
        """Rows of the upright picture."""
        return int(self.levels.shape[1])

    @property
    def width(self) -> int:
        """Columns of the upright picture."""
        return int(self.levels.shape[2])

    @property
    def bit_depth(self) -> int:
        """Bits per channel in the file, rounded up to 8, 16 or 32 (float)."""
        return int(self.levels.dtype.itemsize * 8)

    @property
    def is_colour(self) -> bool:
        """Whether the file has colour channels that differ visibly (a gray JPEG often has three alike)."""
        if len(self.levels) == 1:
            return False
        spread = self.levels.max(axis=0) - self.levels.min(axis=0)
        return bool(spread.mean() > 0.01 * self.white)

    def rgb(self) -> NDArray[np.float32]:
        """Return the picture as float32 (3, H, W) in [0, 1]; gray is repeated."""
        unit = _to_unit(self.levels, self.white)
        return unit if len(unit) == 3 else np.repeat(unit, 3, axis=0)

    def gray(self) -> NDArray[np.float32]:
        """Return the picture as float32 (1, H, W) in [0, 1]; colour becomes luma (BT.601)."""
        unit = _to_unit(self.levels, self.white)
        if len(unit) == 1:
            return unit
        luma: NDArray[np.float32] = np.tensordot(np.array(LUMA, np.float32), unit, axes=1)[None]
        return np.clip(luma, 0, 1)


def _to_unit(levels: Levels, white: float) -> NDArray[np.float32]:
    unit: NDArray[np.float32] = levels.astype(np.float32, copy=False)
    return unit if white == 1 else unit / np.float32(white)


def read_bytes(path: Path, max_pixels: int = MAX_PIXELS) -> bytes:
    """Return the whole file, unless it is larger than any picture of ``max_pixels`` can be.

    Raises:
        MissingFileError: No such file.
        DecodeError: It cannot be read, or is too large.
    """
    most = max_pixels * _BYTES_PER_PIXEL + 2**20
    try:
        if is_remote(path):
            data = stored_bytes(path, most)
            if len(data) <= most:
                return data
            raise DecodeError(f"{path}: expected at most {max_pixels} pixels, got more bytes: raise --max-pixels")
        size = path.stat().st_size
        if path.is_file() and size <= most:
            return path.read_bytes()
    except IrTransferError:
        raise
    except FileNotFoundError:
        raise MissingFileError(f"{path}: expected a picture file, found none: check the path") from None
    except OSError as error:
        raise DecodeError(
            f"{path}: expected a readable file, got: {error.strerror}: check the path and its permissions"
        ) from error
    if path.is_dir():
        raise DecodeError(f"{path}: expected a picture file, got a folder: check its permissions")
    if not path.is_file():
        raise DecodeError(f"{path}: expected a picture file, got something else: remove it from the input")
    raise DecodeError(
        f"{path}: expected at most {max_pixels} pixels, got a file of {size} bytes: raise --max-pixels if it is trusted"
    )


def decode_picture(data: bytes, name: str, max_pixels: int = MAX_PIXELS, asked: Asked = None) -> Picture:
    """Decode a picture from memory; its kind is told by its content, not by its name.

    Args:
        data: The whole file: PNG, JPEG, TIFF, BMP or WebP of 8 or 16 bit, or a float TIFF in [0, 1].
        name: How it is called in errors.
        max_pixels: Larger pictures are refused before they are decoded.
        asked: Numbers of the file that become 0 and 1, or ``"percentile"``; those of its container if None.

    Raises:
        DecodeError: Not a picture, damaged, too large, or values that have no meaning in [0, 1].
        InputError: Levels that are no range.
    """
    levels, white = decode_levels(data, name, max_pixels, any_range=asked is not None)
    return with_levels(Picture(levels, white, hashlib.sha256(data).hexdigest()), asked)


def with_levels(picture: Picture, asked: Asked) -> Picture:
    """Return a picture whose numbers of a range fill the whole of their own type; more than 16 bits become floats.

    Args:
        picture: In the file's own numbers.
        asked: Those that become 0 and 1, or ``"percentile"``; None leaves the picture as it is.

    Raises:
        InputError: Levels that are no range.
    """
    if asked is None:
        return picture
    levels = picture.levels
    finite = levels[np.isfinite(levels)] if asked == "percentile" else levels
    unit = (percentile_levels(finite) if asked == "percentile" else Range(*asked)).unit(levels)
    if levels.dtype not in (np.uint8, np.uint16):
        return Picture(np.nan_to_num(unit), 1.0, picture.sha256)
    filled = to_levels(unit, 8 if levels.dtype == np.uint8 else 16)
    return Picture(filled, float(np.iinfo(filled.dtype).max), picture.sha256)


def narrow_levels(picture: Picture) -> tuple[int, int] | None:
    """Return the range of a picture of at most 14 bits that lies in 16; None if its levels fill their container."""
    if picture.levels.dtype != np.uint16 or picture.white < 65535:
        return None
    bits = int(picture.levels.max()).bit_length()
    return (0, 2 ** max(bits, 8) - 1) if bits <= _NARROW_BITS else None


def read_picture(path: str | Path, max_pixels: int = MAX_PIXELS, asked: Asked = None) -> Picture:
    """Read a picture file; see :func:`decode_picture`.

    Raises:
        MissingFileError: No such file.
        DecodeError: Not a picture, damaged, too large, or values that have no meaning in [0, 1].
    """
    return decode_picture(read_bytes(Path(path), max_pixels), str(path), max_pixels, asked)


def to_levels(intensity: NDArray[np.float32], bit_depth: BitDepth = 8) -> OutputLevels:
    """Return the nearest levels of an intensity in [0, 1], of any shape.

    Raises:
        InputError: NaN or infinite values.
    """
    if not np.isfinite(intensity).all():
        raise InputError("expected finite intensities, got NaN or infinity: the weights do not fit this picture")
    dtype = np.uint8 if bit_depth == 8 else np.uint16
    levels: OutputLevels = np.empty(intensity.shape, dtype)
    flat, out = intensity.reshape(-1), levels.reshape(-1)
    for start in range(0, flat.size, _AT_ONCE):
        # float64: a float32 cannot hold 65535 * x to half a level everywhere
        scaled = flat[start : start + _AT_ONCE].astype(np.float64)
        np.clip(scaled, 0, 1, out=scaled)
        scaled *= np.iinfo(dtype).max
        scaled += 0.5
        out[start : start + _AT_ONCE] = scaled.astype(dtype)  # rounds down
    return levels


def encode_gray(levels: OutputLevels, format: Format = "png") -> bytes:  # noqa: A002
    """Return one-channel levels (H, W) as the bytes of a PNG or TIFF file; the same levels give the same bytes."""
    file = io.BytesIO()
    image = Image.fromarray(levels)
    if format == "png":
        image.save(file, "PNG", compress_level=4)
    else:
        image.save(file, "TIFF", compression="tiff_deflate")
    return file.getvalue()


def encode_png(image: Image.Image) -> bytes:
    """Return a picture for people to look at as the bytes of a PNG file."""
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def write_whole(path: Path, data: bytes | bytearray) -> None:
    """Write a file under a temporary name in the same folder, then rename it: it appears whole or not at all.

    The temporary name is always the same, so that what a killed run left is replaced by the next one. It is short,
    since the file's own name may be as long as the system allows.

    Raises:
        EncodeError: The folder cannot be written, or the disk is full (``errno`` is kept).
    """
    publish(path, bytes(data) if is_remote(path) else data)
    if not keeps_here(path):
        return
    if is_remote(path) and is_picture_name(path):
        data = b""
    temporary = path.with_name(f".{hashlib.sha256(os.fsencode(path.name)).hexdigest()[:16]}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(data)
        temporary.replace(path)
    except OSError as error:
        _remove(temporary)
        raise _encode_error(path, error) from error
    except BaseException:
        _remove(temporary)
        raise


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return  # it never came to be: its folder is no folder


def _encode_error(path: Path, error: OSError) -> EncodeError:
    remedies = {
        errno.ENOSPC: "free some space",
        errno.EDQUOT: "free some space",
        errno.ENAMETOOLONG: "give the input a shorter name",
    }
    remedy = remedies.get(error.errno or 0, "choose another folder with -o")
    message = f"{path}: expected to write it, got: {error.strerror or error}: {remedy}"
    wrapped = EncodeError(message)
    wrapped.errno = error.errno
    return wrapped


def write_gray(
    path: str | Path,
    intensity: NDArray[np.float32],
    bit_depth: BitDepth = 8,
    format: Format = "png",  # noqa: A002
) -> str:
    """Write an intensity (H, W) in [0, 1] as a one-channel picture.

    Returns:
        The sha256 of the file.

    Raises:
        InputError: NaN or infinite values.
        EncodeError: The file cannot be written.
    """
    data = encode_gray(to_levels(intensity, bit_depth), format)
    write_whole(Path(path), data)
    return hashlib.sha256(data).hexdigest()
