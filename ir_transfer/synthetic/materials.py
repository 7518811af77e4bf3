"""Materials of surfaces (reflectance, emissivity, thermal storage), and noise for their textures."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Floats = NDArray[np.float32]

_TILE = 512  # side in pixels of the texture that tiles the ground


@dataclass(frozen=True)
class Material:
    """Optical and thermal properties of a material.

    Attributes:
        reflectance: Reflectance in red, green, blue and near infrared (0.8 um), in [0, 1].
        emissivity: Emissivity in the long-wave band (8 to 14 um); the remainder is reflected radiance.
        heating: Kelvin above the air of a black surface of the material in full perpendicular sun.
        storage: Share of the heat of the day that is left at night; at 0 it cools below the air under a clear sky.
        texture: Relative standard deviation of its reflectance over small areas.
    """

    reflectance: tuple[float, float, float, float]
    emissivity: float
    heating: float
    storage: float
    texture: float = 0.06

    @property
    def absorptance(self) -> float:
        """Absorbed share of the power of the sun, half of which is infrared."""
        red, green, blue, nir = self.reflectance
        return 1 - ((red + green + blue) / 3 + nir) / 2


# Rounded values of spectral libraries. The near-infrared image is dominated by the high reflectance of leaves, the
# long-wave image by the heat that asphalt stores and leaves do not.
MATERIALS: dict[str, Material] = {
    "asphalt": Material((0.11, 0.11, 0.12, 0.14), 0.95, 18, 0.40, 0.10),
    "marking": Material((0.72, 0.72, 0.68, 0.74), 0.94, 18, 0.36, 0.08),
    "pavement": Material((0.36, 0.35, 0.33, 0.42), 0.94, 17, 0.34, 0.08),
    "grass": Material((0.10, 0.17, 0.06, 0.48), 0.98, 8, 0.04, 0.16),
    "soil": Material((0.27, 0.20, 0.14, 0.34), 0.94, 16, 0.12, 0.14),
    "leaves": Material((0.08, 0.14, 0.05, 0.52), 0.97, 5, 0.05, 0.20),
    "bark": Material((0.20, 0.15, 0.11, 0.36), 0.96, 9, 0.15, 0.14),
    "brick": Material((0.38, 0.21, 0.16, 0.46), 0.93, 16, 0.34, 0.08),
    "plaster": Material((0.62, 0.58, 0.50, 0.66), 0.92, 15, 0.28, 0.04),
    "concrete": Material((0.42, 0.42, 0.41, 0.46), 0.93, 16, 0.34, 0.05),
    "roof": Material((0.26, 0.18, 0.16, 0.38), 0.92, 18, 0.15, 0.10),
    "glass": Material((0.10, 0.12, 0.14, 0.10), 0.80, 6, 0.10, 0.02),
    "paint": Material((0.50, 0.50, 0.50, 0.55), 0.88, 15, 0.00, 0.02),
    "rubber": Material((0.05, 0.05, 0.05, 0.06), 0.95, 14, 0.10, 0.04),
    "plastic": Material((0.08, 0.08, 0.09, 0.10), 0.93, 12, 0.05, 0.04),
    "steel": Material((0.35, 0.36, 0.37, 0.42), 0.60, 12, 0.05, 0.03),
    "lamp": Material((0.85, 0.85, 0.80, 0.80), 0.85, 8, 0.00, 0.00),
    "skin": Material((0.55, 0.38, 0.30, 0.60), 0.98, 2, 0.00, 0.02),
    "hair": Material((0.10, 0.08, 0.07, 0.25), 0.96, 6, 0.00, 0.05),
    "cloth": Material((0.40, 0.40, 0.40, 0.50), 0.95, 6, 0.00, 0.05),  # dyes are transparent in the near infrared
}


def smooth_noise(
    random: np.random.Generator, shape: tuple[int, ...], cell: float, octaves: int = 1, *, periodic: bool = False
) -> Floats:
    """Return smooth noise float32 (H, W) of about unit standard deviation, with structures of ``cell`` pixels."""
    total = np.zeros(shape[:2], np.float32)
    for octave in range(octaves):
        size = max(cell / 2**octave, 1.0)
        grid = random.normal(0, 1, [int(side / size) + (0 if periodic else 3) for side in shape[:2]])
        copies = 3 if periodic else 1  # the middle of three copies is continuous at its edges
        image = Image.fromarray(np.tile(grid.astype(np.float32), (copies, copies)))
        image = image.resize((shape[1] * copies, shape[0] * copies), Image.Resampling.BICUBIC)
        top, left = ((copies // 2) * side for side in shape[:2])
        total += np.asarray(image)[top : top + shape[0], left : left + shape[1]] / 2**octave
    return np.asarray(total * 1.3, dtype=np.float32)


def ground_noise(random: np.random.Generator, x: Floats, z: Floats) -> Floats:
    """Return noise at ground points x, z in metres (any shape): patches of metres, grain of decimetres."""
    tile = smooth_noise(random, (_TILE, _TILE), 8, 2, periodic=True)

    def sample(scale: float) -> Floats:
        columns, rows = (np.floor(v * scale).astype(np.int64) % _TILE for v in (x, np.minimum(z, 1e4)))
        return np.asarray(tile[rows, columns], dtype=np.float32)

    fade = np.exp(-z / 25)
    return np.asarray(0.7 * sample(2.5) * np.exp(-z / 90) + 0.9 * sample(11) * fade, dtype=np.float32)
