"""What the header of an image file says: how many images it holds, and the size of the one that is read."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image

from ir_transfer.data.image_decode import file_kind
from ir_transfer.data.image_io import read_picture
from ir_transfer.data.pixels import tiff_tags
from ir_transfer.data.pixels.containers import open_jpeg, open_png
from ir_transfer.data.pixels.exif import read_exif
from ir_transfer.data.pixels.tiff import open_page
from ir_transfer.regular_files import open_regular, read_regular

_HEAD = 64


def count_images(path: str) -> int:
    """Return the number of pages, frames or views in a file; 1 for one that cannot be read, which is an error later."""
    page = open_page(path, None)
    if page is not None:
        return page.count
    try:
        with open_regular(Path(path)) as file:
            kind = file_kind(file.read(_HEAD))
        if kind == "PNG":
            return open_png(read_regular(Path(path))).images
        if kind == "JPEG":
            return open_jpeg(read_regular(Path(path))).images
        if kind in {"WEBP", "AVIF"}:
            with Image.open(path, formats=[kind]) as image:
                return int(getattr(image, "n_frames", 1))
    except (OSError, SyntaxError, ValueError):
        return 1
    return 1


def upright_size(path: Path) -> tuple[int, int]:
    """Return width and height as a file is read, without decoding PNG, JPEG and TIFF.

    Raises:
        MissingFileError: No such file.
        DecodeError: It cannot be read.
    """
    page = open_page(str(path), None)
    if page is not None:
        size = page.directory.integer(tiff_tags.WIDTH, 0), page.directory.integer(tiff_tags.HEIGHT, 0)
        return size[::-1] if page.directory.orientation >= 5 else size
    data = path.read_bytes() if path.is_file() else b""
    kind = file_kind(data)
    if kind in {"PNG", "JPEG"}:
        container = open_png(data) if kind == "PNG" else open_jpeg(data)
        exif = read_exif(container.exif).orientation
        orientation = exif if exif != 1 else container.xmp_orientation
        try:
            with Image.open(io.BytesIO(container.data), formats=[kind]) as image:
                return (image.height, image.width) if orientation >= 5 else image.size
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
            pass  # the reader says what is wrong with it
    picture = read_picture(path)
    return picture.width, picture.height
