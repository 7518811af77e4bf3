"""How warm surfaces get, and how much they radiate."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ir_transfer.synthetic.materials import Material
from ir_transfer.synthetic.scene import Weather

Floats = NDArray[np.float32]


def temperature(
    material: Material, weather: Weather, absorbed: float, sunlit: float, skylit: float, facing_up: float
) -> float:
    """Return the temperature (K) of a surface without heat of its own."""
    if weather.night:
        stored = 0.55 * material.heating * material.storage * (0.5 + 0.5 * weather.clear)
        lost = 7.0 * weather.clear * facing_up * (1 - material.storage) * material.emissivity
        return weather.air + stored - lost
    gained = material.heating * absorbed * (weather.sunshine * sunlit + 0.35 * weather.skylight * skylit)
    lost = 2.0 * weather.clear * facing_up * (1 - min(sunlit * weather.sunshine * 2, 1)) * material.emissivity
    return weather.air + gained - lost


def radiance(kelvin: Floats | np.float32) -> Floats:
    """Return the radiance of a black body between 8 and 14 um, of any shape, as a power of temperature; 1 at 300 K."""
    return np.asarray((kelvin / 300.0) ** 4.7, dtype=np.float32)
