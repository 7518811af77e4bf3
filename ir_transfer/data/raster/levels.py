"""From a raster's numbers to [0, 1]: one range for the whole raster, never one for each window."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ir_transfer.errors import InputError

PERCENTILES = (2.0, 98.0)
"""Ends of the range that ``"percentile"`` stands for, over all chosen bands together, so that colours stay."""

Asked = tuple[float, float] | Literal["percentile"] | None


@dataclass(frozen=True)
class Levels:
    """A range of numbers: ``lo`` becomes 0 and ``hi`` becomes 1; what lies beyond is clipped.

    Attributes:
        lo: The number that is black.
        hi: The number that is white.
    """

    lo: float
    hi: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.lo) and math.isfinite(self.hi) and self.lo < self.hi):
            raise InputError(f"expected levels LO < HI, got {self.lo:g} and {self.hi:g}: name the numbers of the file")

    def unit(self, values: NDArray[Any]) -> NDArray[np.float32]:
        """Return numbers of any shape as float32 in [0, 1]; what is no number stays none."""
        found: NDArray[np.float32] = values.astype(np.float32)
        found -= np.float32(self.lo)
        found /= np.float32(self.hi - self.lo)
        return np.clip(found, 0, 1, out=found)

    def holds(self, value: float) -> bool:
        """Return whether a number lies in the range."""
        return self.lo <= value <= self.hi


def percentile_levels(values: NDArray[Any]) -> Levels:
    """Return the range of :data:`PERCENTILES` of the valid numbers (n,) of a raster.

    Raises:
        InputError: There are none, or all are alike.
    """
    if not values.size:
        raise InputError("expected valid pixels to take percentiles of, got none: name the range with --levels LO,HI")
    lo, hi = (float(value) for value in np.percentile(values.astype(np.float64), PERCENTILES))
    if lo == hi:
        lo, hi = float(values.min()), float(values.max())
    if lo == hi:
        raise InputError(f"expected pixels that differ, got {lo:g} everywhere: name the range with --levels LO,HI")
    return Levels(lo, hi)
