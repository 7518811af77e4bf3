"""What surfaces are made of: how they reflect light, emit heat, and warm up in the sun."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Material:
    """A material.

    Attributes:
        reflectance: Of red, green, blue and near infrared (0.8 um), in [0, 1].
        emissivity: In the long-wave band (8 to 14 um); the rest of what the camera sees is reflected surroundings.
        heating: Kelvin above the air that full perpendicular sun gives a black surface of it.
        storage: Share of the day's heat that is left at night; what keeps none cools below the air under a clear sky.
        texture: Relative spread of its reflectance over small areas.
    """

    reflectance: tuple[float, float, float, float]
    emissivity: float
    heating: float
    storage: float
    texture: float = 0.06

    @property
    def absorptance(self) -> float:
        """Share of the sun's power that is taken up; half of that power is infrared."""
        red, green, blue, nir = self.reflectance
        return 1 - ((red + green + blue) / 3 + nir) / 2


# Rounded from what spectral libraries agree on. Leaves reflect green a little and near infrared strongly, which makes
# the near-infrared image; asphalt stores heat and leaves do not, which makes the long-wave image.
MATERIALS: dict[str, Material] = {
    "asphalt": Material((0.11, 0.11, 0.12, 0.14), 0.95, 18, 0.40, 0.10),
    "marking": Material((0.72, 0.72, 0.68, 0.74), 0.94, 18, 0.36, 0.08),
    "pavement": Material((0.36, 0.35, 0.33, 0.42), 0.94, 17, 0.34, 0.08),
    "grass": Material((0.10, 0.17, 0.06, 0.48), 0.98, 8, 0.04, 0.16),
    "soil": Material((0.27, 0.20, 0.14, 0.34), 0.94, 16, 0.12, 0.14),
    "leaves": Material((0.08, 0.14, 0.05, 0.52), 0.97, 5, 0.05, 0.20),
    "bark": Material((0.20, 0.15, 0.11, 0.36), 0.96, 9, 0.15, 0.14),
    "brick": Material((0.38, 0.21, 0.16, 0.46), 0.93, 16, 0.34, 0.08),
    "plaster": Material((0.62, 0.58, 0.50, 0.66), 0.92, 15, 0.28, 0.04),
    "concrete": Material((0.42, 0.42, 0.41, 0.46), 0.93, 16, 0.34, 0.05),
    "roof": Material((0.26, 0.18, 0.16, 0.38), 0.92, 18, 0.15, 0.10),
    "glass": Material((0.10, 0.12, 0.14, 0.10), 0.80, 6, 0.10, 0.02),
    "paint": Material((0.50, 0.50, 0.50, 0.55), 0.88, 15, 0.00, 0.02),
    "rubber": Material((0.05, 0.05, 0.05, 0.06), 0.95, 14, 0.10, 0.04),
    "plastic": Material((0.08, 0.08, 0.09, 0.10), 0.93, 12, 0.05, 0.04),
    "steel": Material((0.35, 0.36, 0.37, 0.42), 0.60, 12, 0.05, 0.03),
    "lamp": Material((0.85, 0.85, 0.80, 0.80), 0.85, 8, 0.00, 0.00),
    "skin": Material((0.55, 0.38, 0.30, 0.60), 0.98, 2, 0.00, 0.02),
    "hair": Material((0.10, 0.08, 0.07, 0.25), 0.96, 6, 0.00, 0.05),
    "cloth": Material((0.40, 0.40, 0.40, 0.50), 0.95, 6, 0.00, 0.05),  # dyes are clear in the near infrared
}
