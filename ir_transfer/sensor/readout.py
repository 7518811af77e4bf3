"""Read-out of a sensor: bad pixels and their replacement, and the analogue-to-digital converter (ADC)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ir_transfer.sensor.model import Adc

Floats = NDArray[np.float32]
Places = NDArray[np.int64]

_NEIGHBOURS = [(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1) if (y, x) != (0, 0)]


class Defects:
    """The bad pixels of a sensor.

    Args:
        dead: Rows and columns (2, N) of pixels that read 0; positions outside of the sensor are ignored.
        hot: Rows and columns (2, N) of pixels that read 1.
        height: Rows of the sensor.
        width: Columns of the sensor.
        replace: Whether the camera replaces them by the mean of their good neighbours among eight. A pixel without a
            good neighbour stays bad.
    """

    def __init__(self, dead: Places, hot: Places, height: int, width: int, *, replace: bool) -> None:
        dead, hot = (places[:, _inside(places, height, width)] for places in (dead, hot))
        self._dead, self._hot = tuple(dead), tuple(hot)
        self._replace = replace
        bad = np.concatenate([dead, hot], axis=1)
        good = np.ones((height, width), np.bool_)
        good[tuple(bad)] = False
        near = bad[:, None] + np.array(_NEIGHBOURS).T[:, :, None]  # (2, 8, N)
        inside = _inside(near, height, width)
        near *= inside
        weight = (inside & good[tuple(near)]).astype(np.float32)
        total = weight.sum(0)
        can = total > 0
        self._near = tuple(near[:, :, can])
        self._weight = weight[:, can] / total[can]
        self._bad = tuple(bad[:, can])

    def apply(self, seen: Floats) -> Floats:
        """Return an intensity (H, W) with the bad pixels, replaced if the camera does so."""
        read = seen.copy()
        read[self._dead], read[self._hot] = 0, 1
        if self._replace:
            read[self._bad] = (seen[self._near] * self._weight).sum(0)
        return read


def _inside(places: Places, height: int, width: int) -> NDArray[np.bool_]:
    return np.asarray((places[0] >= 0) & (places[0] < height) & (places[1] >= 0) & (places[1] < width))


def quantise(seen: Floats, adc: Adc | None) -> Floats:
    """Return intensities quantised to the levels of an ADC, in [0, 1]; they saturate outside of its range.

    Args:
        seen: Intensities of any shape.
        adc: The converter; if None, intensities are only clipped to [0, 1].
    """
    if adc is None:
        return np.clip(seen, 0, 1)
    step = (adc.high - adc.low) / (2**adc.bits - 1)
    levels = np.clip(seen, adc.low, adc.high)
    levels -= np.float32(adc.low)
    levels *= np.float32(1 / step)
    np.rint(levels, out=levels)
    levels *= np.float32(step)
    levels += np.float32(adc.low)
    return np.minimum(levels, np.float32(adc.high), out=levels)
