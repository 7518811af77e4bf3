"""Reads image files at full precision, and writes one-channel images atomically."""

import errno
import hashlib
import io
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ir_transfer.errors import DecodeError, EncodeError, IrTransferError, MissingFileError
from ir_transfer.imaging.decode import decode
from ir_transfer.imaging.decoded_image import (
    LUMA,
    BitDepth,
    DecodedImage,
    OutputLevels,
    narrow_levels,
    shown,
    to_levels,
)
from ir_transfer.imaging.encode import Compression, Format, encode_gray
from ir_transfer.imaging.image_names import is_image_name
from ir_transfer.imaging.pixels.kinds import WHOLE, Wanted
from ir_transfer.imaging.raster.levels import Asked
from ir_transfer.imaging.remote import is_remote, keeps_here, publish, stored_bytes

__all__ = [
    "LUMA",
    "BitDepth",
    "Compression",
    "DecodedImage",
    "Format",
    "OutputLevels",
    "decode_image",
    "encode_gray",
    "narrow_levels",
    "read_image",
    "shown",
    "to_levels",
]

OUTPUT_SUFFIX: dict[Format, str] = {"png": ".png", "tiff": ".tif"}
# Below Pillow's own warning; an image of this size needs about 1 GB as float RGB.
MAX_PIXELS = 80_000_000
_BYTES_PER_PIXEL = 16  # four float32 bands: an uncompressed file cannot need more
_SIDECARS = (".msk", ".aux.xml")


def read_bytes(path: Path, max_pixels: int = MAX_PIXELS) -> bytes:
    """Return the bytes of a file, unless it is larger than any image of ``max_pixels`` can be.

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
            raise DecodeError(f"{path}: expected at most {max_pixels} pixels, got a larger file: raise --max-pixels")
        size = path.stat().st_size
        if path.is_file() and size <= most:
            return path.read_bytes()
    except IrTransferError:
        raise
    except FileNotFoundError:
        raise MissingFileError(f"{path}: expected an image file, found none: check the path") from None
    except OSError as error:
        raise DecodeError(
            f"{path}: expected a readable file, got: {error.strerror}: check the path and its permissions"
        ) from error
    if path.is_dir():
        raise DecodeError(f"{path}: expected an image file, got a folder: check its permissions")
    if not path.is_file():
        raise DecodeError(f"{path}: expected an image file, got something else: remove it from the input")
    raise DecodeError(
        f"{path}: expected at most {max_pixels} pixels, got a file of {size} bytes: raise --max-pixels if it is trusted"
    )


def decode_image(
    data: bytes, name: str, max_pixels: int = MAX_PIXELS, asked: Asked = None, wanted: Wanted = WHOLE
) -> DecodedImage:
    """Decode an image from memory; its kind is recognised by its content, not by its suffix.

    Args:
        data: The whole file: PNG, JPEG, TIFF, BMP, WebP, AVIF or HEIC of 8 or 16 bit, or a float TIFF in [0, 1].
        name: Name in errors.
        max_pixels: Images with more pixels are refused before they are decoded.
        asked: Numbers of the file for 0 and 1, or ``"percentile"``; the range of its type if None.
        wanted: The part of the file to read.

    Raises:
        DecodeError: Not an image, damaged, too large, or floats outside of [0, 1].
        InputError: An invalid range, or a page or bands that the file does not have.
    """
    stored = decode(data, name, max_pixels, wanted)
    return shown(stored, name, hashlib.sha256(data).hexdigest(), asked)


def files_beside(path: Path) -> Mapping[str, bytes]:
    """Return the contents of GDAL's sidecars of a file by suffix: mask (``.msk``) and metadata (``.aux.xml``)."""
    if is_remote(path):
        return {}
    beside = {ending: path.with_name(path.name + ending) for ending in _SIDECARS}
    # os.path.isfile is false, not an error, for a name that is too long with the suffix.
    return {ending: file.read_bytes() for ending, file in beside.items() if os.path.isfile(file)}  # noqa: PTH113


def read_image(
    path: str | Path, max_pixels: int = MAX_PIXELS, asked: Asked = None, wanted: Wanted | None = None
) -> DecodedImage:
    """Read an image file with its sidecars; see :func:`decode_image`.

    Raises:
        MissingFileError: No such file.
        DecodeError: Not an image, damaged, too large, or floats outside of [0, 1].
    """
    path = Path(path)
    data = read_bytes(path, max_pixels)
    wanted = Wanted(beside=files_beside(path)) if wanted is None else wanted
    return decode_image(data, str(path), max_pixels, asked, wanted)


def encode_png(image: Image.Image) -> bytes:
    """Return a Pillow image as the bytes of a PNG file."""
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def write_whole(path: Path, data: bytes | bytearray) -> None:
    """Write a file atomically: under a temporary name in the same folder, then renamed.

    The temporary name depends on the file's name only, so the next run replaces the file of a killed run. It is short,
    since the file's name may have the largest length that the system allows.

    Raises:
        EncodeError: The folder cannot be written, or the disk is full (``errno`` is kept).
    """
    publish(path, bytes(data) if is_remote(path) else data)
    if not keeps_here(path):
        return
    write_parts(path, (b"" if is_remote(path) and is_image_name(path) else data,))


def write_parts(path: Path, parts: Iterable[bytes | bytearray]) -> None:
    """Write a local file in parts, without holding it in memory as a whole; else as :func:`write_whole`.

    Raises:
        EncodeError: The folder cannot be written, or the disk is full (``errno`` is kept).
    """
    temporary = path.with_name(f".{hashlib.sha256(os.fsencode(path.name)).hexdigest()[:16]}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.unlink(missing_ok=True)
        with temporary.open("xb") as file:  # never through a symbolic link
            file.writelines(parts)
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
        return  # it was not created


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
    """Write an apparent intensity (H, W) in [0, 1] as a one-channel image.

    Returns:
        The sha256 of the file.

    Raises:
        InputError: NaN or infinite values.
        EncodeError: The file cannot be written.
    """
    data = encode_gray(to_levels(intensity, bit_depth), format)
    write_whole(Path(path), data)
    return hashlib.sha256(data).hexdigest()
