"""A small thermal scene in the formats that cameras save."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from ir_transfer.imaging.exemplars.palette import known_palettes

Levels = NDArray[np.uint8]


def scene(height: int = 96, width: int = 128) -> Levels:
    """Warm ground with hot spots and noise, as 8 bits (h, w) from about 59 to 244."""
    random = np.random.default_rng(4)
    y, x = np.mgrid[0:height, 0:width] / height
    heat = 0.26 + 0.2 * y
    for cy, cx, size in ((0.25, 0.3, 0.02), (0.6, 0.6, 0.008), (0.85, 0.1, 0.005), (0.2, 1.0, 0.015)):
        heat = np.maximum(heat, 0.92 * np.exp(-((y - cy) ** 2 + (x - cx) ** 2) / size))
    noisy = heat + random.normal(0, 0.01, heat.shape)
    levels: Levels = (np.clip(noisy, 0.23, 0.957) * 255).astype(np.uint8)
    return levels


def in_palette(levels: Levels, name: str) -> Levels:
    """Return levels (h, w) in a known palette, (h, w, 3)."""
    curve = next(one.curve for one in known_palettes() if one.name == name)
    shown: Levels = (curve[levels.astype(int) * (len(curve) - 1) // 255] * 255 + 0.5).astype(np.uint8)
    return shown


def with_scale_and_text(levels: Levels) -> tuple[Levels, NDArray[np.bool_]]:
    """Return levels with a burnt-in scale and text, and their mask."""
    image = Image.fromarray(levels)
    draw = ImageDraw.Draw(image)
    draw.text((34, 80), "e=0.95", fill=255)
    drawn = np.asarray(image).copy()
    drawn[8:88, 116:123] = np.linspace(255, 0, 80).astype(np.uint8)[:, None]
    return drawn, drawn != levels


def correlation(a: NDArray[np.float32], b: Levels) -> float:
    """Return the correlation of two images (h, w)."""
    return float(np.corrcoef(a.ravel(), b.ravel())[0, 1])
