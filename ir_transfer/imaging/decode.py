"""Decodes image files with Pillow (8 bits), GDAL (TIFF, 16-bit PNG) or LibRaw to values and their interpretation."""

from pathlib import Path

from ir_transfer.errors import DecodeError, InputError, IrTransferError
from ir_transfer.imaging.image_names import RAW_SUFFIXES
from ir_transfer.imaging.pixels.kinds import WHOLE, Wanted, decoder_message, file_kind
from ir_transfer.imaging.pixels.plain_file import decode_plain
from ir_transfer.imaging.pixels.raw import is_dng
from ir_transfer.imaging.pixels.stage import Stored
from ir_transfer.imaging.pixels.tiff_file import check_mask, decode_tiff, with_mask


def decode(data: bytes, name: str, max_pixels: int, wanted: Wanted = WHOLE) -> Stored:
    """Decode an image, upright, with all its bits.

    Args:
        data: The whole file.
        name: Name in errors.
        max_pixels: Images with more pixels are refused before their pixels are decoded.
        wanted: The part of the file to read.

    Raises:
        DecodeError: Not an image, damaged, or too large.
        InputError: A page or bands that the file does not have.
    """
    kind = file_kind(data)
    if Path(name).suffix.lower() in RAW_SUFFIXES or (kind == "TIFF" and is_dng(data)):
        kind = "camera raw"
    if kind is None:
        found = f"one that starts with {data[:8]!r}" if data else "zero bytes"
        raise DecodeError(
            f"{name}: expected a PNG, JPEG, TIFF, BMP, WebP, AVIF or HEIC image, got {found}: replace or remove it"
        )
    check_mask(wanted, name)
    try:
        if kind != "TIFF" and (wanted.bands is not None or wanted.nodata is not None):
            option = "the bands of its card" if wanted.joint else "--nodata" if wanted.bands is None else "--bands"
            raise DecodeError(f"{name}: expected a TIFF for {option}, got {kind}: omit it, or convert the image")
        stored = (
            decode_tiff(data, name, max_pixels, wanted)
            if kind == "TIFF"
            else decode_plain(data, kind, name, max_pixels, wanted)
        )
    except IrTransferError as error:
        if str(error).startswith(f"{name}:"):
            raise
        if isinstance(error, InputError):
            raise InputError(f"{name}: {error}") from error
        raise DecodeError(f"{name}: expected a whole {kind} image, got a damaged one ({error}): replace it") from error
    except MemoryError as error:
        raise DecodeError(
            f"{name}: expected enough memory to decode it, got too little: use a smaller image"
        ) from error
    except Exception as error:  # damaged bytes make decoders raise nearly anything
        raise DecodeError(
            f"{name}: expected a whole {kind} image, got a damaged one ({decoder_message(error)}): replace it"
        ) from error
    return with_mask(stored, wanted, name, max_pixels)
