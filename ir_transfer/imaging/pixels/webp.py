"""Metadata of WebP files, and copies of the files without it, which truncated metadata cannot break."""

from __future__ import annotations

from collections.abc import Iterator

from ir_transfer.imaging.pixels.containers import Container, xmp_orientation
from ir_transfer.imaging.pixels.exif import EXIF_HEADER

_HEADER = 12  # RIFF, its length, WEBP
_EXTENDED, _FRAME = b"VP8X", b"ANMF"
_NEEDED = frozenset({_EXTENDED, _FRAME, b"VP8 ", b"VP8L", b"ALPH", b"ANIM"})
_METADATA = 0x20 | 0x08 | 0x04  # flags of VP8X: colour profile, EXIF, XMP


def open_webp(data: bytes) -> Container:
    """Return the metadata of a WebP; a truncated EXIF block is read as far as it goes."""
    found = Container(data)
    kept, frames = [], 0
    for kind, body in _chunks(data):
        frames += kind == _FRAME
        if kind in _NEEDED:
            needed = bytes([body[0] & ~_METADATA]) + body[1:] if kind == _EXTENDED and body else body
            kept.append(kind + len(needed).to_bytes(4, "little") + needed + bytes(len(needed) % 2))
        elif kind == b"ICCP":
            found.profile = body
        elif kind == b"EXIF":
            found.exif = body.removeprefix(EXIF_HEADER)
        elif kind == b"XMP ":
            found.xmp_orientation = xmp_orientation(body)
    content = b"WEBP" + b"".join(kept)
    found.images = max(frames, 1)
    found.data = b"RIFF" + len(content).to_bytes(4, "little") + content
    return found


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield names and contents of the chunks; a truncated chunk of pixels ends them, and is reported by the decoder."""
    place = _HEADER
    while place + 8 <= len(data):
        kind, length = data[place : place + 4], int.from_bytes(data[place + 4 : place + 8], "little")
        body = data[place + 8 : place + 8 + length]
        if len(body) < length and kind in _NEEDED:
            return
        yield kind, body
        place += 8 + length + length % 2
