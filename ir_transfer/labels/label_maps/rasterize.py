"""Rasterising polygons and COCO run lengths (RLE) to masks."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ir_transfer.errors import InputError

Mask = NDArray[np.bool_]

_MAX_BITS = 60  # of one number; a text of continuation bits alone would grow it without limit


def polygon_mask(corners: Sequence[float], height: int, width: int) -> Mask:
    """Return the mask (height, width) of the pixels whose centres are inside a polygon.

    Args:
        corners: x, y, x, y ... in pixels: 0 is the left or upper edge of the image, ``width`` its right edge.
        height: Height of the image in pixels.
        width: Width of the image in pixels.

    Raises:
        InputError: Fewer than three corners, an odd count, or a number that is not finite.
    """
    from skimage.draw import polygon

    points = np.asarray(corners, np.float64)
    if points.ndim != 1 or len(points) % 2 or len(points) < 6 or not np.isfinite(points).all():
        raise InputError(f"expected a polygon of at least three corners x, y, got {len(points)} numbers")
    inside = np.zeros((height, width), bool)
    inside[polygon(points[1::2] - 0.5, points[0::2] - 0.5, inside.shape)] = True
    return inside


def rle_mask(counts: Sequence[int] | str, height: int, width: int) -> Mask:
    """Return the mask (height, width) of COCO run lengths: background and object alternate, in column-major order.

    Args:
        counts: Run lengths, or their compressed text: 5 bits per character from code 48, least significant first, the
            sixth bit marks a continuation; from the fourth number on, differences to the number two before.
        height: Height of the mask in pixels.
        width: Width of the mask in pixels.

    Raises:
        InputError: The run lengths do not add up to the size of the mask.
    """
    runs = check_rle(counts, height, width)
    flags = np.arange(len(runs)) % 2 == 1
    return np.repeat(flags, runs).reshape(width, height).T


def check_rle(counts: Sequence[int] | str, height: int, width: int) -> NDArray[np.int64]:
    """Return run lengths as int64 (N,) without allocating the mask; see :func:`rle_mask`.

    Raises:
        InputError: The run lengths do not add up to the size of the mask.
    """
    try:
        runs = np.asarray(_decompress(counts) if isinstance(counts, str) else counts, np.int64)
    except (OverflowError, TypeError, ValueError) as error:  # also InputError
        raise InputError(f"expected run lengths that fill {width} x {height} pixels, got: {error}") from error
    # Each is checked before the sum, which could overflow.
    if runs.ndim != 1 or ((runs < 0) | (runs > height * width)).any() or runs.sum() != height * width:
        raise InputError(f"expected run lengths that fill {width} x {height} pixels, got {int(runs.sum())} pixels")
    return runs


def _decompress(text: str) -> list[int]:
    runs: list[int] = []
    value = shift = 0
    for character in text:
        bits = ord(character) - 48
        if not 0 <= bits < 64 or shift > _MAX_BITS:
            raise InputError(f"expected compressed run lengths, got {character!r} in them")
        value |= (bits & 0x1F) << shift
        shift += 5
        if bits & 0x20:
            continue
        if bits & 0x10:
            value -= 1 << shift
        runs.append(value + (runs[-2] if len(runs) > 2 else 0))
        value = shift = 0
    return runs
