"""Headers of PNG and JPEG files, read without their pixels."""

from __future__ import annotations

import os
import zlib
from typing import BinaryIO

from ir_transfer.errors import DecodeError
from ir_transfer.imaging.pixels.containers import FRAMES, PNG_MAGIC, START_OF_SCAN, segments

_PIXELS = frozenset({b"IDAT", b"fdAT"})
_BLOCK = 2**16
_MOST_HEAD = 2**28  # profiles and previews have some MB


def png_head(file: BinaryIO) -> bytes:
    """Return a PNG whose chunks of pixels are empty.

    Args:
        file: Open at its beginning; pixels are skipped, not read.
    """
    kept = [file.read(len(PNG_MAGIC))]
    while len(start := file.read(8)) == 8:
        length = int.from_bytes(start[:4], "big")
        if start[4:] in _PIXELS:
            file.seek(length + 4, os.SEEK_CUR)
            kept.append(bytes(4) + start[4:] + zlib.crc32(start[4:]).to_bytes(4, "big"))
            continue
        if start[4:] == b"IEND" or length > _MOST_HEAD:
            break
        kept += [start, file.read(length + 4)]
    return b"".join(kept)


def png_size(head: bytes) -> tuple[tuple[int, int], int]:
    """Return (height, width) and the bytes per level.

    Raises:
        DecodeError: Not the header of a PNG.
    """
    if head[12:16] != b"IHDR" or len(head) < 33:
        raise DecodeError("expected the header of a PNG, got something else")
    width, height = (int.from_bytes(head[at : at + 4], "big") for at in (16, 20))
    return (height, width), 2 if head[24] == 16 else 1


def jpeg_head(file: BinaryIO) -> bytes:
    """Return the segments of a JPEG that precede its first scan.

    Args:
        file: Open at its beginning; read only as far as needed.
    """
    head = b""
    while len(head) < _MOST_HEAD and (block := file.read(max(_BLOCK, len(head)))):
        head += block
        end = max((stop for _, _, stop in segments(head)), default=2)
        if head[end : end + 2] == bytes([0xFF, START_OF_SCAN]):
            return head[:end]
    return head


def jpeg_size(head: bytes) -> tuple[int, int]:
    """Return height and width.

    Raises:
        DecodeError: No frame before the first scan.
    """
    for marker, start, stop in segments(head):
        if marker in FRAMES and stop - start >= 9:
            height, width = (int.from_bytes(head[at : at + 2], "big") for at in (start + 5, start + 7))
            return height, width
    raise DecodeError("expected the frame of a JPEG before its first scan, got none")
