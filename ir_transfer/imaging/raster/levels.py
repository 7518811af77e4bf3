"""Maps the numbers of a raster to [0, 1] by one range for the whole raster, not for each window."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ir_transfer.errors import InputError

PERCENTILES = (2.0, 98.0)
"""Ends of the range for ``"percentile"``, over all chosen bands together, which preserves colours."""

_COUNTERS = 2**16
_SIGN = 2**31

Asked = tuple[float, float] | Literal["percentile"] | None


@dataclass(frozen=True)
class Levels:
    """A range of numbers: ``lo`` maps to 0 and ``hi`` to 1; values outside are clipped.

    Attributes:
        lo: The number for black.
        hi: The number for white.
    """

    lo: float
    hi: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.lo) and math.isfinite(self.hi) and self.lo < self.hi):
            raise InputError(f"expected levels LO < HI, got {self.lo:g} and {self.hi:g}: use values of the file")

    def unit(self, values: NDArray[Any]) -> NDArray[np.float32]:
        """Return numbers of any shape as float32 in [0, 1]; NaN stays NaN."""
        found: NDArray[np.float32] = values.astype(np.float32)
        found -= np.float32(self.lo)
        found /= np.float32(self.hi - self.lo)
        return np.clip(found, 0, 1, out=found)

    def holds(self, value: float) -> bool:
        """Return whether a number is in the range."""
        return self.lo <= value <= self.hi


def percentile_levels(parts: Callable[[], Iterable[NDArray[Any]]], dtype: np.dtype[Any]) -> Levels:
    """Return the range of :data:`PERCENTILES` of all valid values of a file of any size.

    Percentiles are exact, with numpy's linear interpolation: numbers of at most 16 bits are counted in one pass, wider
    ones, as float32, in two.

    Args:
        parts: Yields the valid numbers in arrays of any shape, the same at every call.
        dtype: Type of the numbers.

    Raises:
        InputError: There are none, or all are equal.
    """
    counts = _counted(parts(), dtype)
    total = int(counts.sum())
    if not total:
        raise InputError("expected valid pixels to compute percentiles, got none: set the range with --levels LO,HI")
    places = [percentile / 100 * (total - 1) for percentile in PERCENTILES]
    ranks = {0, total - 1} | {rank for place in places for rank in (math.floor(place), math.ceil(place))}
    numbers = _of_ranks(counts, sorted(ranks), parts, dtype)
    lo, hi = (
        numbers[math.floor(place)] + (numbers[math.ceil(place)] - numbers[math.floor(place)]) * (place % 1)
        for place in places
    )
    if lo == hi:
        lo, hi = numbers[0], numbers[total - 1]
    if lo == hi:
        raise InputError(f"expected pixels that differ, got {lo:g} everywhere: set the range with --levels LO,HI")
    return Levels(lo, hi)


def _counted(parts: Iterable[NDArray[Any]], dtype: np.dtype[Any]) -> NDArray[np.int64]:
    """Return how often each number of at most 16 bits occurs, or the upper half of each ordered key of wider ones."""
    counts = np.zeros(_COUNTERS, np.int64)
    for part in parts:
        keys = part.ravel().astype(np.int32) - np.iinfo(dtype).min if _is_narrow(dtype) else _keys(part) >> 16
        counts += np.bincount(keys, minlength=_COUNTERS)
    return counts


def _of_ranks(
    counts: NDArray[np.int64], ranks: Sequence[int], parts: Callable[[], Iterable[NDArray[Any]]], dtype: np.dtype[Any]
) -> dict[int, float]:
    """Return the numbers of these ranks in ascending order, from 0."""
    ends = np.cumsum(counts)
    places = {rank: int(np.searchsorted(ends, rank, side="right")) for rank in ranks}
    if _is_narrow(dtype):
        return {rank: float(place + np.iinfo(dtype).min) for rank, place in places.items()}
    lower = {place: np.zeros(_COUNTERS, np.int64) for place in places.values()}
    for part in parts():
        keys = _keys(part)
        upper = keys >> 16
        for place in lower:
            lower[place] += np.bincount(keys[upper == place] & 0xFFFF, minlength=_COUNTERS)
    found = {}
    for rank, place in places.items():
        inside = np.searchsorted(np.cumsum(lower[place]), rank - (ends[place] - counts[place]), side="right")
        found[rank] = _number(place << 16 | int(inside))
    return found


def _is_narrow(dtype: np.dtype[Any]) -> bool:
    return dtype.kind in "ui" and dtype.itemsize <= 2


def _keys(values: NDArray[Any]) -> NDArray[np.uint32]:
    """Return keys in the order of the numbers as float32: all bits inverted for negative numbers, else the sign bit."""
    bits = values.astype(np.float32).ravel().view(np.uint32)
    mask = (bits >> 31) * np.uint32(0x7FFFFFFF) | np.uint32(_SIGN)
    turned: NDArray[np.uint32] = np.bitwise_xor(bits, mask).astype(np.uint32)
    return turned


def _number(key: int) -> float:
    bits = key ^ _SIGN if key & _SIGN else ~key & 0xFFFFFFFF
    return float(np.array(bits, np.uint32).view(np.float32))
