"""From stored numbers to an image: interpretation, colour profile, orientation, transparency."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ir_transfer.errors import DecodeError
from ir_transfer.imaging.pixels.colour import ColourSpace
from ir_transfer.imaging.pixels.curves import encode_srgb

Kind = Literal["plain", "inks", "lab"]
Alpha = NDArray[np.uint8]
"""(H, W): 0 is transparent or invalid, 255 is opaque."""

HALF_OPAQUE = 128
"""Least alpha of a valid pixel: half of a soft edge counts."""

_SRGB_FROM_D50 = np.array(
    [[3.1338561, -1.6168667, -0.4906146], [-0.9787684, 1.9161415, 0.0334540], [0.0719453, -0.2289914, 1.4052427]]
)
_D50 = np.array([0.96422, 1.0, 0.82521])
_AT_ONCE = 2**20  # pixels converted to floats at a time, which take many times the memory of levels


@dataclass(frozen=True)
class Meaning:
    """Interpretation of stored numbers, for a known black and white.

    Attributes:
        kind: Gray or RGB, inks (cyan, magenta, yellow, black), or CIE Lab (L* from 0 to white; a* and b* in steps of
            1/256 of white, with 0 at 128/256 of white).
        white_is_zero: Whether 0 is white.
        space: Colour space; None for sRGB.
        orientation: EXIF orientation of the stored image, 1 to 8.
        premultiplied: Whether the numbers were multiplied by alpha.
    """

    kind: Kind = "plain"
    white_is_zero: bool = False
    space: ColourSpace | None = None
    orientation: int = 1
    premultiplied: bool = False

    def to_srgb(self, numbers: NDArray[Any], white: float) -> NDArray[Any]:
        """Return numbers (n, H, W) of 0 to ``white`` as sRGB or gray (1 or 3, H, W) of the same type."""
        if self.white_is_zero:
            numbers = (white - numbers).astype(numbers.dtype)
        if self.space is not None:
            return self.space.to_srgb(numbers, white)
        if self.kind == "inks":
            return _inks_to_srgb(numbers, white)
        return _lab_to_srgb(numbers, white) if self.kind == "lab" else numbers


@dataclass
class Reading:
    """How a file was read, for manifests and messages.

    Attributes:
        facts: Applied profile, orientation, page and bands, as JSON values.
        notes: Notes for the user.
        kept_exif: Place and time of an RGB image as an EXIF block; empty without any.
    """

    facts: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    kept_exif: bytes = b""

    def record(self) -> dict[str, Any] | None:
        """Return facts and notes in the form of the manifest; None if there are none."""
        return {**self.facts, **({"notes": self.notes} if self.notes else {})} or None


@dataclass(frozen=True)
class Stored:
    """Decoded numbers of a file, upright, before they are scaled to levels.

    Attributes:
        numbers: (n, H, W) in the file's type.
        white: The value for 1.0; 1.0 itself for floats and signed numbers.
        meaning: Interpretation of the numbers; its orientation is already applied.
        alpha: (H, W); None if all pixels are opaque.
        reading: How the file was read.
        nodata: The nodata value of every band; empty without one.
        partial_nodata: Pixels (H, W) in which some bands, but not all, hold nodata; they are invalid if the nodata
            value is outside of the levels. None without any.
    """

    numbers: NDArray[Any]
    white: float
    meaning: Meaning
    alpha: Alpha | None = None
    reading: Reading = field(default_factory=Reading)
    nodata: tuple[float, ...] = ()
    partial_nodata: NDArray[np.bool_] | None = None


def check_size(width: int, height: int, name: str, max_pixels: int) -> None:
    """Raise :class:`~ir_transfer.errors.DecodeError` for an image that is too large to be decoded."""
    if width * height > max_pixels:
        raise DecodeError(
            f"{name}: expected at most {max_pixels} pixels, got {width} x {height}: "
            "raise --max-pixels if the file is trusted"
        )


def strips(height: int, width: int) -> Iterator[slice]:
    """Yield slices of rows that are converted at a time."""
    rows = max(1, _AT_ONCE // max(width, 1))
    yield from (slice(top, top + rows) for top in range(0, height, rows))


def _inks_to_srgb(numbers: NDArray[Any], white: float) -> NDArray[Any]:
    result = np.empty_like(numbers[:3])
    rounding = 0.5 if np.issubdtype(numbers.dtype, np.integer) else 0.0
    for rows in strips(*numbers.shape[1:]):
        inks, black = numbers[:3, rows].astype(np.float64), numbers[3:4, rows].astype(np.float64)
        result[:, rows] = (white - inks) * ((white - black) / white) + rounding
    return result


def _lab_to_srgb(numbers: NDArray[Any], white: float) -> NDArray[Any]:
    result = np.empty_like(numbers[:3])
    for rows in strips(*numbers.shape[1:]):
        lightness, a, b = numbers[:3, rows].astype(np.float64) / white
        middle = (100 * lightness + 16) / 116
        a, b = ((value * 65535 / 256 - 128) if white > 255 else (value * 255 - 128) for value in (a, b))
        cubes = np.stack([middle + a / 500, middle, middle - b / 200])
        xyz = np.where(cubes > 6 / 29, cubes**3, 3 * (6 / 29) ** 2 * (cubes - 4 / 29)) * _D50[:, None, None]
        encoded = encode_srgb(np.clip(np.tensordot(_SRGB_FROM_D50, xyz, axes=1), 0, 1)) * white
        result[:, rows] = encoded + 0.5 if np.issubdtype(numbers.dtype, np.integer) else encoded
    return result


def upright(bands: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Apply an EXIF orientation (1 to 8) to bands (C, H, W)."""
    if orientation == 1:
        return bands  # a view of interleaved pixels is kept: channels_last in torch
    if orientation in {5, 6, 7, 8}:
        bands = bands.transpose(0, 2, 1)
    if orientation in {3, 4, 7, 8}:
        bands = bands[:, ::-1]
    if orientation in {2, 3, 6, 7}:
        bands = bands[:, :, ::-1]
    return np.ascontiguousarray(bands)


def stored_box(box: tuple[int, int, int, int], height: int, width: int, orientation: int) -> tuple[int, int, int, int]:
    """Return a box ``y0, x0, y1, x1`` of the upright image in the coordinates of the stored one (height, width)."""
    y0, x0, y1, x1 = box
    if orientation in {5, 6, 7, 8}:
        upright_height, upright_width = width, height
    else:
        upright_height, upright_width = height, width
    if orientation in {2, 3, 6, 7}:
        x0, x1 = upright_width - x1, upright_width - x0
    if orientation in {3, 4, 7, 8}:
        y0, y1 = upright_height - y1, upright_height - y0
    return (x0, y0, x1, y1) if orientation in {5, 6, 7, 8} else (y0, x0, y1, x1)


def unmultiplied(numbers: NDArray[Any], alpha: Alpha, white: float) -> NDArray[Any]:
    """Return premultiplied numbers (n, H, W) divided by alpha; fully transparent pixels are unchanged."""
    result = np.empty_like(numbers)
    for rows in strips(*numbers.shape[1:]):
        share = np.maximum(alpha[rows], 1).astype(np.float64) / 255
        shown = np.minimum(numbers[:, rows] / share, white)
        result[:, rows] = np.rint(shown) if np.issubdtype(numbers.dtype, np.integer) else shown
    return result


def mean_colour(levels: NDArray[Any], valid: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the mean (C,) of the valid pixels of levels (C, H, W)."""
    total = np.zeros(len(levels))
    for rows in strips(*levels.shape[1:]):
        total += levels[:, rows][:, valid[rows]].sum(1, dtype=np.float64)
    mean: NDArray[np.float64] = total / np.count_nonzero(valid)
    return mean


def composited(levels: NDArray[Any], alpha: Alpha, fill: NDArray[np.float64]) -> NDArray[Any]:
    """Return levels (C, H, W) composited over a fill colour (C,) by alpha."""
    made = np.empty_like(levels)
    backdrop = fill.astype(np.float32)[:, None, None]
    for rows in strips(*levels.shape[1:]):
        share = alpha[rows].astype(np.float32)[None] / 255
        mixed = levels[:, rows] * share + backdrop * (1 - share)
        made[:, rows] = np.rint(mixed) if np.issubdtype(levels.dtype, np.integer) else mixed
    return made
