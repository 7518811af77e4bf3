"""Noise that is new in every frame."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ir_transfer.sensor.model import Temporal

Floats = NDArray[np.float32]


def add_temporal(seen: Floats, temporal: Temporal, random: np.random.Generator) -> Floats:
    """Return an intensity (H, W) with the noise of one frame: of pixels, whole rows and whole columns.

    Shot noise is Gaussian, of the variance that Poisson's has, which holds above some ten electrons.

    Args:
        seen: (H, W), as a share of the range.
        temporal: How much.
        random: Of this frame.
    """
    height, width = seen.shape
    noisy: Floats = seen
    if temporal.full_well_electrons:
        variance = np.maximum(seen, 0) * np.float32(1 / temporal.full_well_electrons) + np.float32(temporal.sigma**2)
        noisy = noisy + np.sqrt(variance) * random.standard_normal(seen.shape, dtype=np.float32)
    elif temporal.sigma:
        noisy = noisy + np.float32(temporal.sigma) * random.standard_normal(seen.shape, dtype=np.float32)
    if temporal.row:
        noisy = noisy + np.float32(temporal.row) * random.standard_normal((height, 1), dtype=np.float32)
    if temporal.column:
        noisy = noisy + np.float32(temporal.column) * random.standard_normal((1, width), dtype=np.float32)
    return noisy
