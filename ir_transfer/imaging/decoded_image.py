"""Decoded images in memory: sRGB or gray levels in the type of the file, with alpha."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ir_transfer.errors import DecodeError, InputError
from ir_transfer.imaging.pixels.kinds import Levels, holds_nodata
from ir_transfer.imaging.pixels.stage import HALF_OPAQUE, Alpha, Reading, Stored, composited, mean_colour, strips
from ir_transfer.imaging.raster.levels import Asked, percentile_levels
from ir_transfer.imaging.raster.levels import Levels as Range

BitDepth = Literal[8, 16]

OutputLevels = NDArray[np.uint8 | np.uint16]

_NARROW_BITS = 14  # infrared and industrial cameras store up to 14 bits in 16
_SLACK = 1e-4  # rounding errors of a writer of float images
_AT_ONCE = 2**20  # pixels converted at a time, in float64
LUMA = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in the luma (Rec. ITU-R BT.601)."""


@dataclass(frozen=True)
class DecodedImage:
    """A decoded image, upright, in the levels of its file, which take less memory than floats.

    Attributes:
        levels: (1, H, W) gray or (3, H, W) sRGB; unsigned, or float32 in [0, 1].
        white: The level for 1.0.
        sha256: Hash of the file.
        alpha: (H, W), 0 is transparent or invalid; None if all pixels are opaque. Transparent pixels have the mean
            colour of the opaque ones.
        reading: How the file was read.
        ignores_alpha: Whether the file is transparent everywhere, so that its transparency is ignored.
    """

    levels: Levels
    white: float
    sha256: str
    alpha: Alpha | None = None
    reading: Reading = field(default_factory=Reading)
    ignores_alpha: bool = False

    @property
    def height(self) -> int:
        """Rows of the upright image."""
        return int(self.levels.shape[1])

    @property
    def width(self) -> int:
        """Columns of the upright image."""
        return int(self.levels.shape[2])

    @property
    def valid(self) -> NDArray[np.bool_] | None:
        """Pixels (H, W) that are at least half opaque; None if all are."""
        if self.alpha is None:
            return None
        found: NDArray[np.bool_] = self.alpha >= HALF_OPAQUE
        return None if found.all() else found

    @property
    def bit_depth(self) -> int:
        """Bits per channel in the file, rounded up to 8, 16 or 32 (float)."""
        return int(self.levels.dtype.itemsize * 8)

    @property
    def is_colour(self) -> bool:
        """Whether the channels differ visibly; a gray JPEG often has three equal channels."""
        if len(self.levels) == 1:
            return False
        spread = self.levels.max(axis=0) - self.levels.min(axis=0)
        return bool(spread.mean() > 0.01 * self.white)

    def rgb(self) -> NDArray[np.float32]:
        """Return the image as float32 RGB (3, H, W) in [0, 1]; gray is repeated."""
        unit = _to_unit(self.levels, self.white)
        return unit if len(unit) == 3 else np.repeat(unit, 3, axis=0)

    def gray(self) -> NDArray[np.float32]:
        """Return the image as float32 (1, H, W) in [0, 1]; colour becomes luma (BT.601)."""
        unit = _to_unit(self.levels, self.white)
        if len(unit) == 1:
            return unit
        luma: NDArray[np.float32] = np.tensordot(np.array(LUMA, np.float32), unit, axes=1)[None]
        return np.clip(luma, 0, 1)


def _to_unit(levels: Levels, white: float) -> NDArray[np.float32]:
    unit: NDArray[np.float32] = levels.astype(np.float32, copy=False)
    return unit if white == 1 else unit / np.float32(white)


def shown(stored: Stored, name: str, sha256: str = "", asked: Asked = None) -> DecodedImage:
    """Return stored numbers as an image in sRGB, composited over its mean colour.

    Args:
        stored: Decoded numbers.
        name: Name in errors.
        sha256: Hash of the file.
        asked: Values for black and white, ``"percentile"``, or None for the range of the file's type.

    Raises:
        DecodeError: Values outside of [0, 1] without a range, or no value but nodata.
        InputError: An invalid range.
    """
    numbers, white, alpha = stored.numbers, stored.white, stored.alpha
    reading = Reading(dict(stored.reading.facts), list(stored.reading.notes), stored.reading.kept_exif)
    ignores_alpha = alpha is not None and alpha.max() < HALF_OPAQUE
    if ignores_alpha:
        if stored.nodata and holds_nodata(numbers, stored.nodata).all():
            raise DecodeError(
                f"{name}: expected pixels with a value, got its nodata value {stored.nodata[0]:g} everywhere: leave it "
                "out, or correct the nodata value of the file"
            )
        reading.notes.append("it is transparent everywhere: its transparency is ignored")
        alpha = None
    if asked is None:
        alpha = _with_nodata(stored, alpha, Range(0, white))
        numbers = _checked(numbers, white, alpha, name)
    else:
        span = _asked_range(stored, alpha, asked, name)
        reading.facts["levels"] = [span.lo, span.hi]
        alpha = _with_nodata(stored, alpha, span)
        numbers, white = _stretched(numbers, span)
    levels = stored.meaning.to_srgb(numbers, white)
    if alpha is not None:
        levels = np.nan_to_num(levels, copy=False) if levels.dtype.kind == "f" else levels
        levels = composited(levels, alpha, mean_colour(levels, alpha >= HALF_OPAQUE))
        share = float((alpha < HALF_OPAQUE).mean())
        reading.facts["transparent"] = round(share, 4)
        reading.notes.append(
            f"{share:.1%} of it is transparent or invalid: these pixels are ignored and set to its mean colour"
            if share
            else "it is partly transparent: it is composited over its mean colour"
        )
    return DecodedImage(levels, white, sha256, alpha, reading, ignores_alpha)


def _checked(numbers: NDArray[Any], white: float, alpha: Alpha | None, name: str) -> NDArray[Any]:
    """Return unsigned numbers unchanged, and floats in [0, 1] as float32; refuse others."""
    if numbers.dtype.kind == "u" and white > 1:
        return numbers
    if numbers.dtype.kind != "f":
        raise DecodeError(
            f"{name}: expected unsigned levels of at most 16 bits or floats in [0, 1], got {numbers.dtype}: "
            "set the values for black and white with --levels LO,HI, or convert the file"
        )
    seen = numbers if alpha is None else numbers[:, alpha > 0]
    broken = int(np.count_nonzero(~np.isfinite(seen)))
    if broken:
        raise DecodeError(f"{name}: expected finite values in [0, 1], got {broken} that are NaN or infinite: fill them")
    low, high = float(seen.min()), float(seen.max())
    if low < -_SLACK or high > 1 + _SLACK:
        raise DecodeError(
            f"{name}: expected float values in [0, 1], got {low:.4g} to {high:.4g}: "
            "set the values for black and white with --levels LO,HI, or divide by the white level"
        )
    unit: NDArray[np.float32] = np.clip(np.nan_to_num(numbers), 0, 1).astype(np.float32)
    return unit


def _with_nodata(stored: Stored, alpha: Alpha | None, span: Range) -> Alpha | None:
    """Return alpha with the pixels removed in which a band holds a nodata value outside of a range."""
    partial = stored.partial_nodata
    if partial is None or all(span.holds(value) for value in stored.nodata):
        return alpha
    opaque = np.where(partial, 0, 255).astype(np.uint8)
    return opaque if alpha is None else np.minimum(alpha, opaque)


def _asked_range(stored: Stored, alpha: Alpha | None, asked: Asked, name: str) -> Range:
    """Return the values for black and white."""
    if stored.meaning.kind != "plain":
        raise InputError(f"{name}: expected no --levels for inks or CIE Lab: omit it, or convert the file to RGB")
    if asked != "percentile":
        return Range(*asked) if asked is not None else Range(0, stored.white)
    numbers, partial = stored.numbers, stored.partial_nodata
    height, width = numbers.shape[1:]

    def valid_parts() -> Iterator[NDArray[Any]]:
        for rows in strips(height, width):
            seen = np.ones((len(numbers[0, rows]), width), np.bool_) if alpha is None else alpha[rows] >= HALF_OPAQUE
            yield numbers[:, rows][:, seen if partial is None else seen & ~partial[rows]]

    return percentile_levels(valid_parts, numbers.dtype)


def _stretched(numbers: NDArray[Any], span: Range) -> tuple[NDArray[Any], float]:
    """Return numbers stretched to the full range of their type and its white; those of over 16 bits as floats."""
    if numbers.dtype not in (np.uint8, np.uint16):
        return np.nan_to_num(span.unit(numbers)), 1.0
    # By a lookup table, since floats of the whole image would take many times its memory.
    table = to_levels(span.unit(np.arange(np.iinfo(numbers.dtype).max + 1)), 8 if numbers.dtype == np.uint8 else 16)
    filled = np.empty_like(numbers)
    for rows in strips(*numbers.shape[1:]):
        filled[:, rows] = table[numbers[:, rows]]
    return filled, float(np.iinfo(table.dtype).max)


def narrow_levels(image: DecodedImage) -> tuple[int, int] | None:
    """Return the range of a 16-bit image that uses at most 14 bits; None if it uses more."""
    if image.levels.dtype != np.uint16 or image.white < 65535:
        return None
    bits = int(image.levels.max()).bit_length()
    return (0, 2 ** max(bits, 8) - 1) if bits <= _NARROW_BITS else None


def to_levels(intensity: NDArray[np.float32], bit_depth: BitDepth = 8) -> OutputLevels:
    """Return the nearest levels of an intensity in [0, 1], of any shape.

    Raises:
        InputError: NaN or infinite values.
    """
    if not np.isfinite(intensity).all():
        raise InputError("expected finite intensities, got NaN or infinity: the weights do not fit this image")
    dtype = np.uint8 if bit_depth == 8 else np.uint16
    levels: OutputLevels = np.empty(intensity.shape, dtype)
    flat, out = intensity.reshape(-1), levels.reshape(-1)
    for start in range(0, flat.size, _AT_ONCE):
        # float64: a float32 cannot hold 65535 * x to half a level everywhere
        scaled = flat[start : start + _AT_ONCE].astype(np.float64)
        np.clip(scaled, 0, 1, out=scaled)
        scaled *= np.iinfo(dtype).max
        scaled += 0.5
        out[start : start + _AT_ONCE] = scaled.astype(dtype)  # rounds down
    return levels
