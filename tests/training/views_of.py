"""RGB images whose pixels determine their class labels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ir_transfer.labels.soft_labels import SoftLabels

Bytes = NDArray[np.uint8]


def painted(height: int = 96, width: int = 128, seed: int = 0) -> tuple[Bytes, Bytes, SoftLabels]:
    """Return an RGB image, its infrared image and its labels of blocks of 16 pixels: class n has red level 20 n."""
    random = np.random.default_rng(seed)
    classes = random.integers(0, 11, (height // 16, width // 16))
    full = classes.repeat(16, 0).repeat(16, 1)
    photograph = np.stack([20 * full, np.full_like(full, 90), 255 - 20 * full], axis=2).astype(np.uint8)
    labels = np.zeros((height // 4, width // 4, 4), np.uint8)
    labels[..., 0], labels[..., 1] = classes.repeat(4, 0).repeat(4, 1), 255
    labels[..., 2] = (labels[..., 0] + 1) % 11
    return photograph, (10 + 20 * full).astype(np.uint8), labels
