"""The analogue-to-digital converter."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ir_transfer.sensor.model import Adc

Floats = NDArray[np.float32]


def quantise(seen: Floats, adc: Adc | None) -> Floats:
    """Return the nearest level of every intensity, as an intensity in [0, 1] again; saturated outside the converter.

    Args:
        seen: Of any shape.
        adc: The converter; without one the intensity is only cut to [0, 1].
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
