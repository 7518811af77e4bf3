"""Small rendered pair sets: warm blobs on a scene with a known relation of RGB to infrared."""

from pathlib import Path

import numpy as np
from PIL import Image


def render_pairs(root: Path, count: int, size: tuple[int, int] = (72, 96), seed: int = 0) -> Path:
    """Write ``count`` pairs below ``root`` and return it."""
    random = np.random.default_rng(seed)
    for side in ("rgb", "ir"):
        (root / side).mkdir(parents=True, exist_ok=True)
    height, width = size
    rows, columns = np.mgrid[:height, :width]
    for index in range(count):
        horizon = int(random.integers(height // 4, height // 2))
        rgb = np.where(rows[..., None] < horizon, [0.55, 0.7, 0.9], [0.35, 0.33, 0.3])
        ir = np.where(rows < horizon, 0.1, 0.45)
        for _ in range(4):
            y, x, radius = random.integers(0, height), random.integers(0, width), random.integers(3, 9)
            blob = (rows - y) ** 2 + (columns - x) ** 2 < radius**2
            colour = random.random(3)
            rgb[blob] = colour
            ir[blob] = 0.9 if colour[0] > colour[1] else 0.3
        rgb = rgb + random.normal(0, 0.02, rgb.shape)
        Image.fromarray((rgb.clip(0, 1) * 255).astype(np.uint8)).save(root / "rgb" / f"scene_{index}.png")
        Image.fromarray((ir * 255).astype(np.uint8)).save(root / "ir" / f"scene_{index}.png")
    return root
