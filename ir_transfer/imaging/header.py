"""Headers of image files: size, orientation and bytes per level, without decoding pixels.

Only the metadata of PNG, JPEG and TIFF files is read. Page and orientation are chosen by the code that decodes them.
"""

import io
import os
import sys
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from ir_transfer.errors import DecodeError
from ir_transfer.imaging.image_names import RAW_SUFFIXES
from ir_transfer.imaging.pixels.containers import PNG_MAGIC, Container, open_png
from ir_transfer.imaging.pixels.jpeg import FRAMES, START_OF_SCAN, open_jpeg, segments
from ir_transfer.imaging.pixels.kinds import file_kind
from ir_transfer.imaging.pixels.pages import choose_page
from ir_transfer.imaging.pixels.plain_file import OPENED, complete_container, open_image, seek_image
from ir_transfer.imaging.pixels.raw import is_negative, upright_raw_size
from ir_transfer.imaging.pixels.tiff_tags import BITS, HEIGHT, WIDTH, read_directories
from ir_transfer.imaging.pixels.webp import open_webp
from ir_transfer.imaging.raster.virtual_file import open_virtual_file
from ir_transfer.imaging.remote import open_stored

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


Size = tuple[int, int]
"""Height and width."""

_START = 64
_SWAPPING = frozenset({5, 6, 7, 8})


@dataclass(frozen=True)
class Header:
    """Header of an image file.

    Attributes:
        stored: (height, width) of the stored pixels.
        orientation: EXIF or TIFF orientation, 1 to 8.
        itemsize: Bytes per level.
        images: Number of pages, frames or views in the file.
        container: Metadata of a file that is neither TIFF nor camera raw; None for those.
    """

    stored: Size
    orientation: int
    itemsize: int = 1
    images: int = 1
    container: Container | None = None

    @property
    def upright(self) -> Size:
        """(height, width) of the upright image."""
        return upright_size(self.stored, self.orientation)


def upright_size(stored: Size, orientation: int) -> Size:
    """Return (height, width) of an image after its orientation was applied."""
    return stored[::-1] if orientation in _SWAPPING else stored


def read_header(path: Path, page: int | None = None) -> Header:
    """Return the header of an image file; of camera raw and HEIC files, the stored size is already upright.

    Args:
        path: The file.
        page: Number of the image in a file with several, from 1; the first of full size if None.

    Raises:
        DecodeError: Not an image, or no such page.
    """
    try:
        with open_stored(path) as file:
            return header_of(file, path.name, page)
    except DecodeError:
        raise
    except Exception as error:  # each storage raises its own error types
        raise DecodeError(f"expected an image, got a damaged or missing file: regenerate {path.name}") from error


def header_of(file: BinaryIO, name: str, page: int | None = None) -> Header:
    """Return the header of an open image; see :func:`read_header`.

    Raises:
        DecodeError: Not an image, or no such page.
    """
    try:
        start = file.read(_START)
        file.seek(0)
        return _header(file, file_kind(start), name, page)
    except Exception as error:  # damaged bytes make decoders raise nearly anything
        raise DecodeError(f"expected an image, got a damaged or missing file: regenerate {name}") from error


def count_images(path: str) -> int:
    """Return the number of pages, frames or views in a file, also in an archive or on the network.

    A file that cannot be read counts as one image; converting it reports the error.
    """
    try:
        file = open_virtual_file(path)
        if file is None:
            return read_header(Path(path)).images
        with file:
            return header_of(file, path).images
    except DecodeError:
        return 1


def _header(file: BinaryIO, kind: str | None, name: str, page: int | None) -> Header:
    is_raw = Path(name).suffix.lower() in RAW_SUFFIXES
    if kind is None and not is_raw:
        raise DecodeError(f"{name}: expected an image, got another kind of file")
    directories = read_directories(file) if kind == "TIFF" else []
    if is_raw or (directories and is_negative(directories[0])):
        file.seek(0)
        return Header(upright_raw_size(file), 1, itemsize=2)
    if directories:
        found = choose_page(directories, page, name)
        tags = found.directory
        size = tags.integer(HEIGHT, 0), tags.integer(WIDTH, 0)
        return Header(size, tags.orientation, -(-max(tags.integers(BITS) or (1,)) // 8), found.count)
    if kind == "PNG":
        head = png_head(file)
        container, size, itemsize = open_png(head), *png_size(head)
    elif kind == "JPEG":
        head = jpeg_head(file)
        container, size, itemsize = open_jpeg(head), jpeg_size(head), 1
    elif kind == "WEBP":
        container, size, itemsize = open_webp(file.read(_MOST_HEAD)), (0, 0), 1
        file = io.BytesIO(container.data)
    else:
        container, size, itemsize = Container(b""), (0, 0), 1
    file.seek(0)
    if size == (0, 0) or page not in {None, 1}:
        with open_image(file, str(kind), name, sys.maxsize) as image:
            if kind not in OPENED:
                complete_container(container, image)
            seek_image(image, page, container.images, name)
            size = image.height, image.width
    return Header(size, container.orientation, itemsize, container.images, container)
