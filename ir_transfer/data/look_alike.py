"""Finding images that show nearly the same, such as neighbouring frames of a video."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Floats = NDArray[np.float32]

SIDE = 24
ALIKE = 0.75
"""Correlation of two fingerprints, on both sides of the pair, from which images count as nearly the same.

Neighbours of a rendered video have 0.9, and of 145 registered road scenes no two have 0.8.
"""
_BLOCK = 1024


def fingerprint(gray: Floats) -> Floats:
    """Return what is compared of an image (H, W): its coarse structure without the overall light, of unit length.

    An image without structure (black, constant) gives zeros, which are like nothing.
    """
    image = Image.fromarray(np.ascontiguousarray(gray, dtype=np.float32))
    small = np.asarray(image.resize((SIDE, SIDE), Image.Resampling.BOX), dtype=np.float32)
    wide = np.asarray(image.resize((SIDE // 6, SIDE // 6), Image.Resampling.BOX).resize((SIDE, SIDE)), np.float32)
    structure = (small - wide).ravel()
    length = float(np.linalg.norm(structure))
    return structure / np.float32(length) if length > 1e-3 * SIDE else np.zeros(SIDE * SIDE, np.float32)


def find_look_alikes(rgb: Floats, ir: Floats, alike: float = ALIKE) -> Iterator[tuple[int, int]]:
    """Yield the numbers i < j of images that are nearly the same.

    Args:
        rgb: Fingerprints of the RGB images (N, D).
        ir: Fingerprints of the infrared images (N, D), in the same order.
        alike: Least correlation on both sides.
    """
    for start in range(0, len(rgb), _BLOCK):
        rows = slice(start, start + _BLOCK)
        # the later ones only: each two are met once
        both = np.minimum(rgb[rows] @ rgb[start:].T, ir[rows] @ ir[start:].T)
        for i, j in np.argwhere(both >= alike):
            if i < j:
                yield start + int(i), start + int(j)
