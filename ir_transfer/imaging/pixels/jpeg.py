"""Metadata of JPEG files, and copies of the files without it, which damaged metadata cannot break."""

import io
import re
from collections.abc import Iterator

from ir_transfer.imaging.pixels.containers import Container, xmp_orientation
from ir_transfer.imaging.pixels.exif import EXIF_HEADER

START_OF_SCAN = 0xDA
"""Marker before compressed pixels."""
FRAMES = frozenset({0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF})
"""Markers of the header that states size and components."""

_END, _APP0, _APP14, _COMMENT = 0xD9, 0xE0, 0xEE, 0xFE
_ALONE = frozenset({0x01, *range(0xD0, 0xD8)})  # markers without a length
_NEXT_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
_XMP, _ICC, _MPF = b"http://ns.adobe.com/xap/1.0/\0", b"ICC_PROFILE\0", b"MPF\0"
_IMAGES_IN_MPF = 0xB001
_BYTES_OF_MPF_ENTRY = 16
_BYTES_OF_ADOBE = 12


def open_jpeg(data: bytes) -> Container:
    """Return the metadata of a JPEG; a missing end marker is added if all pixels are present."""
    found = Container(data)
    kept, profile = [data[:2]], {}
    place = 2
    for marker, start, stop in segments(data):
        body = data[start + 4 : stop]
        place = stop
        is_metadata = (_APP0 < marker <= 0xEF and marker != _APP14) or marker == _COMMENT
        is_metadata |= marker == _APP14 and len(body) < _BYTES_OF_ADOBE  # Pillow reads beyond its end
        if not is_metadata:
            kept.append(data[start:stop])
        elif marker == 0xE1 and body.startswith(EXIF_HEADER) and not found.exif:
            found.exif = body[len(EXIF_HEADER) :]
        elif marker == 0xE1 and body.startswith(_XMP):
            found.xmp_orientation = xmp_orientation(body)
        elif marker == 0xE2 and body.startswith(_ICC):
            profile[body[12:13]] = body[14:]
        elif marker == 0xE2 and body.startswith(_MPF):
            found.images = _images_of_mpf(body[4:])
    kept.append(data[place:])
    found.profile = b"".join(profile[number] for number in sorted(profile))
    found.data = b"".join(kept)
    if all(marker != _END for marker, _ in _scans(found.data)):
        closed = found.data.rstrip(b"\xff") + b"\xff\xd9"
        if _is_complete(closed):
            found.data = closed
            found.notes.append("its end marker is missing; all of its pixels are present")
    return found


def segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield marker, start and end of the segments before the first scan."""
    place = 2
    while place + 4 <= len(data) and data[place] == 0xFF:
        marker = data[place + 1]
        if marker == 0xFF:  # filling
            place += 1
            continue
        if marker in _ALONE:
            yield marker, place, place + 2
            place += 2
            continue
        stop = place + 2 + int.from_bytes(data[place + 2 : place + 4], "big")
        if marker in {START_OF_SCAN, _END} or stop > len(data) or stop < place + 4:
            return
        yield marker, place, stop
        place = stop


def _images_of_mpf(block: bytes) -> int:
    from ir_transfer.errors import DecodeError
    from ir_transfer.imaging.pixels.tiff_tags import read_directories

    try:
        stated = read_directories(io.BytesIO(block), 1)[0].integer(_IMAGES_IN_MPF, 1)
        return max(min(stated, len(block) // _BYTES_OF_MPF_ENTRY), 1)
    except DecodeError:
        return 1


def _scans(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield markers and bodies from the start to the end marker, if there is one."""
    place = 2
    while (found := _NEXT_MARKER.search(data, place)) is not None:
        marker, start = data[found.start() + 1], found.end()
        if marker == _END:
            yield marker, b""
            return
        if marker in _ALONE:
            place = start
            continue
        length = int.from_bytes(data[start : start + 2], "big")
        yield marker, data[start + 2 : start + length]
        place = start + max(length, 2)


def _is_complete(data: bytes) -> bool:
    """Return whether a JPEG with its end marker added has all coefficients in full precision."""
    components: bytes = b""
    open_: dict[int, set[int]] = {}
    for marker, body in _scans(data):
        if marker in FRAMES and len(body) >= 6:
            components = body[6::3][: body[5]]
            open_ = {component: set(range(64)) for component in components}
        elif marker == START_OF_SCAN and body:
            count = body[0]
            first, last, approximation = body[1 + 2 * count : 4 + 2 * count].ljust(3, b"\0")
            if approximation & 15 == 0:
                for component in body[1 : 1 + 2 * count : 2]:
                    open_.get(component, set()).difference_update(range(first, last + 1))
    return bool(components) and not any(open_.values()) and _decodes_quietly(data)


def _decodes_quietly(data: bytes) -> bool:
    """Return whether libjpeg decodes a file without a warning; Pillow hides the warnings on truncated data."""
    import rasterio
    from rasterio.errors import RasterioError

    from ir_transfer.imaging.raster.gdal import environment

    try:
        with (
            environment(),
            rasterio.Env(GDAL_ERROR_ON_LIBJPEG_WARNING=True),
            rasterio.MemoryFile(data) as memory,
            memory.open(driver="JPEG") as source,
        ):
            source.read()
    except RasterioError:
        return False
    return True
