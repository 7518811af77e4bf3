"""Textures: smooth noise over an image, and noise that lies on the ground."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Floats = NDArray[np.float32]

_TILE = 512  # side of the texture that is laid on the ground again and again


def smooth_noise(
    random: np.random.Generator, shape: tuple[int, ...], cell: float, octaves: int = 1, *, periodic: bool = False
) -> Floats:
    """Return smooth noise (H, W) of about unit spread with structures of ``cell`` pixels."""
    total = np.zeros(shape[:2], np.float32)
    for octave in range(octaves):
        size = max(cell / 2**octave, 1.0)
        grid = random.normal(0, 1, [int(side / size) + (0 if periodic else 3) for side in shape[:2]])
        copies = 3 if periodic else 1  # the middle one of three continues itself at its edges
        image = Image.fromarray(np.tile(grid.astype(np.float32), (copies, copies)))
        image = image.resize((shape[1] * copies, shape[0] * copies), Image.Resampling.BICUBIC)
        top, left = ((copies // 2) * side for side in shape[:2])
        total += np.asarray(image)[top : top + shape[0], left : left + shape[1]] / 2**octave
    return np.asarray(total * 1.3, dtype=np.float32)


def ground_noise(random: np.random.Generator, x: Floats, z: Floats) -> Floats:
    """Return noise of the ground at x and z in metres, of any shape: patches of metres, grain of decimetres."""
    tile = smooth_noise(random, (_TILE, _TILE), 8, 2, periodic=True)

    def sample(scale: float) -> Floats:
        columns, rows = (np.floor(v * scale).astype(np.int64) % _TILE for v in (x, np.minimum(z, 1e4)))
        return np.asarray(tile[rows, columns], dtype=np.float32)

    fade = np.exp(-z / 25)
    return np.asarray(0.7 * sample(2.5) * np.exp(-z / 90) + 0.9 * sample(11) * fade, dtype=np.float32)
