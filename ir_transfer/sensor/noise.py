"""Sensor noise drawn by seed, and the read-out: bad pixels and the analogue-to-digital converter (ADC)."""

import hashlib
import operator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, SupportsIndex

import numpy as np
from numpy.typing import NDArray

from ir_transfer.errors import InputError
from ir_transfer.sensor.model import Adc, BadPixels, Drift, Fixed, Temporal

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


Purpose = Literal["fixed", "drift", "bad pixels", "temporal"]

_SHADING_WAVES = 4  # cosines along each axis, up to one and a half periods over the frame


@dataclass(frozen=True, eq=False)
class Pattern:
    """Fixed-pattern noise of one sensor: intensity * gain + offset.

    Attributes:
        gain: (H, W), or None for 1.
        offset: (H, W), as a share of the range.
    """

    gain: Floats | None
    offset: Floats

    def add(self, seen: Floats) -> Floats:
        """Return an intensity (H, W) with the pattern applied."""
        return seen + self.offset if self.gain is None else seen * self.gain + self.offset


@lru_cache(maxsize=2)
def draw_pattern(fixed: Fixed, height: int, width: int, seed: int) -> Pattern:
    """Draw the fixed pattern of a sensor; the same values give the same pattern."""
    random = generator(seed, "fixed")
    offset = _normal(random, height, width) * np.float32(fixed.offset)
    spread = _normal(random, height, width) * np.float32(fixed.gain)
    offset += _normal(random, height, 1) * np.float32(fixed.row)
    offset += _normal(random, 1, width) * np.float32(fixed.column)
    offset += _shading(random, height, width) * np.float32(fixed.shading)
    return Pattern(1 + spread if fixed.gain else None, offset)


@lru_cache(maxsize=2)
def draw_drift(height: int, width: int, seed: int) -> Floats:
    """Draw the drift pattern (H, W) of a sensor, of unit standard deviation."""
    return _normal(generator(seed, "drift"), height, width)


def drift_phase(drift: Drift, number: int) -> float:
    """Return the phase of a frame between two shutter closings, in [0, 1)."""
    return (number % drift.shutter_frames) / drift.shutter_frames


@lru_cache(maxsize=2)
def draw_bad_pixels(bad: BadPixels, height: int, width: int, seed: int) -> tuple[Places, Places]:
    """Draw rows and columns (2, N) of dead and hot pixels; their counts are exact to one pixel."""
    size = height * width
    dead, hot = round(bad.dead * size), round(bad.hot * size)
    places = np.stack(divmod(generator(seed, "bad pixels").choice(size, dead + hot, replace=False), width))
    return places[:, :dead], places[:, dead:]


def _normal(random: np.random.Generator, height: int, width: int) -> Floats:
    return random.standard_normal((height, width), dtype=np.float32)


def _shading(random: np.random.Generator, height: int, width: int) -> Floats:
    """Slow cosines with random amplitudes, of zero mean and unit standard deviation."""
    amplitudes = random.standard_normal((_SHADING_WAVES, _SHADING_WAVES))
    amplitudes[0, 0] = 0
    down, across = (
        np.cos(np.pi * np.arange(_SHADING_WAVES)[:, None] * (np.arange(side) + 0.5) / side) for side in (height, width)
    )
    field = down.T @ amplitudes @ across
    return np.asarray(field / field.std(), dtype=np.float32)


def add_temporal(seen: Floats, temporal: Temporal, random: np.random.Generator) -> Floats:
    """Return an intensity (H, W) with the noise of one frame: of pixels, rows and columns.

    Shot noise is Gaussian with the variance of a Poisson distribution, which is accurate above about ten electrons.

    Args:
        seen: Intensity (H, W), as a share of the range.
        temporal: Parameters of the noise.
        random: Generator of this frame.
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


def frame_number(frame: SupportsIndex | str) -> int:
    """Return the number of a frame; for a key, such as the name of an image, its 64-bit hash.

    Raises:
        InputError: A negative number.
    """
    if isinstance(frame, str):
        # A file name may hold bytes that are not UTF-8.
        digest = hashlib.blake2b(frame.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        return int.from_bytes(digest, "little")
    number = operator.index(frame)
    if number < 0:
        raise InputError(f"expected a frame number of at least 0, got {number}")
    return number


def generator(seed: int, purpose: Purpose, number: int = 0) -> np.random.Generator:
    """Return the random generator for one purpose and frame, the same on all machines with the same release of NumPy.

    SFC64, seeded by a hash, so that the streams of neighbouring seeds and frames are independent.
    """
    digest = hashlib.blake2b(f"{seed}/{purpose}/{number}".encode(), digest_size=32).digest()
    return np.random.Generator(np.random.SFC64(np.random.SeedSequence(int.from_bytes(digest, "little"))))
