"""Copies of RGB images and results that every browser can decode: full size as JPEG, and thumbnails."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ir_transfer.imaging.image_io import read_image, write_whole

THUMBNAIL = 320
"""Longer side of a thumbnail in pixels."""

_JPEG_QUALITY = 90


def rgb_image(path: Path) -> Image.Image:
    """Return an RGB image in upright orientation and 8 bits, decoded as for a conversion.

    Raises:
        DecodeError: It cannot be read.
    """
    return Image.fromarray(_eight_bits(read_image(path).rgb()))


def result_image(path: Path) -> Image.Image:
    """Return a result, gray in 8 bits."""
    return Image.fromarray(_eight_bits(read_image(path).gray())[..., 0])


def thumbnail(image: Image.Image) -> Image.Image:
    """Return the image reduced to at most :data:`THUMBNAIL` pixels a side."""
    small = image.copy()
    small.thumbnail((THUMBNAIL, THUMBNAIL), Image.Resampling.LANCZOS)
    return small


def before_and_after(rgb: Path, output: Path, folder: Path) -> tuple[str, str]:
    """Write full-size JPEG copies of an RGB image and its result for display, and return their paths.

    Args:
        rgb: The uploaded file.
        output: The infrared image.
        folder: Receives the copies.

    Raises:
        DecodeError: One of them cannot be read.
    """
    pair = folder / f"{output.name}-before.jpg", folder / f"{output.name}-after.jpg"
    for path, image in zip(pair, (rgb_image(rgb), result_image(output)), strict=True):
        _write_jpeg(image, path)
    return str(pair[0]), str(pair[1])


def _write_jpeg(image: Image.Image, path: Path) -> None:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=_JPEG_QUALITY, subsampling=0)
    write_whole(path, file.getvalue())


def _eight_bits(unit: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return intensities (C, H, W) in [0, 1] as levels (H, W, C)."""
    levels: NDArray[np.uint8] = (np.clip(unit, 0, 1) * 255 + 0.5).astype(np.uint8).transpose(1, 2, 0)
    return levels
