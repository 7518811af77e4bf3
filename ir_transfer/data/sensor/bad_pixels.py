"""Detectors that do not answer, and what a camera puts in their place."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]

_NEIGHBOURS = [(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1) if (y, x) != (0, 0)]


class Defects:
    """The bad pixels of a sensor.

    Args:
        dead: (H, W): reads 0.
        hot: (H, W): reads 1.
        replace: Whether the camera hides them behind the mean of the good ones among their eight neighbours. A pixel
            without a good neighbour stays bad.
    """

    def __init__(self, dead: Mask, hot: Mask, *, replace: bool) -> None:
        self._dead, self._hot = np.nonzero(dead), np.nonzero(hot)
        self._replace = replace
        bad = dead | hot
        rows, columns = np.nonzero(bad)
        near = np.array(_NEIGHBOURS).T[:, :, None] + np.stack([rows, columns])[:, None]  # (2, 8, bad)
        inside = (near >= 0).all(0) & (near[0] < bad.shape[0]) & (near[1] < bad.shape[1])
        self._near = (np.clip(near[0], 0, bad.shape[0] - 1), np.clip(near[1], 0, bad.shape[1] - 1))
        weight = (inside & ~bad[self._near]).astype(np.float32)
        total = weight.sum(0)
        can = total > 0
        self._near = (self._near[0][:, can], self._near[1][:, can])
        self._weight = weight[:, can] / total[can]
        self._bad = (rows[can], columns[can])

    def apply(self, seen: Floats) -> Floats:
        """Return what the camera reads of an intensity (H, W)."""
        read = seen.copy()
        read[self._dead], read[self._hot] = 0, 1
        if self._replace:
            read[self._bad] = (seen[self._near] * self._weight).sum(0)
        return read
