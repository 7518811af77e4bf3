"""Finds near-duplicate images, such as neighbouring frames of a video."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Floats = NDArray[np.float32]

SIDE = 24
ALIKE = 0.75
"""Least correlation of the fingerprints, on both sides of the pairs, of near-duplicates.

Neighbouring frames of a rendered video have 0.9, and no two of 145 registered road scenes have 0.8.
"""
_BLOCK = 1024


def fingerprint(gray: Floats) -> Floats:
    """Return the coarse structure of an image (H, W) without its low frequencies, as a vector (576,) of unit length.

    An image without structure (constant) gives zeros, which match nothing.
    """
    image = Image.fromarray(np.ascontiguousarray(gray, dtype=np.float32))
    small = np.asarray(image.resize((SIDE, SIDE), Image.Resampling.BOX), dtype=np.float32)
    wide = np.asarray(image.resize((SIDE // 6, SIDE // 6), Image.Resampling.BOX).resize((SIDE, SIDE)), np.float32)
    structure = (small - wide).ravel()
    length = float(np.linalg.norm(structure))
    return structure / np.float32(length) if length > 1e-3 * SIDE else np.zeros(SIDE * SIDE, np.float32)


def find_look_alikes(rgb: Floats, ir: Floats, alike: float = ALIKE) -> Iterator[tuple[int, int]]:
    """Yield the indices i < j of near-duplicates.

    Args:
        rgb: Fingerprints of the RGB images (N, D).
        ir: Fingerprints of the infrared images (N, D), in the same order.
        alike: Least correlation on both sides of the pairs.
    """
    for start in range(0, len(rgb), _BLOCK):
        rows = slice(start, start + _BLOCK)
        # only against later ones, so that each pair is compared once
        both = np.minimum(rgb[rows] @ rgb[start:].T, ir[rows] @ ir[start:].T)
        for i, j in np.argwhere(both >= alike):
            if i < j:
                yield start + int(i), start + int(j)
