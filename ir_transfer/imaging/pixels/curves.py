"""Tone curves and primaries of colour spaces, their conversion to sRGB, and matrix profiles of the ICC."""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

Curve = Callable[[NDArray[Any]], NDArray[np.float64]]
Chromaticities = tuple[tuple[float, float], tuple[float, float], tuple[float, float], tuple[float, float]]
"""White, red, green and blue as CIE x and y."""

D65 = (0.3127, 0.3290)
SRGB: Chromaticities = (D65, (0.64, 0.33), (0.30, 0.60), (0.15, 0.06))
ADOBE_RGB: Chromaticities = (D65, (0.64, 0.33), (0.21, 0.71), (0.15, 0.06))
DISPLAY_P3: Chromaticities = (D65, (0.680, 0.320), (0.265, 0.690), (0.150, 0.060))
BT2020: Chromaticities = (D65, (0.708, 0.292), (0.170, 0.797), (0.131, 0.046))
ADOBE_GAMMA = 563 / 256
CLOSE_PRIMARIES = 0.002
"""Difference of coordinates up to which primaries are the same: files round them."""

# Primaries of sRGB adapted to D50, the white of profiles (IEC 61966-2-1 and ICC.1, Bradford).
_SRGB_D50 = np.array(
    [[0.4360747, 0.3850649, 0.1430804], [0.2225045, 0.7168786, 0.0606169], [0.0139322, 0.0971045, 0.7141733]]
)
_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
_ROWS_AT_ONCE = 2**20  # pixels held as float64 at a time
_PARAMETERS = {0: 1, 1: 3, 2: 4, 3: 5, 4: 7}


@dataclass(frozen=True)
class CurveSpace:
    """A colour space given by one curve per channel and, for colours, primaries.

    Attributes:
        name: Name in reports.
        curves: One for gray, three for red, green and blue; each takes and returns values in [0, 1].
        matrix: Linear values to linear sRGB (3, 3); None for gray.
    """

    name: str
    curves: tuple[Curve, ...]
    matrix: NDArray[np.float64] | None = None

    @property
    def is_narrow(self) -> bool:
        """False: curves are applied at full precision."""
        return False

    def to_srgb(self, levels: NDArray[Any], white: float) -> NDArray[Any]:
        """Return levels (1 or 3, H, W) of 0 to ``white`` as sRGB of the same type; colours outside are clipped."""
        result = np.empty_like(levels)
        rows = max(1, _ROWS_AT_ONCE // max(levels.shape[2], 1))
        for top in range(0, levels.shape[1], rows):
            part = levels[:, top : top + rows].astype(np.float64) / white
            linear = np.stack([curve(band) for curve, band in zip(self.curves, part, strict=True)])
            if self.matrix is not None:
                linear = np.tensordot(self.matrix, linear, axes=1)
            encoded = encode_srgb(np.clip(linear, 0, 1)) * white
            result[:, top : top + rows] = encoded + 0.5 if np.issubdtype(levels.dtype, np.integer) else encoded
        return result


def encode_srgb(linear: NDArray[Any]) -> NDArray[np.float64]:
    """Return linear values in [0, 1], of any shape, encoded by the curve of sRGB (IEC 61966-2-1)."""
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * np.maximum(linear, 0.0031308) ** (1 / 2.4) - 0.055)


def decode_srgb(encoded: NDArray[Any]) -> NDArray[np.float64]:
    """Return sRGB values in [0, 1], of any shape, as linear ones."""
    return np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)


def power(exponent: float) -> Curve:
    """Return the curve of a gamma as a function of arrays of any shape."""
    return partial(_power, exponent)


def _power(exponent: float, values: NDArray[Any]) -> NDArray[np.float64]:
    found: NDArray[np.float64] = np.asarray(values, np.float64) ** exponent
    return found


def to_xyz(chromaticities: Chromaticities) -> NDArray[np.float64]:
    """Return the matrix (3, 3) from linear RGB of these primaries to CIE XYZ, with Y = 1 for white.

    Raises:
        ValueError: Primaries that do not span a colour space.
    """
    white, *primaries = (
        np.array([x / y, 1.0, (1 - x - y) / y]) if y else np.full(3, np.inf) for x, y in chromaticities
    )
    columns = np.stack(primaries, axis=1)
    if not (np.isfinite(columns).all() and np.isfinite(white).all()) or abs(np.linalg.det(columns)) < 1e-6:
        raise ValueError("expected primaries that span a colour space")
    scaled: NDArray[np.float64] = columns * np.linalg.solve(columns, white)
    return scaled


def to_linear_srgb(chromaticities: Chromaticities) -> NDArray[np.float64]:
    """Return the matrix (3, 3) from linear RGB of these primaries to linear sRGB, with the white adapted (Bradford).

    Raises:
        ValueError: Primaries that do not span a colour space.
    """
    theirs, ours = to_xyz(chromaticities), to_xyz(SRGB)
    cones = _BRADFORD @ ours.sum(1), _BRADFORD @ theirs.sum(1)
    adapted = np.linalg.inv(_BRADFORD) @ np.diag(cones[0] / cones[1]) @ _BRADFORD
    found: NDArray[np.float64] = np.linalg.inv(ours) @ adapted @ theirs
    return found


def matrix_profile(profile: bytes, name: str) -> CurveSpace | None:
    """Return an ICC profile that consists of curves and primaries; None for one of lookup tables.

    Raises:
        ValueError: A damaged profile.
        struct.error: A damaged profile.
    """
    tags = _profile_tags(profile)
    if profile[16:20] == b"GRAY" and b"kTRC" in tags:
        curve = _curve(tags[b"kTRC"])
        return CurveSpace(name, (partial(_lightness, curve) if profile[20:24] == b"Lab " else curve,))
    wanted = (b"rXYZ", b"gXYZ", b"bXYZ", b"rTRC", b"gTRC", b"bTRC")
    if profile[16:20] != b"RGB " or b"A2B0" in tags or not all(tag in tags for tag in wanted):
        return None
    colorants = np.stack([_fixed(tags[tag][8:20]) for tag in wanted[:3]], axis=1)
    matrix = np.linalg.inv(_SRGB_D50) @ colorants
    return CurveSpace(name, tuple(_curve(tags[tag]) for tag in wanted[3:]), matrix)


def _lightness(curve: Curve, values: NDArray[Any]) -> NDArray[np.float64]:
    """Return the luminance for a curve whose output is CIE lightness."""
    return lightness_to_luminance(100 * curve(values))


def lightness_to_luminance(lightness: NDArray[Any]) -> NDArray[np.float64]:
    """Return CIE L* (0 to 100, of any shape) as luminance Y in [0, 1]."""
    return np.where(lightness > 8, ((lightness + 16) / 116) ** 3, lightness / (24389 / 27))


def _profile_tags(profile: bytes) -> dict[bytes, bytes]:
    (count,) = struct.unpack(">I", profile[128:132])
    if count > 1000:
        raise ValueError(f"expected a few tags, got {count}")
    found = {}
    for number in range(count):
        tag, start, length = struct.unpack(">4sII", profile[132 + 12 * number : 144 + 12 * number])
        found[tag] = profile[start : start + length]
    return found


def _fixed(data: bytes) -> NDArray[np.float64]:
    return np.frombuffer(data, ">i4").astype(np.float64) / 65536


def _curve(data: bytes) -> Curve:
    kind, (number,) = data[:4], struct.unpack(">I", data[8:12])
    if kind == b"para":
        function = number >> 16
        return partial(_parametric, function, _fixed(data[12 : 12 + 4 * _PARAMETERS[function]]))
    if kind != b"curv":
        raise ValueError(f"expected a curve, got {kind!r}")
    if number == 0:
        return power(1.0)
    table = np.frombuffer(data[12 : 12 + 2 * number], ">u2").astype(np.float64)
    if len(table) != number:
        raise ValueError("expected a whole curve")
    if number == 1:
        return power(float(table[0]) / 256)
    return partial(_sampled, table / 65535)


def _sampled(table: NDArray[np.float64], values: NDArray[Any]) -> NDArray[np.float64]:
    found: NDArray[np.float64] = np.interp(values, np.linspace(0, 1, len(table)), table)
    return found


def _parametric(function: int, given: NDArray[np.float64], values: NDArray[Any]) -> NDArray[np.float64]:
    """Return the parametric curves of ICC.1, table 68."""
    g, a, b, c, d, e, f = [*map(float, given), *[0.0] * (7 - len(given))]
    if function == 0:
        return power(g)(values)
    curved: NDArray[np.float64] = np.maximum(a * values + b, 0) ** g
    if function < 3:  # 1: zero below -b/a; 2: c there, and added above
        return curved + (c if function == 2 else 0)
    return np.where(values >= d, curved + (e if function == 4 else 0), c * values + f)
