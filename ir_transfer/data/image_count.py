"""How many images a file holds, from its header."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from ir_transfer.data.image_decode import file_kind
from ir_transfer.data.pixels.containers import open_jpeg, open_png
from ir_transfer.data.pixels.tiff import open_page

_HEAD = 64


def count_images(path: str) -> int:
    """Return the number of pages, frames or views in a file; 1 for one that cannot be read, which is an error later."""
    page = open_page(path, None)
    if page is not None:
        return page.count
    try:
        with Path(path).open("rb") as file:
            kind = file_kind(file.read(_HEAD))
        if kind == "PNG":
            return open_png(Path(path).read_bytes()).images
        if kind == "JPEG":
            return open_jpeg(Path(path).read_bytes()).images
        if kind in {"WEBP", "AVIF"}:
            with Image.open(path, formats=[kind]) as image:
                return int(getattr(image, "n_frames", 1))
    except (OSError, SyntaxError, ValueError):
        return 1
    return 1
