"""Reads the raw thermal values in JPEG files of thermal cameras, stored beside the rendered image.

FLIR files are read by flyr (extra ``radiometric``). DJI files hold 16-bit counts in APP3 segments; converting them to
temperatures needs DJI's closed library, but a style needs their order and ratio only.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ir_transfer.imaging.exemplars.report import Unit
from ir_transfer.imaging.pixels.containers import segments

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
