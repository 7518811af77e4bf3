"""Reads the directories of a TIFF file or an EXIF block without decoding pixels; damaged tags are left out."""

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import BinaryIO

from ir_transfer.errors import DecodeError

SUBFILE, WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC = 254, 256, 257, 258, 259, 262
ORIENTATION, SAMPLES, EXTRA_SAMPLES, SAMPLE_FORMAT, PROFILE = 274, 277, 338, 339, 34675
EXIF_BLOCK, GPS_BLOCK, NODATA = 34665, 34853, 42113
TRANSFER_FUNCTION, WHITE_POINT, PRIMARIES, INK_SET = 301, 318, 319, 332

_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_INTEGERS = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 13: "I", 16: "Q", 17: "q", 18: "Q"}
_FRACTION = 5
_MOST_DIRECTORIES = 10_000
_MOST_BYTES = 64 * 2**20  # of one tag: a colour profile of a printer has some MB


@dataclass(frozen=True)
class Directory:
    """The tags of one image in a TIFF file.

    Attributes:
        order: Byte order, ``"<"`` or ``">"``.
        values: Type and bytes of each tag.
        is_last: Whether no unreadable directory follows.
    """

    order: str
    values: Mapping[int, tuple[int, bytes]] = field(default_factory=dict)
    is_last: bool = True

    def integers(self, tag: int) -> tuple[int, ...]:
        """Return the integers of a tag; empty if it is missing or of another type."""
        kind, data = self.values.get(tag, (0, b""))
        code = _INTEGERS.get(kind)
        if code is None:
            return ()
        count = len(data) // _SIZES[kind]
        return struct.unpack(f"{self.order}{count}{code}", data[: count * _SIZES[kind]])

    def integer(self, tag: int, default: int) -> int:
        """Return the first integer of a tag."""
        return next(iter(self.integers(tag)), default)

    def fractions(self, tag: int) -> tuple[float, ...]:
        """Return the unsigned fractions of a tag; empty if it is missing, of another type, or divided by 0."""
        kind, data = self.values.get(tag, (0, b""))
        parts = struct.unpack(f"{self.order}{len(data) // 4}I", data) if kind == _FRACTION else ()
        pairs = list(zip(parts[::2], parts[1::2], strict=True))
        return tuple(above / below for above, below in pairs) if all(below for _, below in pairs) else ()

    def data(self, tag: int) -> bytes:
        """Return the bytes of a tag; empty if it is missing."""
        return self.values.get(tag, (0, b""))[1]

    def text(self, tag: int) -> str:
        """Return the text of a tag; empty if it is missing."""
        return self.data(tag).split(b"\0")[0].decode("latin-1").strip()

    @property
    def orientation(self) -> int:
        """Orientation, 1 to 8; 1 where the tag holds anything else."""
        found = self.integer(ORIENTATION, 1)
        return found if 1 <= found <= 8 else 1

    @property
    def appearance(self) -> tuple[int, int, bytes]:
        """Photometric interpretation, orientation and colour profile, which decide the colours of equal numbers."""
        return self.integer(PHOTOMETRIC, -1), self.orientation, self.data(PROFILE)


def read_directories(file: BinaryIO, most: int = _MOST_DIRECTORIES) -> list[Directory]:
    """Return the directories of a classic TIFF or BigTIFF in either byte order, or of an EXIF block.

    Args:
        file: Open for reading, positioned anywhere; offsets count from its first byte.
        most: Largest number of directories to read; a circular chain ends where it repeats.

    Raises:
        DecodeError: Not a TIFF header, or the first directory is missing.
    """
    file.seek(0)
    header = file.read(16)
    order = {b"II": "<", b"MM": ">"}.get(header[:2])
    if order is None or len(header) < 8:
        raise DecodeError(f"expected a TIFF header, got {header[:4]!r}")
    big = struct.unpack(f"{order}H", header[2:4])[0] == 43
    if big and len(header) < 16:
        raise DecodeError("expected a BigTIFF header of 16 bytes, got fewer")
    place = struct.unpack(f"{order}Q", header[8:16])[0] if big else struct.unpack(f"{order}I", header[4:8])[0]
    found: list[Directory] = []
    seen: set[int] = set()
    while place and place not in seen and len(found) < most:
        seen.add(place)
        one = _directory(file, order, place, big=big)
        if one is None:
            found[-1:] = [replace(last, is_last=False) for last in found[-1:]]
            break
        directory, place = one
        found.append(directory)
    if not found:
        raise DecodeError("expected a directory of tags, got none")
    return found


def read_block(file: BinaryIO, parent: Directory, tag: int) -> Directory:
    """Return the directory to which a tag of a classic TIFF or EXIF block points; an empty one if there is none."""
    place = parent.integer(tag, 0)
    found = _directory(file, parent.order, place, big=False) if place else None
    return Directory(parent.order) if found is None else found[0]


def _directory(file: BinaryIO, order: str, place: int, *, big: bool) -> tuple[Directory, int] | None:
    """Return the directory at an offset and the offset of the next; None if there is none."""
    counted, entry, link = ("Q", 20, 8) if big else ("H", 12, 4)
    head = _at(file, place, struct.calcsize(f"{order}{counted}"))
    if head is None:
        return None
    count = struct.unpack(f"{order}{counted}", head)[0]
    if count > 65535:
        return None
    block = _at(file, place + len(head), count * entry)
    if block is None:
        return None
    values: dict[int, tuple[int, bytes]] = {}
    for start in range(0, len(block), entry):
        tag, kind = struct.unpack(f"{order}HH", block[start : start + 4])
        data = _value(file, order, kind, block[start + 4 : start + entry], link)
        if data is not None:
            values.setdefault(tag, (kind, data))
    following = _at(file, place + len(head) + len(block), link)
    return Directory(order, values), 0 if following is None else _integer(order, following)


def _value(file: BinaryIO, order: str, kind: int, entry: bytes, link: int) -> bytes | None:
    length = _integer(order, entry[:link]) * _SIZES.get(kind, 0)
    if not 0 < length <= _MOST_BYTES:
        return None
    return entry[link : link + length] if length <= link else _at(file, _integer(order, entry[link:]), length)


def _integer(order: str, data: bytes) -> int:
    return int.from_bytes(data, "little" if order == "<" else "big")


def _at(file: BinaryIO, place: int, length: int) -> bytes | None:
    try:
        file.seek(place)
        data = file.read(length)
    except (OSError, ValueError, OverflowError):  # an offset beyond what a file can have
        return None
    return data if len(data) == length else None
