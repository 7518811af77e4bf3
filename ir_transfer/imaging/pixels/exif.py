"""EXIF blocks: orientation and colour space of the pixels, and the place and time that a result keeps."""

import io
import struct
from dataclasses import dataclass
from typing import BinaryIO

from ir_transfer.errors import DecodeError
from ir_transfer.imaging.pixels.tiff_tags import EXIF_BLOCK, GPS_BLOCK, Directory, read_block, read_directories

EXIF_HEADER = b"Exif\0\0"
_DATE_TIME = 306
_COLOUR_SPACE, _INTEROPERABILITY, _INDEX = 40961, 40965, 1
_ADOBE, _UNCALIBRATED = 2, 65535
# Original and digitised time, their offsets from UTC and their fractions of a second.
_TIMES = (36867, 36868, 36880, 36881, 36882, 37520, 37521, 37522)
_LONG = 4
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}


@dataclass(frozen=True)
class Exif:
    """Contents of an EXIF block.

    Attributes:
        orientation: 1 to 8.
        is_adobe_rgb: Whether it declares Adobe RGB.
        is_uncalibrated: Whether it declares neither Adobe RGB nor sRGB.
        kept: An EXIF block of place and time only; empty if it has neither.
    """

    orientation: int = 1
    is_adobe_rgb: bool = False
    is_uncalibrated: bool = False
    kept: bytes = b""


def read_exif(block: bytes) -> Exif:
    """Return the contents of an EXIF block; defaults for a damaged one."""
    file = io.BytesIO(block)
    try:
        first = read_directories(file, 1)[0]
    except DecodeError:
        return Exif()
    details, place = read_block(file, first, EXIF_BLOCK), read_block(file, first, GPS_BLOCK)
    return Exif(first.orientation, *colours_of(file, first), _kept(first, details, place))


def colours_of(file: BinaryIO, first: Directory) -> tuple[bool, bool]:
    """Return whether the EXIF of a directory declares Adobe RGB, and whether neither Adobe RGB nor sRGB."""
    details = read_block(file, first, EXIF_BLOCK)
    space = details.integer(_COLOUR_SPACE, 1)
    adobe_index = read_block(file, details, _INTEROPERABILITY).text(_INDEX) == "R03"
    is_adobe = space == _ADOBE or (space == _UNCALIBRATED and adobe_index)
    return is_adobe, space == _UNCALIBRATED and not is_adobe


def with_exif(tiff: bytes, block: bytes) -> bytes:
    """Return a classic TIFF of one image with an EXIF block added; libtiff cannot write such directories."""
    file = io.BytesIO(tiff)
    first = read_directories(file, 1)[0]
    source = io.BytesIO(block)
    main = read_directories(source, 1)[0]
    order = first.order
    values = dict(first.values)
    end = len(tiff) + len(tiff) % 2
    added = b""
    for tag, wanted in main.values.items():
        if tag not in {EXIF_BLOCK, GPS_BLOCK}:
            values[tag] = _ordered(wanted, main.order, order)
            continue
        inner = {name: _ordered(one, main.order, order) for name, one in read_block(source, main, tag).values.items()}
        values[tag] = _LONG, struct.pack(f"{order}I", end + len(added))
        added += packed_directory(order, inner, end + len(added))
    directory = packed_directory(order, values, end + len(added))
    head = tiff[:4] + struct.pack(f"{order}I", end + len(added))
    return (head + tiff[8:]).ljust(end, b"\0") + added + directory


def _ordered(value: tuple[int, bytes], theirs: str, ours: str) -> tuple[int, bytes]:
    """Return a value in another byte order."""
    kind, data = value
    if theirs == ours:
        return value
    width = {5: 4, 10: 4}.get(kind, _SIZES.get(kind, 1))  # a fraction is two numbers
    return kind, b"".join(data[i : i + width][::-1] for i in range(0, len(data), width))


def _kept(first: Directory, details: Directory, place: Directory) -> bytes:
    times = {tag: details.values[tag] for tag in _TIMES if tag in details.values}
    main = {tag: first.values[tag] for tag in (_DATE_TIME,) if tag in first.values}
    if not (times or main or place.values):
        return b""
    order = first.order
    start = 8
    length = _length(main, 2)
    blocks = b""
    for tag, values in ((EXIF_BLOCK, times), (GPS_BLOCK, dict(place.values))):
        if values:
            main[tag] = _LONG, struct.pack(f"{order}I", start + length + len(blocks))
            blocks += packed_directory(order, values, start + length + len(blocks))
    # ``length`` has room for both pointers, so the offsets hold if one is left out.
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", start)
    return head + packed_directory(order, main, start).ljust(length, b"\0") + blocks


def _length(values: dict[int, tuple[int, bytes]], pointers: int) -> int:
    return 6 + 12 * (len(values) + pointers) + sum(_even(data) for _, data in values.values() if len(data) > 4)


def _even(data: bytes) -> int:
    return len(data) + len(data) % 2


def packed_directory(order: str, values: dict[int, tuple[int, bytes]], start: int) -> bytes:
    """Return the bytes of a directory of a TIFF or EXIF block, followed by its values of more than 4 bytes.

    Args:
        order: Byte order, ``"<"`` or ``">"``.
        values: Field type and bytes by tag.
        start: Its offset in the file.
    """
    entries, behind = [], b""
    place = start + 6 + 12 * len(values)
    for tag, (kind, data) in sorted(values.items()):
        count = len(data) // _SIZES.get(kind, 1)
        if len(data) <= 4:
            field = data.ljust(4, b"\0")
        else:
            field = struct.pack(f"{order}I", place + len(behind))
            behind += data.ljust(_even(data), b"\0")
        entries.append(struct.pack(f"{order}HHI", tag, kind, count) + field)
    return struct.pack(f"{order}H", len(values)) + b"".join(entries) + bytes(4) + behind
