"""Encodes one-channel PNG and TIFF files in memory, for speed or for size."""

import io
import struct
import zlib
from typing import Any, Literal

import numpy as np
from isal import isal_zlib
from numpy.typing import NDArray
from PIL import Image

from ir_transfer.errors import InputError
from ir_transfer.imaging.decoded_image import OutputLevels
from ir_transfer.imaging.pixels.exif import packed_directory, with_exif
from ir_transfer.imaging.pixels.tiff_tags import NODATA

Format = Literal["png", "tiff"]
Compression = Literal["fast", "small", "none"]
COMPRESSIONS: tuple[Compression, ...] = ("fast", "small", "none")
DEFAULT_COMPRESSION: Compression = "fast"
"""6 and 8 times as fast as ``"small"`` for PNG files of 8 and 16 bits, which are 20% and 3% larger; measured with
``scripts/benchmark_compression.py``."""

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_UP = 2  # PNG filter: the difference from the row above
_ISAL_LEVEL = 1
_STRIP_BYTES = 2**18  # of a TIFF, before compression: a reader of a part decodes few other pixels
_SHORT, _LONG, _ASCII = 3, 4, 2


def check_compression(name: str) -> None:
    """Raise :class:`InputError` unless ``name`` is one of :data:`COMPRESSIONS`."""
    if name not in COMPRESSIONS:
        raise InputError(f"expected --compression to be one of {', '.join(COMPRESSIONS)}, got {name!r}")


def encode_gray(
    levels: OutputLevels,
    format: Format = "png",  # noqa: A002
    *,
    nodata: int | None = None,
    exif: bytes = b"",
    compression: Compression = DEFAULT_COMPRESSION,
) -> bytes:
    """Return one-channel levels (H, W) as the bytes of a PNG or TIFF file; the same levels give the same bytes.

    Args:
        levels: Levels of 8 or 16 bits.
        format: ``"png"`` or ``"tiff"``.
        nodata: Level of invalid pixels: transparent in a PNG, GDAL's nodata tag in a TIFF.
        exif: EXIF block of place and time to write.
        compression: ``"fast"``, ``"small"`` or ``"none"``; all are lossless.

    Raises:
        InputError: An unknown compression.
    """
    check_compression(compression)
    encode = _tiff if format == "tiff" else _png
    if compression != "small":
        return encode(levels, nodata, exif, compression)
    # Run lengths are smaller for camera images, and larger where levels repeat: in masks, or 8 bits in 16.
    return min((encode(levels, nodata, exif, name) for name in ("small", "fast")), key=len)


def _run_length_png(levels: OutputLevels, nodata: int | None, exif: bytes) -> bytes:
    """Return a PNG with a filter for each row and run-length coding; longer matches would gain nothing."""
    file = io.BytesIO()
    options: dict[str, Any] = {} if nodata is None else {"transparency": nodata}
    Image.fromarray(levels).save(file, "PNG", compress_level=1, compress_type=zlib.Z_RLE, exif=exif or None, **options)
    return file.getvalue()


def _png(levels: OutputLevels, nodata: int | None, exif: bytes, compression: Compression) -> bytes:
    if compression == "small":
        return _run_length_png(levels, nodata, exif)
    height, width = levels.shape
    rows = levels.astype(">u2").view(np.uint8) if levels.dtype.itemsize == 2 else levels
    lines = np.zeros((height, rows.shape[1] + 1), np.uint8)
    lines[:, 1:] = rows
    if compression == "fast":
        lines[:, 0] = _UP
        lines[1:, 1:] -= rows[:-1]
    header = struct.pack(">IIBBBBB", width, height, 8 * levels.dtype.itemsize, 0, 0, 0, 0)
    chunks = [(b"IHDR", header)]
    if nodata is not None:
        chunks.append((b"tRNS", struct.pack(">H", nodata)))
    if exif:
        chunks.append((b"eXIf", exif.removeprefix(b"Exif\0\0")))
    chunks += [(b"IDAT", _deflate(lines, compression)), (b"IEND", b"")]
    return _PNG_SIGNATURE + b"".join(_chunk(kind, data) for kind, data in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(data, zlib.crc32(kind)))


def _deflate(values: NDArray[Any], compression: Compression) -> bytes:
    if compression == "fast":
        return isal_zlib.compress(values.data, _ISAL_LEVEL)
    if compression == "none":
        return zlib.compress(values.data, 0)
    # Differences of neighbours have few longer matches: run lengths make smaller files than zlib's level 9.
    compressor = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS, zlib.DEF_MEM_LEVEL, zlib.Z_RLE)
    return compressor.compress(values.data) + compressor.flush()


def _tiff(levels: OutputLevels, nodata: int | None, exif: bytes, compression: Compression) -> bytes:
    """Return a little-endian TIFF of strips: Deflate of the differences from the pixel on the left, or plain levels."""
    height, width = levels.shape
    rows = max(1, _STRIP_BYTES // (width * levels.dtype.itemsize))
    values = levels.astype(levels.dtype.newbyteorder("<"))
    if compression != "none":
        values[:, 1:] -= levels[:, :-1]
    parts = [np.ascontiguousarray(values[y : y + rows]) for y in range(0, height, rows)]
    strips = [part.tobytes() if compression == "none" else _deflate(part, compression) for part in parts]
    places = 8 + np.cumsum([0, *map(len, strips[:-1])])
    numbers = {
        256: (_LONG, [width]),
        257: (_LONG, [height]),
        258: (_SHORT, [8 * levels.dtype.itemsize]),
        259: (_SHORT, [1 if compression == "none" else 8]),  # none, or Deflate
        262: (_SHORT, [1]),  # 0 is black
        273: (_LONG, places.tolist()),
        277: (_SHORT, [1]),
        278: (_LONG, [rows]),
        279: (_LONG, list(map(len, strips))),
        317: (_SHORT, [1 if compression == "none" else 2]),  # none, or horizontal differences
    }
    fields = {
        tag: (kind, struct.pack(f"<{len(found)}{'I' if kind == _LONG else 'H'}", *found))
        for tag, (kind, found) in numbers.items()
    }
    if nodata is not None:
        fields[NODATA] = _ASCII, f"{nodata}\0".encode()
    body = b"".join(strips)
    body += bytes(len(body) % 2)
    data = struct.pack("<2sHI", b"II", 42, 8 + len(body)) + body + packed_directory("<", fields, 8 + len(body))
    return with_exif(data, exif) if exif else data
