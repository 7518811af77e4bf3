"""Metadata of PNG, AVIF and BMP files, and copies of the files without it, which damaged metadata cannot break."""

import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from ir_transfer.imaging.pixels.curves import Chromaticities
from ir_transfer.imaging.pixels.exif import EXIF_HEADER, read_exif

PNG_MAGIC = b"\x89PNG\r\n\x1a\n"
_MOST_TEXT = 64 * 2**20  # bytes of an unpacked chunk: profiles have a few MB, a decompression bomb more
_XMP_ORIENTATION = re.compile(rb"tiff:Orientation(?:=\"|>)([1-8])")
_XMP_PNG, _RAW_EXIF = b"XML:com.adobe.xmp", (b"Raw profile type exif", b"Raw profile type APP1")
_TRANSPARENT = {0: (2, 2), 2: (6, 6), 3: (1, 256)}  # least and most bytes of tRNS by colour type
_HIGH_BIT_DEPTH, _TWELVE_BITS = 0x40, 0x20  # flags in av1C


@dataclass
class Container:
    """Metadata of an image file.

    Attributes:
        data: The file with what decoding needs and no other metadata.
        profile: ICC profile; empty if there is none.
        exif: EXIF block, from its TIFF header on; empty if there is none.
        xmp_orientation: Orientation by XMP; 1 by default.
        images: Number of images in the file.
        says_srgb: Whether it declares sRGB.
        gamma: Encoding exponent, if declared.
        chromaticities: White and primaries, if declared.
        coding_points: Primaries and transfer function of ITU-T H.273, if declared.
        notes: For the report.
    """

    data: bytes
    profile: bytes = b""
    exif: bytes = b""
    xmp_orientation: int = 1
    images: int = 1
    says_srgb: bool = False
    gamma: float | None = None
    chromaticities: Chromaticities | None = None
    coding_points: tuple[int, int] | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def orientation(self) -> int:
        """Orientation, 1 to 8; that of EXIF takes precedence over that of XMP."""
        exif = read_exif(self.exif).orientation
        return exif if exif != 1 else self.xmp_orientation


def open_png(data: bytes) -> Container:
    """Return the metadata of a PNG; metadata chunks with a wrong checksum are ignored, as in browsers."""
    found = Container(data, images=0)
    kept = [PNG_MAGIC]
    end = len(PNG_MAGIC)
    default, frames = 0, 0
    for kind, start, length in _chunks(data):
        end = start + length + 4
        body = data[start : start + length]
        is_needed = not kind[0] & 0x20
        is_whole = zlib.crc32(kind + body) == int.from_bytes(data[start + length : end], "big")
        least, most = _TRANSPARENT.get(data[25], (1, 0)) if kind == b"tRNS" else (0, length)
        if kind == b"IDAT" and frames == 0:  # the pixels of a frame follow its fcTL
            default = 1
        frames += kind == b"fcTL" and is_whole
        if is_needed or (kind == b"tRNS" and is_whole and least <= length <= most):
            kept.append(data[start - 8 : end])
        elif is_whole and not least <= length <= most:
            found.notes.append("its chunk tRNS has a wrong length: ignored")
        elif is_whole:
            _read_chunk(found, kind, body)
        else:
            found.notes.append(f"its chunk {kind.decode('latin-1')} has a wrong checksum: ignored")
        if kind == b"IEND":
            break
    else:
        kept.append(data[end:])  # truncated: the decoder reports it
    found.data = b"".join(kept)
    if found.images:  # of an animation; a default image before its frames is one more
        found.images = min(found.images, frames) + default
    found.images = max(found.images, 1)
    return found


def _chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    place = len(PNG_MAGIC)
    while place + 12 <= len(data):
        length = int.from_bytes(data[place : place + 4], "big")
        if place + 12 + length > len(data):
            return
        yield data[place + 4 : place + 8], place + 8, length
        place += 12 + length


def _read_chunk(found: Container, kind: bytes, body: bytes) -> None:
    if kind == b"iCCP" and not found.profile:
        found.profile = _unpacked(body.partition(b"\0")[2][1:])
    elif kind == b"eXIf":
        found.exif = body.removeprefix(EXIF_HEADER)
    elif kind == b"sRGB":
        found.says_srgb = True
    elif kind == b"gAMA" and len(body) == 4:
        found.gamma = int.from_bytes(body, "big") / 100_000
    elif kind == b"cHRM" and len(body) == 32:
        x = [value / 100_000 for value in struct.unpack(">8I", body)]
        found.chromaticities = (x[0], x[1]), (x[2], x[3]), (x[4], x[5]), (x[6], x[7])
    elif kind == b"cICP" and len(body) == 4:
        found.coding_points = body[0], body[1]
        if body[3] == 0:
            found.notes.append("its chunk cICP declares a narrow range: read as full range")
    elif kind == b"acTL" and len(body) == 8:
        found.images = int.from_bytes(body[:4], "big")
    elif kind in {b"tEXt", b"zTXt", b"iTXt"}:
        _read_text(found, kind, body)


def _read_text(found: Container, kind: bytes, body: bytes) -> None:
    keyword, _, rest = body.partition(b"\0")
    if kind == b"iTXt" and keyword == _XMP_PNG:
        packed = rest[2:].split(b"\0", 2)[-1] if rest[:1] == b"\1" else b""
        found.xmp_orientation = xmp_orientation(_unpacked(packed) if packed else rest)
    elif keyword in _RAW_EXIF and not found.exif:
        text = _unpacked(rest[1:]) if kind == b"zTXt" else rest
        digits = b"".join(text.split(b"\n")[3:])
        try:
            found.exif = bytes.fromhex(digits.decode("ascii")).removeprefix(EXIF_HEADER)
        except ValueError:
            found.notes.append("its EXIF in text is damaged: ignored")


def _unpacked(data: bytes) -> bytes:
    try:
        return zlib.decompressobj().decompress(data, _MOST_TEXT)
    except zlib.error:
        return b""


def xmp_orientation(text: bytes) -> int:
    """Return the orientation in an XMP packet, also in UTF-16 or UTF-32; 1 if it has none."""
    found = _XMP_ORIENTATION.search(text.replace(b"\0", b""))
    return int(found[1]) if found else 1


def open_avif(data: bytes) -> Container:
    """Return the metadata of an AVIF that Pillow does not report: the code points of its colours, and its bits."""
    found = Container(data)
    for kind, body in _boxes(data, b"meta", b"iprp", b"ipco"):
        if kind == b"colr" and body[:4] == b"nclx" and len(body) >= 8 and found.coding_points is None:
            found.coding_points = struct.unpack(">HH", body[4:8])
        elif kind == b"av1C" and len(body) >= 3 and body[2] & _HIGH_BIT_DEPTH and not found.notes:
            found.notes.append(eight_bits_note(12 if body[2] & _TWELVE_BITS else 10))
    return found


def eight_bits_note(bits: int) -> str:
    """Return the note on a file with more bits than its decoder returns."""
    return f"it has {bits} bits: read at 8 bits"


def _boxes(data: bytes, *path: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield kinds and contents of the boxes of an ISO base media file that are in the boxes of a path."""
    place = 0
    while place + 8 <= len(data):
        length, kind = int.from_bytes(data[place : place + 4], "big"), data[place + 4 : place + 8]
        start = place + 8
        if length == 1:  # the length has 64 bits
            length, start = int.from_bytes(data[start : start + 8], "big"), start + 8
        stop = place + length if length else len(data)
        if stop < start:
            return
        if not path:
            yield kind, data[start:stop]
        elif kind == path[0]:
            yield from _boxes(data[start + 4 * (kind == b"meta") : stop], *path[1:])  # meta has a version and flags
        place = stop


def open_bmp(data: bytes) -> Container:
    """Return the colour profile of a BMP, and a note on colours that it declares otherwise."""
    found = Container(data)
    header = data[14 : 14 + int.from_bytes(data[14:18], "little")]
    space = header[56:60]
    if space == b"DEBM" and len(header) >= 124:
        start, length = struct.unpack("<II", header[112:120])
        found.profile = data[14 + start : 14 + start + length]
    elif space == b"KNIL" or (space == bytes(4) and any(header[60:108])):
        found.notes.append("the colours that its header declares are not applied: treated as sRGB")
    return found
