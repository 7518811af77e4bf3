"""Maps the numbers of a style exemplar to [0, 1]: a narrow range in a wide type is found and stretched."""

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ir_transfer.errors import InputError
from ir_transfer.imaging.exemplars.report import RangeTaken, Unit

AskedRange = tuple[float, float] | Literal["auto", "percentile", "full"]
"""``--exemplar-range``: the numbers of the file for black and white, or how to find them."""

PERCENTILES = (1.0, 99.5)
"""Percentiles of the valid pixels that a stretch maps to :data:`WINDOW`."""
WINDOW = (0.14, 0.81)
"""Intensities of the two percentiles after a stretch, as in 8-bit images of cameras (in ten sets 0.01 to 0.25 and 0.57
to 1.00). The margins keep the coldest 1% and the hottest 0.5% from being clipped."""

_NARROW_SHARE = 1 / 8  # of the container; an 8-bit image of low contrast spans more
_NARROW_BITS = 14
_SLACK = 1e-4  # rounding errors of a writer of float images
_CENTIKELVIN = (23_300.0, 42_300.0)  # -40 to 150 degrees Celsius
_KELVIN = (200.0, 800.0)
_CELSIUS = (-60.0, 180.0)


def to_unit(
    values: NDArray[Any], white: float, asked: AskedRange, known: Unit | None = None, name: str = "exemplar"
) -> tuple[NDArray[np.float32], RangeTaken]:
    """Return numbers of an exemplar as intensities.

    Args:
        values: Finite numbers of any shape in the file's own type; only valid pixels.
        white: The value for 1.0 in the type of the file.
        asked: How to choose the range.
        known: Unit of the values, if the file declares it.
        name: Name of the file in errors.

    Returns:
        float32 of the same shape in [0, 1], and the range.

    Raises:
        InputError: No values, equal values only, or an empty range.
    """
    if not values.size:
        raise InputError(f"{name}: expected valid pixels, got none: check its mask, alpha and nodata value")
    taken = choose_range(values, white, asked, known, name)
    unit = (values.astype(np.float64) - taken.low) / (taken.high - taken.low)
    intensity: NDArray[np.float32] = np.clip(unit, 0, 1).astype(np.float32)
    return intensity, taken


def choose_range(
    values: NDArray[Any], white: float, asked: AskedRange, known: Unit | None = None, name: str = "exemplar"
) -> RangeTaken:
    """Return the range of an exemplar; the parameters are those of :func:`to_unit`.

    Raises:
        InputError: All values are equal, or the range is empty.
    """
    ends = np.percentile(values, PERCENTILES)
    unit, guessed = (known, False) if known is not None else _unit(values, white, ends)
    if isinstance(asked, tuple):
        if not (np.isfinite(asked).all() and asked[0] < asked[1]):
            raise InputError(f"expected --exemplar-range LO,HI with LO < HI, got {asked[0]:g},{asked[1]:g}")
        return RangeTaken(*asked, unit, guessed, stretched=True)
    container = _container(values, white, unit)
    fills = unit in {"8 bit", "16 bit", "unit", "palette"}
    if asked == "full" or (asked == "auto" and fills):
        if container[0] == container[1]:
            raise InputError(f"{name}: expected an exemplar with contrast, got {container[0]:g} everywhere")
        return RangeTaken(*container, unit, guessed, stretched=not fills)
    return _stretched(ends, unit, guessed, values, name)


def _stretched(ends: NDArray[np.float64], unit: Unit, guessed: bool, values: NDArray[Any], name: str) -> RangeTaken:
    cold, hot = float(ends[0]), float(ends[1])
    if cold == hot:
        cold, hot = float(values.min()), float(values.max())
    if cold == hot:
        raise InputError(f"{name}: expected an exemplar with contrast, got {cold:g} everywhere: use another image")
    gain = (hot - cold) / (WINDOW[1] - WINDOW[0])
    low = cold - WINDOW[0] * gain
    return RangeTaken(low, low + gain, unit, guessed, stretched=True)


def _container(values: NDArray[Any], white: float, unit: Unit) -> tuple[float, float]:
    """Return the range of the type; for measured values, their minimum and maximum."""
    if np.issubdtype(values.dtype, np.unsignedinteger) or unit in {"8 bit", "unit", "palette"}:
        return 0.0, 255.0 if unit == "8 bit" and white <= 1 else white
    return float(values.min()), float(values.max())


def _unit(values: NDArray[Any], white: float, ends: NDArray[np.float64]) -> tuple[Unit, bool]:
    """Return the unit of the values, and whether it is a guess."""
    cold, hot = float(ends[0]), float(ends[1])
    if values.dtype == np.uint8:
        return "8 bit", False
    if np.issubdtype(values.dtype, np.floating):
        low, high = float(values.min()), float(values.max())
        if low >= -_SLACK and high <= 1 + _SLACK:
            return "unit", False
        if low >= 0 and high <= 255 and hot > _CELSIUS[1] and np.array_equal(values, np.round(values)):
            return "8 bit", True
    elif np.issubdtype(values.dtype, np.unsignedinteger) and white <= 65535 and _fills(values, white, ends):
        return "16 bit", False
    scales: tuple[tuple[Unit, tuple[float, float]], ...] = (("centikelvin", _CENTIKELVIN),)
    if not np.issubdtype(values.dtype, np.unsignedinteger):
        scales += ("Kelvin", _KELVIN), ("Celsius", _CELSIUS)
    for unit, (least, most) in scales:
        if least <= cold and hot <= most:
            return unit, True
    return "counts", True


def _fills(values: NDArray[Any], white: float, ends: NDArray[np.float64]) -> bool:
    """Return whether levels of up to 16 bits use most of their type, or are 8 bits scaled to 16."""
    if any(not (values % step).any() for step in (257, 256)):
        return True
    narrow_bits = white == 65535 and int(values.max()) < 2**_NARROW_BITS
    return not narrow_bits and float(ends[1] - ends[0]) >= _NARROW_SHARE * white
