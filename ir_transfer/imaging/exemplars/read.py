"""Reads a style exemplar: apparent intensity, valid pixels and a report.

Thermal cameras store raw thermal values beside the rendered image of a JPEG file. FLIR files are read by flyr (extra
``radiometric``). DJI files hold 16-bit counts in APP3 segments; converting them to temperatures needs DJI's closed
library, but a style needs their order and ratio only.
"""

import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ir_transfer.errors import InputError
from ir_transfer.imaging.decode import decode
from ir_transfer.imaging.exemplars.overlay import Bar, bar_mask, collar_mask, colour_mask, find_bar, text_mask
from ir_transfer.imaging.exemplars.palette import find_palette, on_curve
from ir_transfer.imaging.exemplars.range import AskedRange, to_unit
from ir_transfer.imaging.exemplars.report import ExemplarReport, ReadExemplar, Unit
from ir_transfer.imaging.image_io import MAX_PIXELS, DecodedImage, files_beside, read_bytes
from ir_transfer.imaging.pixels.jpeg import segments
from ir_transfer.imaging.pixels.kinds import Wanted
from ir_transfer.imaging.pixels.pages import notes_without_options
from ir_transfer.imaging.pixels.stage import HALF_OPAQUE, Reading
from ir_transfer.resources import missing_exemplar

_FLIR = b"FLIR\x00"
_DJI = b"DJI"
_APP1, _APP3 = 0xE1, 0xE3
_SIZES = ((640, 512), (640, 480), (336, 256), (320, 256), (1280, 1024), (160, 120))
"""Widths and heights of DJI's sensors."""
_SMOOTH = 0.5  # of the standard deviation: neighbouring pixels of a thermal image differ less


@dataclass(frozen=True)
class Radiometric:
    """Raw thermal values of a JPEG.

    Attributes:
        values: float32 or uint16 (h, w); None if they cannot be read.
        unit: Unit of the values.
        source: Reader of the values.
        note: Why the values of a radiometric file could not be read.
    """

    values: NDArray[Any] | None = None
    unit: Unit = "counts"
    source: str = ""
    note: str = ""


def read_radiometric(data: bytes) -> Radiometric | None:
    """Return the raw thermal values of a JPEG; None if it is not a radiometric file."""
    if not data.startswith(b"\xff\xd8"):
        return None
    bodies = [(marker, data[start + 4 : stop]) for marker, start, stop in segments(data)]
    if any(marker == _APP1 and body.startswith(_FLIR) for marker, body in bodies):
        return _flir(data)
    raw = b"".join(body for marker, body in bodies if marker == _APP3)
    if any(marker == _APP1 and _DJI in body for marker, body in bodies):
        return _dji(raw)
    return None


def _flir(data: bytes) -> Radiometric:
    try:
        from flyr import unpack
    except ImportError:
        return Radiometric(
            note="its raw thermal values need the package flyr: the rendered image was used; "
            "install it with: pip install 'ir-transfer[radiometric]'"
        )
    try:
        kelvin = np.asarray(unpack(io.BytesIO(data)).kelvin, np.float32)
    except Exception as error:  # flyr raises various errors for unknown records
        return Radiometric(note=f"flyr cannot read its thermal values ({error!r}): the rendered image was used")
    if not np.isfinite(kelvin).any():
        return Radiometric(note="its thermal values are not numeric: the rendered image was used")
    return Radiometric(kelvin, "Kelvin", "flyr")


def _dji(raw: bytes) -> Radiometric:
    size = next(((w, h) for w, h in _SIZES if len(raw) == 2 * w * h), None)
    if size is None:
        return Radiometric(note="this DJI file contains no raw thermal values: the rendered image was used")
    counts = np.frombuffer(raw, "<u2").reshape(size[1], size[0])
    if not _is_smooth(counts):
        return Radiometric(note="the raw data in this DJI file are not an image: the rendered image was used")
    return Radiometric(counts.astype(np.uint16), "counts", "DJI's APP3 segments")


def _is_smooth(counts: NDArray[np.uint16]) -> bool:
    values = counts.astype(np.float64)
    steps = np.concatenate([np.diff(values, axis=0).ravel(), np.diff(values, axis=1).ravel()])
    return float(steps.std()) < _SMOOTH * float(values.std())


SMALLEST_SIDE = 16
_FLAT = 1 / 255  # a range below one 8-bit level has no contrast to take a style from
_LEAST_VALID = 0.1  # of the pixels


@dataclass
class _Found:
    """Values (h, w) of an exemplar, and masks of the ignored pixels by reason."""

    values: NDArray[Any]
    white: float
    unit: Unit | None = None
    palette: str | None = None
    radiometric: str | None = None
    left_out: dict[str, NDArray[np.bool_]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    pages: tuple[int, int] | None = None

    def leave_out(self, reason: str, mask: NDArray[np.bool_]) -> None:
        if mask.any():
            self.left_out[reason] = mask


def open_exemplar(path: Path, asked: AskedRange = "auto", max_pixels: int = MAX_PIXELS) -> ReadExemplar:
    """Read one infrared image as a camera or its software saved it.

    Args:
        path: Gray image of 8 or 16 bits, TIFF with numbers of any range (counts, centikelvin, Kelvin, Celsius),
            false-colour image, or radiometric JPEG.
        asked: The values for black and white; ``"auto"`` stretches a narrow range in a wide type.
        max_pixels: Images with more pixels are refused.

    Raises:
        MissingFileError: No such file.
        DecodeError: Not a readable image.
        InputError: A folder, an image smaller than 16 pixels, of one level or with few valid pixels, or colours that
            are not a palette.
    """
    if path.is_dir():
        raise InputError(
            f"expected one exemplar, got the folder {path}: build a style from it with ir-transfer styles build"
        )
    if not path.is_file():
        raise missing_exemplar(str(path))
    data = read_bytes(path, max_pixels)
    found = _values(path, data, max_pixels)
    height, width = found.values.shape
    if min(height, width) < SMALLEST_SIDE:
        raise InputError(
            f"{path}: expected an exemplar of at least {SMALLEST_SIDE} x {SMALLEST_SIDE} pixels, "
            f"got {width} x {height}: use a larger one"
        )
    return _finish(path, found, asked)


def _finish(path: Path, found: _Found, asked: AskedRange) -> ReadExemplar:
    shape = found.values.shape
    invalid = np.any([np.zeros(shape, bool), *found.left_out.values()], axis=0)
    if 1 - invalid.mean() < _LEAST_VALID:
        reasons = ", ".join(found.left_out)
        raise InputError(
            f"{path}: expected at least {_LEAST_VALID:.0%} of the pixels to show the scene, "
            f"got {1 - invalid.mean():.1%} without {reasons}: use another image"
        )
    seen, taken = to_unit(found.values[~invalid], found.white, asked, found.unit, str(path))
    if float(np.ptp(seen)) < _FLAT:
        raise InputError(f"{path}: expected an exemplar with contrast, got one level everywhere: use another image")
    intensity = np.zeros(shape, np.float32)
    intensity[~invalid] = seen
    report = ExemplarReport(
        path.name,
        shape[1],
        shape[0],
        taken,
        found.palette,
        {reason: float(mask.mean()) for reason, mask in found.left_out.items()},
        found.radiometric,
        float(seen.mean()),
        float(seen.std()),
        tuple(found.notes),
        found.pages,
    )
    return ReadExemplar(intensity, ~invalid if invalid.any() else None, report)


def _values(path: Path, data: bytes, max_pixels: int) -> _Found:
    raw = read_radiometric(data)
    if raw is not None and raw.values is not None:
        return _measured(_Found(raw.values, 65535.0 if raw.values.dtype == np.uint16 else 1.0, raw.unit), raw.source)
    stored = decode(data, str(path), max_pixels, Wanted(beside=files_beside(path)))
    levels = stored.meaning.to_srgb(stored.numbers, stored.white) if stored.white > 1 else stored.numbers
    image = DecodedImage(levels, stored.white, "", stored.alpha)
    found = _scalar(path, image) if image.is_colour else _gray(image)
    found.notes += exemplar_notes(stored.reading) + ([raw.note] if raw is not None else [])
    if "pages" in stored.reading.facts:
        found.pages = stored.reading.facts["page"], stored.reading.facts["pages"]
    if stored.alpha is not None:
        found.leave_out("mask, alpha or nodata", stored.alpha < HALF_OPAQUE)
    return _measured(found, None)


def exemplar_notes(reading: Reading) -> list[str]:
    """Return the notes on a file that is an exemplar, to which ``--page`` does not apply."""
    return notes_without_options(reading.notes)


def _measured(found: _Found, source: str | None) -> _Found:
    found.radiometric = source
    if np.issubdtype(found.values.dtype, np.floating):
        broken = ~np.isfinite(found.values)
        found.leave_out("no number", broken)
        found.values = np.where(broken, 0, found.values)
    return found


def _gray(image: DecodedImage) -> _Found:
    """Return the values of a gray image; overlays are looked for in 8-bit images only, which are made for display."""
    levels = image.levels
    if levels.dtype != np.uint8:
        return _Found(levels[0] if len(levels) == 1 else image.gray()[0] * image.white, image.white)
    gray = image.gray()
    found = _Found(levels[0] if len(levels) == 1 else np.round(gray[0] * 255).astype(np.uint8), image.white)
    found.leave_out("collar", collar_mask(gray[0]))
    if (bar := find_bar(gray)) is not None:
        found.leave_out("scale", bar_mask(bar, gray.shape[1:]))
    found.leave_out("text", text_mask(gray[0]))
    if len(levels) == 3:
        found.leave_out("drawn in colour", colour_mask(image.rgb()))
    return found


def _scalar(path: Path, image: DecodedImage) -> _Found:
    """Return the scalar values of a false-colour image."""
    rgb = image.rgb()
    bar = find_bar(rgb)
    palette = find_palette(_inside(rgb, bar), None if bar is None else bar.colours)
    if palette is None:
        raise InputError(
            f"{path}: expected a gray infrared image or one in a colour palette, got colours of no known palette: "
            "export the camera's gray image or its raw values"
        )
    places, distances = palette.scalar(rgb.reshape(3, -1).T.astype(np.float64))
    shape = rgb.shape[1:]
    unit: Unit = "palette" if palette.whole else "own palette"
    found = _Found(places.reshape(shape).astype(np.float32), 1.0, unit, palette.name)
    found.leave_out("collar", collar_mask(image.gray()[0]))
    if bar is not None:
        found.leave_out("scale", bar_mask(bar, shape))
    found.leave_out("text", text_mask(image.gray()[0]))
    found.leave_out("not of the palette", ~on_curve(distances).reshape(shape))
    return found


def _inside(rgb: NDArray[np.float32], bar: Bar | None) -> NDArray[np.float32]:
    """Return the pixels (3, 1, n) outside of the colour bar."""
    kept = np.ones(rgb.shape[1:], bool) if bar is None else ~bar_mask(bar, rgb.shape[1:])
    return rgb[:, kept][:, None]
