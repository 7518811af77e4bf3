"""Colour spaces that files declare by ICC profile, PNG chunks, code points or EXIF, and their conversion to sRGB."""

import io
import struct
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from ir_transfer.errors import InputError
from ir_transfer.imaging.pixels.curves import (
    ADOBE_GAMMA,
    ADOBE_RGB,
    BT2020,
    DISPLAY_P3,
    SRGB,
    Chromaticities,
    Curve,
    CurveSpace,
    decode_srgb,
    matrix_profile,
    power,
    to_linear_srgb,
)

_CLOSE = 2  # 8-bit levels: sRGB profiles of different makers differ by less
_MODES = {b"RGB ": ("RGB", 3), b"CMYK": ("CMYK", 4), b"GRAY": ("L", 1)}
_PRIMARIES = {1: SRGB, 9: BT2020, 11: DISPLAY_P3, 12: DISPLAY_P3}
_VIDEO_TRANSFERS = frozenset({1, 2, 6, 13, 14, 15})  # shown as sRGB by common practice
_GAMMAS = {4: 2.2, 5: 2.8, 8: 1.0}
_HIGH_DYNAMIC_RANGE = {16: "PQ", 18: "HLG"}


class ColourSpace(Protocol):
    """A colour space of stored levels."""

    @property
    def name(self) -> str:
        """Name in reports."""

    @property
    def is_narrow(self) -> bool:
        """Whether colours are converted at 8 bits, also for levels of more bits."""

    def to_srgb(self, levels: NDArray[Any], white: float) -> NDArray[Any]:
        """Return levels (1, 3 or 4 bands, H, W) of 0 to ``white`` as sRGB (1 or 3, H, W) of the same type."""


@dataclass(frozen=True)
class Declared:
    """The colour space that a file declares.

    Attributes:
        space: The space to convert from; None for sRGB or without a declaration.
        note: A declaration that was not applied, for the report.
    """

    space: ColourSpace | None = None
    note: str = ""


class ProfileSpace:
    """An ICC profile, applied by LittleCMS at 8 bits; matrix profiles are applied exactly to levels of more bits.

    Args:
        name: Name in reports.
        profile: The bytes of the profile.
        mode: Pillow's mode: ``"RGB"``, ``"CMYK"`` or ``"L"``.
        exact: The same profile as curves and primaries, if it consists of those.

    Raises:
        ImageCms.PyCMSError: A damaged profile.
    """

    def __init__(self, name: str, profile: bytes, mode: str, exact: CurveSpace | None) -> None:
        self.name = name
        self._mode, self._exact = mode, exact
        source, target = ImageCms.ImageCmsProfile(io.BytesIO(profile)), ImageCms.createProfile("sRGB")
        self.is_narrow = exact is None
        self._transform = ImageCms.buildTransform(source, target, mode, "RGB")

    def to_srgb(self, levels: NDArray[Any], white: float) -> NDArray[Any]:
        """Return levels (1, 3 or 4 bands, H, W) of 0 to ``white`` as sRGB (1 or 3, H, W) of the same type."""
        if self._exact is not None and levels.dtype != np.uint8:
            return self._exact.to_srgb(levels, white)
        narrow = levels if levels.dtype == np.uint8 else np.rint(levels / white * 255).astype(np.uint8)
        interleaved = np.ascontiguousarray(narrow.transpose(1, 2, 0) if len(narrow) > 1 else narrow[0])
        image = Image.frombytes(self._mode, (levels.shape[2], levels.shape[1]), interleaved.tobytes())
        made = ImageCms.applyTransform(image, self._transform)
        shown = np.asarray(made).transpose(2, 0, 1)
        shown = shown[:1] if self._mode == "L" else shown
        if levels.dtype == np.uint8:
            return shown
        wide = shown / 255 * white
        return (np.rint(wide) if np.issubdtype(levels.dtype, np.integer) else wide).astype(levels.dtype)


def precision_notes(space: ColourSpace | None, dtype: np.dtype[Any]) -> list[str]:
    """Return the notes on a conversion at less precision than that of the levels."""
    if space is None or not space.is_narrow or dtype == np.uint8:
        return []
    bits = 8 * dtype.itemsize
    return [f"its colour profile uses lookup tables: colours are converted at 8 of {bits} bits"]


@lru_cache(maxsize=64)
def from_profile(profile: bytes, bands: int) -> Declared:
    """Return the colour space of an ICC profile for an image with 1, 3 or 4 colour bands.

    A damaged profile, or one for another kind of image, is noted but not applied: metadata never makes an image
    unreadable.
    """
    mode, wanted = _MODES.get(profile[16:20], ("", 0))
    if wanted != bands:
        kind = profile[16:20].decode("latin-1").strip() or "no colours"
        return Declared(note=f"its colour profile is for {kind}, not for {bands} bands: not applied")
    try:
        name = ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(io.BytesIO(profile))).strip() or "unnamed"
        exact = matrix_profile(profile, name)
        space: ColourSpace = exact if exact and bands == 1 else ProfileSpace(name, profile, mode, exact)
        return Declared(None if _is_srgb(space, bands) else space)
    except (ImageCms.PyCMSError, OSError, ValueError, KeyError, struct.error, np.linalg.LinAlgError) as error:
        return Declared(note=f"its colour profile is damaged ({error}): not applied")


def _is_srgb(space: ColourSpace, bands: int) -> bool:
    if bands == 4:
        return False
    steps = np.linspace(0, 255, 9).astype(np.uint8)
    grid = np.stack(np.meshgrid(*[steps] * bands, indexing="ij")).reshape(bands, 1, -1)
    shown = space.to_srgb(grid, 255.0)
    return bool(np.abs(shown.astype(int) - grid.astype(int)).max() <= _CLOSE)


def from_exif(uncalibrated_adobe: bool) -> Declared:
    """Return the colour space by EXIF: sRGB or, by the interoperability index, Adobe RGB."""
    return _of_primaries("Adobe RGB (by EXIF)", power(ADOBE_GAMMA), ADOBE_RGB) if uncalibrated_adobe else Declared()


def uncalibrated() -> Declared:
    """Return what EXIF declares with a colour space that is neither sRGB nor Adobe RGB."""
    return Declared(note="its EXIF declares uncalibrated colours: treated as sRGB")


def from_gamma(gamma: float, chromaticities: Chromaticities | None, bands: int) -> Declared:
    """Return the colour space of the chunks gAMA and cHRM of a PNG.

    Args:
        gamma: Encoding exponent, 0.45455 for common screens.
        chromaticities: Primaries; those of sRGB if None.
        bands: 1 or 3.
    """
    if not 0.05 <= gamma <= 5:
        return Declared(note=f"its gamma of {gamma:g} is out of range: not applied")
    if abs(gamma - 0.45455) < 0.005 and chromaticities in {None, SRGB}:
        return Declared()  # written beside sRGB for readers that do not support the chunk sRGB
    return _of_primaries(f"gamma {gamma:.5g}", power(1 / gamma), chromaticities or SRGB, bands)


def from_coding_points(primaries: int, transfer: int, bands: int = 3) -> Declared:
    """Return the colour space of code points of ITU-T H.273, which PNG (cICP) and videos use.

    Raises:
        InputError: High dynamic range (PQ, HLG), which is not supported.
    """
    if transfer in _HIGH_DYNAMIC_RANGE:
        raise InputError(
            f"expected levels of standard dynamic range, got {_HIGH_DYNAMIC_RANGE[transfer]}: export it as sRGB"
        )
    known = _PRIMARIES.get(primaries, SRGB)
    curve = power(_GAMMAS[transfer]) if transfer in _GAMMAS else decode_srgb
    if known == SRGB and transfer not in _GAMMAS:
        return Declared()
    if transfer not in _VIDEO_TRANSFERS | set(_GAMMAS) | {0}:
        return Declared(note=f"its transfer function {transfer} is unknown: treated as sRGB")
    return _of_primaries(f"code points {primaries}, {transfer}", curve, known, bands)


def _of_primaries(name: str, curve: Curve, chromaticities: Chromaticities, bands: int = 3) -> Declared:
    if bands == 1:
        return Declared(CurveSpace(name, (curve,)))
    try:
        return Declared(CurveSpace(name, (curve,) * 3, to_linear_srgb(chromaticities)))
    except ValueError as error:
        return Declared(note=f"its primaries are invalid ({error}): not applied")
