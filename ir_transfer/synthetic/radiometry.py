"""Temperature and radiance of surfaces, and camera models that turn radiance into images."""

import numpy as np
from numpy.typing import NDArray

from ir_transfer.synthetic.materials import Material
from ir_transfer.synthetic.scene import Weather

Floats = NDArray[np.float32]

SAMPLES = 2
"""Sub-pixels per pixel along each axis."""


def temperature(
    material: Material, weather: Weather, absorbed: float, sunlit: float, skylit: float, facing_up: float
) -> float:
    """Return the temperature (K) of a surface without an internal heat source."""
    if weather.night:
        stored = 0.55 * material.heating * material.storage * (0.5 + 0.5 * weather.clear)
        lost = 7.0 * weather.clear * facing_up * (1 - material.storage) * material.emissivity
        return weather.air + stored - lost
    gained = material.heating * absorbed * (weather.sunshine * sunlit + 0.35 * weather.skylight * skylit)
    lost = 2.0 * weather.clear * facing_up * (1 - min(sunlit * weather.sunshine * 2, 1)) * material.emissivity
    return weather.air + gained - lost


def radiance(kelvin: Floats | np.float32) -> Floats:
    """Return the radiance of a black body between 8 and 14 um, as a power law of temperature: any shape, 1 at 300 K."""
    return np.asarray((kelvin / 300.0) ** 4.7, dtype=np.float32)


def downsample(image: Floats) -> Floats:
    """Return the means of :data:`SAMPLES` x :data:`SAMPLES` sub-pixels of (H, W) or (H, W, 3)."""
    height, width = image.shape[0] // SAMPLES, image.shape[1] // SAMPLES
    blocks = image.reshape(height, SAMPLES, width, SAMPLES, *image.shape[2:])
    return np.asarray(blocks.mean(axis=(1, 3)), dtype=np.float32)


def blur(image: Floats, sigma: float) -> Floats:
    """Blur the first two axes of (H, W) or (H, W, 3) with a Gaussian whose sigma is at most one pixel."""
    side = float(np.exp(-0.5 / sigma**2))
    for axis in (0, 1):
        pad = [(1, 1) if a == axis else (0, 0) for a in range(image.ndim)]
        wide, size = np.pad(image, pad, mode="edge"), image.shape[axis]
        before, here, after = (np.take(wide, range(k, k + size), axis) for k in range(3))
        image = np.asarray((here + side * (before + after)) / (1 + 2 * side), dtype=np.float32)
    return image


def rgb_camera(light: Floats, weather: Weather, random: np.random.Generator) -> Floats:
    """Return the sRGB image (H, W, 3) in [0, 1] of a camera with automatic exposure, glare and noise."""
    glare = light
    for _ in range(6):
        glare = blur(glare, 1.0)
    light = 0.88 * blur(light, 0.45) + 0.12 * glare
    white = np.percentile(light, 96) * (1.15 if not weather.night else 2.2)
    exposed = light / max(float(white), 0.05)
    noise = 0.012 if weather.night else 0.004
    exposed = exposed + random.normal(0, noise, exposed.shape) * np.sqrt(np.clip(exposed, 0.02, 1))
    linear = np.clip(exposed, 0, 1)
    srgb = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * np.maximum(linear, 1e-6) ** (1 / 2.4) - 0.055)
    return np.asarray(np.clip(srgb, 0, 1), dtype=np.float32)


def nir_camera(light: Floats, random: np.random.Generator, noise: float) -> Floats:
    """Return the image (H, W) in [0, 1] of a near-infrared camera with automatic exposure."""
    exposed = light / max(float(np.percentile(light, 97)) * 1.1, 0.03)
    exposed = exposed + random.normal(0, noise, exposed.shape)
    return np.asarray(np.clip(exposed, 0, 1) ** (1 / 1.8), dtype=np.float32)


def lwir_camera(heat: Floats) -> Floats:
    """Return the image (H, W) in [0, 1] of a thermal camera whose gain control maps two percentiles to the range.

    A clear sky is mostly below the lower percentile and therefore black.
    """
    low, high = np.percentile(heat, [10, 99.85])
    return np.asarray(np.clip(0.03 + 0.94 * (heat - low) / max(float(high - low), 1e-4), 0, 1), dtype=np.float32)
