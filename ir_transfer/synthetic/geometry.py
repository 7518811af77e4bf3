"""A pinhole camera above flat ground, and flat surfaces.

Coordinates are metres: x to the right, y up from the ground, z forward. The camera is at (0, height, 0) and looks
along z.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ir_transfer.synthetic.materials import Material

Point = tuple[float, float, float]
NEAR = 0.6
"""Near plane (m)."""


@dataclass(frozen=True)
class Camera:
    """A pinhole camera.

    Attributes:
        width: Image width in pixels.
        height_px: Image height in pixels.
        height: Height of the camera above the ground (m).
        horizon: Row of the horizon as a share of the image height.
        focal: Focal length as a share of the image width.
    """

    width: int
    height_px: int
    height: float
    horizon: float
    focal: float

    @property
    def horizon_row(self) -> float:
        """Row of the horizon in pixels."""
        return self.horizon * self.height_px

    def project(self, points: Sequence[Point]) -> list[tuple[float, float]]:
        """Return (column, row) of each point; points in front of the near plane are moved onto it."""
        f = self.focal * self.width
        placed = []
        for x, y, z in points:
            depth = max(z, NEAR)
            placed.append((self.width / 2 + f * x / depth, self.horizon_row + f * (self.height - y) / depth))
        return placed

    def ground(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return x and z of the ground point of every pixel (H, W); z is infinite above the horizon."""
        f = self.focal * self.width
        rows = np.arange(self.height_px, dtype=np.float32) + 0.5 - self.horizon_row
        z = np.where(rows > 0.25, f * self.height / np.maximum(rows, 0.25), np.inf).astype(np.float32)
        columns = (np.arange(self.width, dtype=np.float32) + 0.5 - self.width / 2) / f
        finite = np.where(np.isfinite(z), z, 0)
        return columns[None, :] * finite[:, None], np.repeat(z[:, None], self.width, axis=1)


@dataclass(frozen=True)
class Surface:
    """A flat convex polygon.

    Attributes:
        corners: At least three points in metres.
        material: Material of the surface.
        normal: Outward unit vector.
        tint: Factors of the reflectance in red, green, blue and near infrared.
        excess: Kelvin above the equilibrium with air and sun, for example of engines and heated rooms.
        body: Weight in [0, 1] of body temperature (306 K) in the temperature of the surface.
        glow: Emitted light in red, green, blue and near infrared.
        object_id: Number of the object it belongs to; 0 is scenery.
    """

    corners: tuple[Point, ...]
    material: Material
    normal: Point = (0.0, 0.0, -1.0)
    tint: tuple[float, float, float, float] = (1.0, 1.0, 1.0, 1.0)
    excess: float = 0.0
    body: float = 0.0
    glow: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    object_id: int = 0

    @property
    def depth(self) -> float:
        """Mean distance along z."""
        return sum(point[2] for point in self.corners) / len(self.corners)

    def moved(self, x: float, z: float) -> Surface:
        """Return the surface shifted by x and z in metres."""
        return replace(self, corners=tuple((px + x, py, pz + z) for px, py, pz in self.corners))


def facing_rect(x: tuple[float, float], y: tuple[float, float], z: float) -> tuple[Point, ...]:
    """Return the corners of a rectangle that faces the camera."""
    return (x[0], y[0], z), (x[1], y[0], z), (x[1], y[1], z), (x[0], y[1], z)


def side_rect(x: float, y: tuple[float, float], z: tuple[float, float]) -> tuple[Point, ...]:
    """Return the corners of a rectangle that faces left or right."""
    return (x, y[0], z[0]), (x, y[0], z[1]), (x, y[1], z[1]), (x, y[1], z[0])


def horizontal_rect(x: tuple[float, float], y: float, z: tuple[float, float]) -> tuple[Point, ...]:
    """Return the corners of a rectangle that faces up."""
    return (x[0], y, z[0]), (x[1], y, z[0]), (x[1], y, z[1]), (x[0], y, z[1])


def disc(x: float, y: float, z: float, radius: float, squash: float = 1.0, corners: int = 12) -> tuple[Point, ...]:
    """Return the corners of an ellipse that faces the camera, ``squash`` times as wide as high."""
    angles = [2 * np.pi * k / corners for k in range(corners)]
    return tuple((float(x + squash * radius * np.cos(a)), float(y + radius * np.sin(a)), z) for a in angles)


def hull(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return the convex hull of points in a plane (Andrew's monotone chain)."""
    ordered = sorted(set(points))
    if len(ordered) < 3:
        return list(ordered)

    def half(sequence: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
        kept: list[tuple[float, float]] = []
        for p in sequence:
            while len(kept) > 1:
                (ax, ay), (bx, by) = kept[-2], kept[-1]
                if (bx - ax) * (p[1] - ay) - (by - ay) * (p[0] - ax) > 0:
                    break
                kept.pop()
            kept.append(p)
        return kept[:-1]

    return half(ordered) + half(ordered[::-1])
